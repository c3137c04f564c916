# make run: everything up to the open page.  make test: everything that proves it.  make install: set-up alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The two FAISS builds exclude each other: the GPU one only where a driver answers.
FAISS := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)

.PHONY: run install test check bench clean
.DEFAULT_GOAL := run

run: install
	$(BIN)/chatbot serve --prepare data/shop

install: $(VENV)/.installed

test: $(VENV)/.installed-dev check
	@sh tests/install_chromium.sh
	$(BIN)/python -m pytest -m "not browser and not slow"
	$(BIN)/python -m pytest -m "slow and not browser"
	$(BIN)/python -m pytest -m browser

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; call: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[$(FAISS)]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[$(FAISS),dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

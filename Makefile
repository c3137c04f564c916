# make run: everything up to the open page.  make test: everything that proves it.  make install: set-up alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The two FAISS builds exclude each other: the GPU one only where a driver answers.
FAISS := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)

.PHONY: run install test check bench lock clean
.DEFAULT_GOAL := run

run: install
	CHATBOT_CONFIG=data/shop/chatbot.toml $(BIN)/chatbot serve --prepare data/shop

install: $(VENV)/.installed

test: $(VENV)/.installed-dev check
	@sh tests/install_chromium.sh
	$(BIN)/python -m pytest

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

# DATA is a folder with the public sets; docs/benchmarks.md says which.
bench: $(VENV)/.installed-dev
	@test -d "$(DATA)" || { echo "Say where the public sets are: make bench DATA=FOLDER (docs/benchmarks.md)"; exit 1; }
	$(BIN)/python benchmarks/redaction.py
	$(BIN)/python benchmarks/accuracy.py --data $(DATA)
	$(BIN)/python benchmarks/out_of_scope.py --data $(DATA)
	$(BIN)/python benchmarks/budget.py --data $(DATA)
	$(BIN)/python -m benchmarks.calibration --data $(DATA)
	$(BIN)/python -m benchmarks.robustness --data $(DATA)
	$(BIN)/python -m benchmarks.few_shots --data $(DATA)
	$(BIN)/python -m benchmarks.review_order --data $(DATA)
	$(BIN)/python -m benchmarks.correction --data $(DATA)
	$(BIN)/python benchmarks/questions.py --data $(DATA)/nlupp/banking
	$(BIN)/python -m benchmarks.documents
	$(BIN)/python benchmarks/durability.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python -m benchmarks.retention
	$(BIN)/python -m benchmarks.swaps
	$(BIN)/python -m benchmarks.tuning --data $(DATA)
	$(BIN)/python -m benchmarks.year --data $(DATA)
	$(BIN)/python benchmarks/index.py
	$(BIN)/python benchmarks/runtime.py --data $(DATA)
	$(BIN)/python benchmarks/gpu.py
	$(BIN)/python -m benchmarks.peers --data $(DATA)

# Newest versions that pyproject.toml allows, written down for everyone; run the tests before you commit them.
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install 'torch==2.13.0'
	build/lock/bin/pip install '.[cpu,dev]'
	{ echo "# Every package at one exact version: what was tested is what is installed. Renewed with: make lock"; \
	  build/lock/bin/pip freeze --exclude service-chatbot | sed 's/+cpu//'; \
	  build/lock/bin/pip freeze | sed -n 's/^faiss-cpu/faiss-gpu/p'; } > constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

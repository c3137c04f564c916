# make run: everything up to the open page.  make test: everything that proves it.  make install: set-up alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The two FAISS builds exclude each other: the GPU one only where a driver answers.
FAISS := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)

.PHONY: run install test check bench torture lock sbom release clean
.DEFAULT_GOAL := run

run: install
	CHATBOT_CONFIG=data/shop/chatbot.toml $(BIN)/chatbot serve --prepare data/shop

install: $(VENV)/.installed

test: $(VENV)/.installed-dev check
	@sh tests/install_chromium.sh
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

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
	$(BIN)/python -m benchmarks.efforts --data $(DATA)
	$(BIN)/python -m benchmarks.efforts --data $(DATA) --set clinc150 --sizes full --seeds 1
	$(BIN)/python -m benchmarks.efforts --data $(DATA) --weekly
	$(BIN)/python -m benchmarks.year --data $(DATA)
	$(BIN)/python benchmarks/index.py
	$(BIN)/python benchmarks/runtime.py --data $(DATA)
	$(BIN)/python benchmarks/gpu.py
	$(BIN)/python -m benchmarks.peers --data $(DATA)

# What docs/reliability.md is made of; takes hours. TORTURE="--only kill --short" tries a part of it.
torture: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.torture $(TORTURE)

# Newest versions that pyproject.toml allows, with the hashes of their files; run the tests before you commit them.
# LOCK=--keep renews the hashes alone, and what is new in pyproject.toml.
lock: build/tools/bin/uv $(VENV)/.installed-dev
	$(BIN)/python -m supply.lock $(LOCK) --uv build/tools/bin/uv

build/tools/bin/uv: locks/tools.txt | $(VENV)/bin/python
	$(BIN)/python -m venv build/tools
	build/tools/bin/pip install --require-hashes -r locks/tools.txt
	touch $@

# What the program is made of, with versions, licences and hashes, as it is installed here.
sbom: $(VENV)/.installed-dev
	$(BIN)/python -m supply.bill dist/service-chatbot.cdx.json

# Source archive and wheel of the last commit, built twice and compared, with the bill of materials beside them.
release: sbom
	$(BIN)/python -m supply.release dist

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

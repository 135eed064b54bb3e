# Two commands for a newcomer: `make demo` and `make test`. Each makes the virtual environment first.
PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements.lock
UV_VERSION := 0.13.9
JOBS ?= 2

.PHONY: setup lock demo test check bench clean

setup: .venv/.ready

.venv/.ready: $(LOCK) pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	# Compiled once here: every worker process imports torch and Ray, several of them at the same moment.
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r $(LOCK)
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q platform pipelines
	touch $@

lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --extra stages --extra demo --extra dev --extra k8s --extra console pyproject.toml -o $(LOCK)

demo: setup
	$(BIN)/bongsu run pipelines/demo.yaml

test: setup check
	# What starts Ray, kills processes or fills disks wants the machine for itself; processes share the rest by module
	# (tests/support/shared_work.py).
	$(BIN)/pytest -n $(JOBS) --dist loadfile tests/unit tests/contract
	$(BIN)/pytest tests/integration tests/e2e

bench: setup
	for file in tests/bench/bench_*.py; do $(BIN)/python $$file || exit 1; done

check: setup
	$(BIN)/ruff check platform pipelines tests
	$(BIN)/ruff format --check platform pipelines tests
	$(BIN)/mypy
	$(BIN)/lint-imports

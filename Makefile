# Two commands for a newcomer: `make demo` and `make test`. Each makes the virtual environment first.
PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements.lock
UV_VERSION := 0.13.9
JOBS ?= 2
FUZZED := tests/integration/api/test_openapi_fuzzed.py

.PHONY: setup lock demo test test-cluster check bench clean

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
	# Processes share the tests by module (tests/support/shared_work.py), but for those that are made while they run and
	# have one name.
	$(BIN)/pytest -n $(JOBS) --dist loadfile tests/unit tests/contract
	$(BIN)/pytest $(FUZZED)
	$(BIN)/pytest -n $(JOBS) --dist loadfile --ignore $(FUZZED) tests/integration tests/e2e

# Clusters of three levels, one after another (docs/test-cluster.md). Root, and Go for the programs that are not built yet.
test-cluster: setup
	bash .ci/install-cluster.sh
	cd tests/cluster && ../../$(BIN)/python -m local_kube build
	CI=true $(BIN)/pytest tests/cluster

bench: setup
	for file in tests/bench/bench_*.py; do $(BIN)/python $$file || exit 1; done

check: setup
	$(BIN)/ruff check platform pipelines tests
	$(BIN)/ruff format --check platform pipelines tests
	$(BIN)/mypy
	$(BIN)/lint-imports

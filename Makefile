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

# What the image of stages has, without what only developers need; pods of a test cluster run in it.
.stages/.ready: requirements-stages.lock pyproject.toml $(shell find platform pipelines -name '*.py') .venv/.ready
	test -x .stages/bin/python || $(PYTHON) -m venv .stages
	VIRTUAL_ENV=.stages $(BIN)/uv pip install --quiet --require-hashes -r requirements-stages.lock
	rm -rf .stages/wheel && $(BIN)/python -m hatchling build -t wheel -d .stages/wheel >/dev/null
	VIRTUAL_ENV=.stages $(BIN)/uv pip install --quiet --no-deps --reinstall --compile-bytecode .stages/wheel/*.whl
	touch $@

lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --extra stages --extra demo --extra dev --extra k8s --extra console pyproject.toml -o $(LOCK)
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --extra stages --extra cluster --constraints $(LOCK) pyproject.toml -o requirements-stages.lock

demo: setup
	$(BIN)/bongsu run pipelines/demo.yaml

test: setup check
	# Processes share the tests by module (tests/support/shared_work.py), but for those that are made while they run and
	# have one name.
	$(BIN)/pytest -n $(JOBS) --dist loadfile tests/unit tests/contract
	$(BIN)/pytest $(FUZZED)
	$(BIN)/pytest -n $(JOBS) --dist loadfile --ignore $(FUZZED) tests/integration tests/e2e

# Clusters of three levels, one after another (docs/test-cluster.md). Root, and Go for the programs that are not built yet.
test-cluster: setup .stages/.ready
	bash .ci/install-cluster.sh
	cd tests/cluster && ../../$(BIN)/python -m local_kube build
	$(BIN)/python tests/support/s3_program.py
	CI=true $(BIN)/pytest tests/cluster

bench: setup
	for file in tests/bench/bench_*.py; do $(BIN)/python $$file || exit 1; done

check: setup
	$(BIN)/ruff check platform pipelines tests
	$(BIN)/ruff format --check platform pipelines tests
	$(BIN)/mypy
	$(BIN)/lint-imports

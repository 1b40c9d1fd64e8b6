# Each target does its own set-up: Python 3.11 or newer and make are all it needs.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
READY := .venv/ready

.PHONY: demo test crash check bench lock clean

demo: $(READY)  ## the main job on real input: a year of flights, ten questions
	@sh examples/demo.sh

test: $(READY) .venv-pandas3/ready  ## every test
	$(BIN)/pytest -n auto --dist worksteal $(TESTS)
	.venv-pandas3/bin/pytest -q -p no:cacheprovider tests/unit/test_outputs_*.py tests/property/test_outputs_*.py

crash: $(READY)  ## a thousand kills on each database, and whatever else may go wrong, for as long as it takes
	HEADRACE_CRASH_KILLS=1000 $(BIN)/pytest -n 2 -rP tests/crash

check: $(READY)  ## format, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(READY)  ## each figure beside its physical floor
	$(BIN)/python -m bench

lock: $(UV)  ## pins every dependency anew
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --all-extras --group dev pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra frames --group pandas3 pyproject.toml -o requirements-pandas3.lock

clean:
	rm -rf .venv .venv-pandas3 .uv .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): requirements.lock pyproject.toml $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.venv-pandas3/ready: requirements-pandas3.lock pyproject.toml $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv-pandas3
	$(UV) pip install --quiet --python .venv-pandas3/bin/python --require-hashes -r requirements-pandas3.lock
	$(UV) pip install --quiet --python .venv-pandas3/bin/python --no-deps --editable .
	@touch $@

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'

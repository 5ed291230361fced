# Two commands matter: `make run` and `make test`.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8700
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: install install-test run test test-slow check lint types floors soak bench peers docs clean

install: $(STAMP)

install-test: $(TEST_STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Datahall needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "The venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@echo "Installing Datahall into $(VENV) (the first time takes a few minutes) …"
	@$(PIP) --upgrade pip
	@$(PIP) --editable '.[models,plan,notebook,gpu]'
	@touch $(STAMP)

$(TEST_STAMP): $(STAMP)
	@echo "Installing what the tests need …"
	@$(PIP) --editable '.[test]'
	@touch $(TEST_STAMP)

run: install
	@$(BIN)/datahall quickstart --port $(PORT)

check: lint types floors

lint: install-test
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks examples

types: install-test
	$(BIN)/mypy

floors: install-test
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n 2 --dist loadfile

test-slow: install-test
	$(BIN)/pytest -m slow --timeout 1200

soak: install-test
	DATAHALL_SOAK_KILLS=1000 $(BIN)/pytest -m slow --timeout 7200 tests/e2e/test_kill_the_control_plane.py

bench: install
	$(BIN)/python -m benchmarks.run

# Frameworks and servers to compare with, in an environment of their own (about 5 GB and ten minutes).
peers:
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --upgrade pip
	.venv-peers/bin/python -m pip install --quiet -r benchmarks/peers.txt

docs: install
	$(BIN)/python docs/generate.py

clean:
	rm -rf build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache

# Everything a person or a machine runs here. Needs Debian 12 (or alike) with Python 3.11 and make; no more.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
DATA   ?= data
# Tests wait for the database and for processes as long as they compute, so three run on two cores.
WORKERS ?= $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))

# Compiled once, not again in each of the hundreds of processes that the tests start, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo dev test check golden bench lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.runtime  ## .venv with the command `billow`

demo: install  ## a small cloud company's year on a test clock, then its dashboard and the API
	$(BIN)/billow demo

dev: $(VENV)/.dev  ## server and worker on ./data, with a talkative log
	BILLOW_LOG_LEVEL=debug $(BIN)/billow up --data $(DATA)

test: $(VENV)/.dev  ## all tests, in parallel
	$(BIN)/pytest -n $(WORKERS)

check: $(VENV)/.dev  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict billow
	$(BIN)/lint-imports

golden: $(VENV)/.dev  ## accept the papers as they look now; git shows the difference
	BILLOW_GOLDEN=accept $(BIN)/pytest tests/golden
	@git --no-pager diff --stat -- tests/golden

bench: $(VENV)/.dev  ## each benchmark; bench/against.py compares with another revision
	@for script in $(filter-out bench/against.py,$(wildcard bench/[a-z]*.py)); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

lock: $(VENV)/.dev  ## newest versions of all libraries into the two locks: names, versions, hashes
	$(PIP) install pip-tools
	$(LOCK) --output-file=requirements.lock pyproject.toml
	$(LOCK) --extra=dev --constraint=requirements.lock --output-file=requirements-dev.lock pyproject.toml

LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras \
	--allow-unsafe --build-deps-for=editable --no-emit-options --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links

# A stamp is younger than the lock it was installed from; so the second `make install` does nothing.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/pip
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/pip
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "billow needs Python 3.11 or newer; name it: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || if [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv; \
	else \
		echo "Python's venv module is not installed; run: sudo apt-get install python3-venv" >&2; exit 1; \
	fi
	$(PYTHON) -m venv --clear $(VENV)

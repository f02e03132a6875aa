# Trivet. `make demo` shows it, `make test` proves it; both set up what they need.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PATIENTS ?= 500
HOME_DIR ?= trivet-demo
SERVE ?= 1
CORPORA ?= ../shared/corpora
WORKERS ?= 2

.PHONY: help setup spark demo test quick check bench walk conform faults browser long clean

help:            ## what can be made
	@grep -hE '^[a-z]+: .*##|^[a-z]+: +##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

setup: $(VENV)/.ready  ## a virtual environment with the locked packages

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Trivet needs Python 3.11, 3.12 or 3.13 on the PATH"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

spark: setup $(VENV)/.spark  ## PySpark, its stand-in without Java, and Java where the system allows

$(VENV)/.spark: requirements-spark.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-spark.lock
	@scripts/java
	@touch $@

demo: setup      ## a synthetic hospital end to end, then a console (PATIENTS=1000 SERVE=0 to end there)
	@$(BIN)/trivet demo --home $(HOME_DIR) --patients $(PATIENTS) $(if $(filter 0,$(SERVE)),--no-serve,)

test: setup spark check quick  ## every quick test (under five minutes)

quick: setup
	@TRIVET_CORPORA=$(abspath $(CORPORA)) $(BIN)/python -m pytest -n $(WORKERS) -m "not long and not browser"

check: setup     ## format, lint, types, import contracts
	@$(BIN)/ruff format --check -q src tests benchmarks training
	@$(BIN)/ruff check -q src tests benchmarks training
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo > /dev/null || { $(BIN)/lint-imports; exit 1; }

long: setup      ## faults, walks and whole demos
	@TRIVET_CORPORA=$(abspath $(CORPORA)) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "long and not browser"

faults: setup    ## kill -9 and failing disks
	@$(BIN)/python -m pytest tests/faults

browser: setup   ## the console in a real browser (installs Chromium where the system allows)
	@scripts/chromium
	@$(BIN)/python -m pytest -m browser

walk: setup      ## land the external data sets in one home and reconcile (CORPORA=DIR)
	@scripts/walk $(CORPORA)

conform: setup   ## every external suite found under CORPORA
	@scripts/conform $(CORPORA)

bench: setup     ## benchmarks, each with its peer or limit in the same run
	@for file in $(filter-out %_peer.py,$(wildcard benchmarks/*.py)); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:           ## the demo home and caches
	rm -rf $(HOME_DIR) .mypy_cache .ruff_cache .hypothesis build dist

# `make help` lists what there is. Everything lands in .venv, web/node_modules, web/dist and var; nothing is global but
# the Debian packages that `make test` installs when they are missing.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PYTEST ?= $(BIN)/pytest
# For `make faults`: FAULTS="--soak-minutes 60 --seed 7"
FAULTS ?=
WEB_SOURCES := $(shell find web -name node_modules -prune -o -path web/dist -prune -o -path web/types -prune \
	-o -name schema.d.ts -o -type f -print 2>/dev/null)

.PHONY: help env demo check test faults screenshots openapi clean dev system lint types imports quick outside broken pages

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(STAMPS)/runtime $(STAMPS)/pages  ## make .venv with .venv/bin/berth in it, and build the pages

demo: env  ## a whole city on this machine, live; Ctrl-C stops it
	@exec $(BIN)/python scripts/in_foreground $(BIN)/berth up --demo

check: dev  ## ruff, mypy --strict, import contracts, unit and property tests: under 30 s
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types imports quick

test: dev system  ## install what the tests need, then check and run everything
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types imports pages
	$(PYTEST) -q -n 2 --dist loadfile tests/unit tests/property tests/integration
	@$(MAKE) --no-print-directory -j2 --output-sync=target outside broken

faults: dev system  ## the long fault suite, an hour and more; its table goes into docs/reliability.md
	$(PYTEST) -q tests/faults --faults=long --durations=20 --report=docs/reliability.md $(FAULTS)

screenshots: dev system  ## pictures of the pages, into docs/screenshots
	$(BIN)/python scripts/screenshots.py

openapi: env  ## write the API's description into openapi.json
	$(BIN)/berth openapi >openapi.json

clean:  ## remove what was built; the data in var stays
	rm -rf $(VENV) web/node_modules web/types/node_modules web/src/schema.d.ts web/dist build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

dev: env $(STAMPS)/dev

system:
	@scripts/install_system_packages

lint:
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .

types:
	@$(BIN)/mypy --no-error-summary

imports:
	@$(BIN)/lint-imports --no-logo >$(STAMPS)/imports.log || { cat $(STAMPS)/imports.log; exit 1; }

quick:
	@$(PYTEST) -q -n 2 --dist loadfile --hypothesis-profile=quick tests/unit tests/property

outside:
	$(PYTEST) -q tests/e2e tests/browser

broken:
	$(PYTEST) -q tests/faults

pages: $(STAMPS)/schema
	@scripts/npm run --silent check

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is older (set PYTHON=...)"; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/runtime: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "downloading and installing what Berth needs into $(VENV): a minute or two"
	@$(PIP) --require-hashes -r requirements.lock -r requirements-build.lock
	@echo "installing Berth itself"
	@$(PIP) --no-deps --no-build-isolation -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/runtime
	@echo "installing the tools for working on it"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(STAMPS)/schema: openapi.json web/types/package-lock.json | $(STAMPS)/pages
	@cmp --silent web/types/package-lock.json web/types/node_modules/.berth-lock \
		|| { scripts/npm --prefix types ci --silent --no-audit --no-fund \
		&& cp web/types/package-lock.json web/types/node_modules/.berth-lock; }
	@scripts/npm --prefix types run --silent make >/dev/null
	@touch $@

$(STAMPS)/pages: $(WEB_SOURCES) scripts/npm requirements-node.lock | $(STAMPS)/runtime
	@echo "building the pages"
	@cmp --silent web/package-lock.json web/node_modules/.berth-lock \
		|| { scripts/npm ci --silent --no-audit --no-fund && cp web/package-lock.json web/node_modules/.berth-lock; }
	@scripts/npm run --silent build -- --logLevel warn
	@touch $@

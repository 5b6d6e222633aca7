.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup run test test-quick test-faults test-contract test-proof bench profile lint fmt demo newman postman migrate lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(VENV)/run ## make the virtual environment and install what is pinned

$(VENV)/run: requirements.txt requirements-scale.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "crm-sync needs Python 3.11 or newer; say make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned dependencies (once) ..."
	@$(INSTALL) -r requirements.txt -r requirements-scale.txt
	@touch $@

$(VENV)/dev: $(VENV)/run requirements-dev.txt
	@$(INSTALL) -r requirements.txt -r requirements-scale.txt -r requirements-dev.txt
	@touch $@

$(VENV)/bench: $(VENV)/dev requirements-bench.txt
	@$(INSTALL) -r requirements.txt -r requirements-scale.txt -r requirements-dev.txt -r requirements-bench.txt
	@touch $@

run: $(VENV)/run ## start web, worker and mock CRM; Ctrl-C stops them all
	@exec $(BIN)/python -m app.stack

test: $(VENV)/dev ## run the tests; REQUIRE_SERVICES=1 fails where a database is missing
	@REQUIRE_SERVICES=$(REQUIRE_SERVICES) $(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

test-quick: $(VENV)/dev ## run the tests that start no processes
	@$(BIN)/python -m pytest -q -n auto --dist loadfile -m "not slow and not long" $(ARGS)

test-faults: $(VENV)/dev ## the whole fault suite: kills, cut lines, lying CRMs, full disks
	@REQUIRE_SERVICES=$(REQUIRE_SERVICES) $(BIN)/python -m pytest -n auto --dist loadfile -m "" tests/faults tests/crash $(ARGS)

test-contract: $(VENV)/dev ## thousands of fuzzed calls against /openapi.json, on both databases
	@REQUIRE_SERVICES=$(REQUIRE_SERVICES) $(BIN)/python -m pytest -n auto --dist loadfile -m "" tests/contract $(ARGS)

test-proof: $(VENV)/dev ## every mutant of the engine, and thousands of simulated histories
	@$(BIN)/python -m pytest -n auto --dist load -m "" tests/simulator $(ARGS)

bench: $(VENV)/bench ## what things cost, as ratios against a floor measured in the same run
	@PEERS=$(PEERS) ROUNDS=$(ROUNDS) $(BIN)/python -m benchmarks $(NAME)

profile: $(VENV)/bench ## what the interpreter does while a bench is under way; NAME=push
	@$(BIN)/python -m benchmarks.profile $(NAME)

lint: $(VENV)/dev ## ruff, mypy and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: $(VENV)/dev ## format the code and mend what can be mended
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

demo: $(VENV)/run ## a narrated tour against the running stack
	@$(BIN)/flask --app wsgi sync demo

newman: ## run the Postman collection against the running stack
	@postman/run.sh

postman: ## write the collection that the running stack serves
	@curl -fsS http://127.0.0.1:$${PORT:-8000}/postman.json -o postman/crm-sync.postman_collection.json

migrate: $(VENV)/run ## bring the database to the newest version
	@$(BIN)/flask --app wsgi db upgrade

lock: $(VENV)/dev ## pin what requirements*.in ask for
	@for name in requirements requirements-scale requirements-dev requirements-bench requirements-peers; do \
		$(LOCK) $$name.in -o $$name.txt; done

clean: ## remove the virtual environment and caches; the data in instance/ stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache postman/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

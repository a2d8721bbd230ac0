# Works on a machine that has Python 3.11, 3.12 or 3.13 (with venv), make and git.

SUPPORTED := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := -m pip --disable-pip-version-check install --quiet
PYTEST := $(BIN)/python -m pytest -n $(or $(JOBS),auto) --dist worksteal
SERVERS := .venv-mlflow3/.installed .venv-mlflow2/.installed .venv-wandb/.installed

.PHONY: help run check test lint format-check mypy imports unit servers bench screens format clean distclean
.DEFAULT_GOAL := help

help:
	@echo 'make run        open the console here, on the demo project where nothing else is found'
	@echo 'make check      the fast loop: ruff, mypy, import contracts, tests that are not slow'
	@echo 'make test       everything, with real servers in environments of their own'
	@echo 'make servers    the environments of real servers and trackers (.venv-mlflow3, -mlflow2, -wandb)'
	@echo 'make bench      each budget, ours beside its reference'
	@echo 'make screens    the pictures of the README, from the real demo'
	@echo 'make format     let ruff format and mend'
	@echo 'make clean      remove what was built and cached; distclean also the environments'
	@echo
	@echo 'PYTHON=python3.12 chooses an interpreter for a new .venv, JOBS=1 how many tests at once.'

# --- environments: made once, and again when what they are made of changes ---

# $(call environment,FOLDER) makes a virtual environment there, unless a whole one is there.
define environment
	@test -n "$(PYTHON)" || { echo 'Python 3.11, 3.12 or 3.13 with venv is needed, and none is found' \
		'(Debian: apt-get install python3 python3-venv). PYTHON=/path/to/python chooses one.' >&2; exit 1; }
	@test -x $(1)/bin/pip || { rm -rf $(1) && $(PYTHON) -m venv $(1); }
endef

.venv/.product: pyproject.toml constraints/dev.txt
	$(call environment,.venv)
	$(BIN)/python $(PIP) --constraint constraints/dev.txt --editable .
	@touch $@

.venv/.dev: .venv/.product
	$(BIN)/python $(PIP) --constraint constraints/dev.txt --editable '.[dev]'
	@touch $@

.venv-%/.installed: constraints/%.txt
	$(call environment,.venv-$*)
	.venv-$*/bin/python $(PIP) --constraint $< $(WITH)
	@touch $@

# The newer one is also run with accounts, and on PostgreSQL.
.venv-mlflow3/.installed: WITH := 'mlflow[auth]' 'psycopg[binary]'
.venv-mlflow2/.installed: WITH := mlflow
# Trackers without a server, whose files are read.
.venv-wandb/.installed: WITH := wandb tensorboard tensorboardX trackio

servers: $(SERVERS)

# --- the program ---

run: .venv/.product
	@if [ -e .modeldeck ] || [ -e mlflow.db ] || [ -e mlruns ] || [ -e wandb ] \
		|| env | grep -Eq '^(MODELDECK|MLFLOW)_'; then \
		exec $(BIN)/modeldeck; \
	fi; \
	test -d demo/.modeldeck || $(BIN)/modeldeck demo demo || exit; \
	exec $(BIN)/modeldeck --registry demo/.modeldeck/registry.db

# --- checks ---

lint: .venv/.dev
	$(BIN)/ruff check

format-check: .venv/.dev
	$(BIN)/ruff format --check

mypy: .venv/.dev
	$(BIN)/mypy

imports: .venv/.dev
	$(BIN)/lint-imports

unit: .venv/.dev
	$(PYTEST) -m 'not slow'

check: lint format-check mypy imports unit

test: lint format-check mypy imports
	@$(MAKE) --no-print-directory -j2 servers
	MODELDECK_TEST_REQUIRE_SERVERS=1 $(PYTEST)

bench: .venv/.dev .venv-mlflow3/.installed .venv-wandb/.installed
	$(BIN)/python -m tests.bench

screens: .venv/.dev
	$(BIN)/python -m tests.screens

format: .venv/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find app backends widgets tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .venv-*

# Strehl: `make demo` shows it, `make test` proves it. Both set up all they need and ask nothing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
MANAGE := $(PY) manage.py
# two pytest processes on two cores; PYTEST_ARGS adds to them
PYTEST_ARGS ?=
export PYTHONDONTWRITEBYTECODE :=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install demo serve worker stop test test-all check format browser bench bench-measure bench-sensitivity fuzz screenshots docs clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 26

$(VENV)/runtime.stamp: requirements.txt
	@echo "== Python environment in $(VENV), with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Strehl needs Python 3.11. Install it, or name it: make PYTHON=/path/to/python3.11 demo"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@echo "== torch (pip, the CPU build where pip finds one), then the rest (uv)"
	@$(PY) -m pip install --quiet --progress-bar on uv==0.13.9 "$$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --system-certs --quiet --python $(PY) -r requirements.txt
	@echo "== numeric kernels compiled for this machine"
	@$(PY) -m metrology.attributes.warm_up
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements-dev.txt
	@echo "== tools for tests and checks"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --system-certs --quiet --python $(PY) -r requirements-dev.txt
	@touch $@

install: $(VENV)/runtime.stamp ## make the virtual environment with all it needs

demo: $(VENV)/runtime.stamp ## set everything up, run the demonstration facility and its pages (Ctrl-C stops)
	@$(MANAGE) demo

serve: $(VENV)/runtime.stamp ## pages, workers and scheduler, without the demonstration
	@$(MANAGE) serve

worker: $(VENV)/runtime.stamp ## one more worker for both queues, beside a running Strehl
	@$(PY) -m celery -A config.celery worker --loglevel=INFO -Q measure,train -c 1 --prefetch-multiplier 1 -n "extra-$$$$@strehl"

stop: ## stop Strehl, its embedded PostgreSQL and what a killed one left behind
	@$(MANAGE) services stop

browser: ## Debian's Chromium for the browser tests
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ]; then echo "== Chromium"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else echo "Chromium is missing: the browser tests skip. As root: apt-get install chromium"; fi

test: $(VENV)/dev.stamp browser ## all tests but the slow ones
	@$(PY) -m pytest -n 2 --dist loadscope -m "not slow" $(PYTEST_ARGS)

test-all: $(VENV)/dev.stamp browser ## all tests
	@$(PY) -m pytest -n 2 --dist loadscope $(PYTEST_ARGS)

check: $(VENV)/dev.stamp ## format, lint, types, layers, house rules, deployment settings, missing migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy .
	@$(PY) -m pytest -q tests/test_house_rules.py
	@set -a; . deploy/check.env; set +a; $(MANAGE) check --deploy --fail-level WARNING
	@$(MANAGE) makemigrations --check --dry-run
	@$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null

format: $(VENV)/dev.stamp ## format and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp ## every benchmark: tables here, JSON in var/bench
	@for bench in benchmarks/bench_*.py; do echo "== $$bench"; $(PY) -m benchmarks.$$(basename $$bench .py); done

bench-measure: $(VENV)/dev.stamp ## speed of the measurements on a 5120×5120 mosaic and a bead stack, beside their peers
	@$(PY) -m benchmarks.bench_measure

bench-sensitivity: $(VENV)/dev.stamp ## which attribute sees which harm, and how little of it; writes docs/sensitivity.md
	@$(PY) -m benchmarks.bench_sensitivity

fuzz: $(VENV)/dev.stamp ## ten thousand broken files through the readers
	@$(PY) -m tests.fuzz.readers --files 10000 --real-data "$${STREHL_REAL_DATA:-../shared/data}"

screenshots: $(VENV)/dev.stamp browser ## the pictures of the README, from the running demonstration
	@$(PY) -m docs.screenshots

docs: ## where to read
	@ls docs/*.md docs/decisions/*.md

clean: ## remove the environment (var/, with all data, stays)
	@rm -rf $(VENV)

# `make demo` and `make test` need only python3 (3.11 to 3.14), make and pip.
PYTHON ?= python3
PHOTOS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Where torch is, tests run in as many processes as there are cores, each with one thread; those
# without torch run with as many threads as users have.
unexport PYTHONDONTWRITEBYTECODE  # else every process compiles the tests and pytest's plugins anew

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-light test-browser lint types layers ui-check check bench budgets docs clean

help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 14) else f"python3 is {v[0]}.{v[1]}; it must be 3.11 to 3.14. Name another: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.made-for-tests: $(VENV)/.made
	@echo "Installing what the tests need ..."
	@$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.made-for-development: $(VENV)/.made-for-tests
	@echo "Installing torch and the tools of development; torch is large, this takes a minute or more ..."
	@$(PIP) torch
	@$(PIP) -e '.[train,backbones,test,dev,docs,ray,text,heif,jxl]'
	@touch $@

install: $(VENV)/.made-for-development  ## Make .venv with everything

demo: $(VENV)/.made  ## Search sample photos, or PHOTOS=folder, and draw why each was found
	@$(BIN)/regard demo $(if $(PHOTOS),--photos "$(PHOTOS)")

test: install  ## Run the test suite
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile -m "not browser and not slow"

test-slow: install  ## Run the tests that take long
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadgroup -m "slow and not browser"

test-light: $(VENV)/.made-for-tests  ## Test all that runs without torch, with torch out of reach
	@REGARD_WITHOUT_TORCH=1 $(BIN)/python -m pytest -n auto --dist loadfile -m "not browser and not slow"

test-browser: install  ## Drive the web page in a real browser (Debian: apt-get install chromium)
	@$(BIN)/python -m pytest -m browser tests/browser

lint: install  ## Style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install  ## Types, strictly
	@$(BIN)/mypy

layers: install  ## Who may import whom
	@$(BIN)/lint-imports

ui-check:  ## Build the page from its source and see that the committed build is the same
	@cd src/regard/web/ui && npm ci --no-audit --no-fund --loglevel=error && npm test && npm run build
	@git diff --exit-code -- src/regard/web/static

check: lint types layers test  ## Everything before a commit

bench: install  ## Measure speed and write benchmarks/RESULTS.md
	@$(BIN)/python benchmarks/run.py

budgets: install  ## Measure weight, cold starts and memory against the budgets in benchmarks/RESULTS.md
	@$(BIN)/python benchmarks/budgets.py

docs: install  ## Write the pages that come from the code, and build the site strictly
	@$(BIN)/python docs/generate.py
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs . site
	@echo "Open site/index.html"

clean:  ## Remove what was made here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-out site

# `make demo` and `make test` need only python3 (3.10 to 3.13), make and pip.
PYTHON ?= python3
PHOTOS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo test test-browser lint types layers ui-check check bench docs clean

help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else f"python3 is {v[0]}.{v[1]}; it must be 3.10 to 3.13. Name another: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); torch is large, this takes a minute or more ..."
	@$(PIP) torch
	@$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.made-for-development: $(VENV)/.made
	@echo "Installing the tools of development ..."
	@$(PIP) -e '.[demo,test,dev,ray]'
	@touch $@

install: $(VENV)/.made-for-development  ## Make .venv with everything

demo: $(VENV)/.made  ## Search sample photos, or PHOTOS=folder, and draw why each was found
	@$(BIN)/regard demo $(if $(PHOTOS),--photos "$(PHOTOS)")

test: install  ## Run the test suite
	@$(BIN)/python -m pytest -n auto -m "not browser and not slow"

test-slow: install  ## Run the tests that take long
	@$(BIN)/python -m pytest -m "slow and not browser"

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

docs: install  ## Write the pages that come from the code
	@$(BIN)/python docs/generate.py

clean:  ## Remove what was made here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-out

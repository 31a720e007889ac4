# `make demo` and `make test` need only python3 (3.10 to 3.13), make and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PHOTOS ?=
CONSTRAINTS := constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-browser lint types layers check bench ui-check clean

help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 10) <= v[:2] <= (3, 13) else f"python3 is {v[0]}.{v[1]}; it must be 3.10 to 3.13. Name another: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (torch is large; this takes a minute or more) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) torch
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[demo,test,dev]'
	@touch $@

install: $(VENV)/.installed  ## Make .venv with everything

demo: install  ## Index sample photos (or PHOTOS=folder), search them, draw explanations
	@$(BIN)/regard demo $(if $(PHOTOS),--photos "$(PHOTOS)")

test: install  ## Run the test suite
	@$(BIN)/python -m pytest -n auto -m "not browser"

test-browser: install  ## Drive the web page in Debian's Chromium
	@$(BIN)/python -m pytest -m browser tests/browser

lint: install  ## Style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install  ## Types, strictly
	@$(BIN)/mypy

layers: install  ## Who may import whom
	@$(BIN)/lint-imports

check: lint types layers test  ## Everything before a commit

bench: install  ## Measure speed and write benchmarks/RESULTS.md
	@$(BIN)/python benchmarks/run.py

clean:  ## Remove what was made here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-out

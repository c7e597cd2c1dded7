# Two commands do everything from a fresh clone: `make report` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake

.PHONY: report smoke test lint types lock clean help

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

report: $(VENV)/.report ## Run the default study and build report.html
	$(SNAKEMAKE) --quiet rules

smoke: $(VENV)/.report ## Run the smoke study and build report-smoke.html
	$(SNAKEMAKE) --quiet rules --configfile config/smoke.yaml

test: $(VENV)/.test ## Run the tests
	$(BIN)/python -m pytest --ignore=tests/report/test_browser.py

browser-test: $(VENV)/.test ## Look at the report in headless Chromium (needs Debian's chromium)
	$(BIN)/python -m pytest tests/report/test_browser.py

lint: $(VENV)/.test ## Check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(SNAKEMAKE) --lint

types: $(VENV)/.test ## Check the types of the package
	$(BIN)/mypy

lock: ## Compile the locked requirements anew (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet -o requirements.txt
	uv pip compile --group dev --universal --generate-hashes --no-header --quiet -c requirements.txt -o requirements-dev.txt

clean: ## Remove reports, results and logs; keep the environment and the raw data
	rm -rf report*.html results logs .snakemake

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.report: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.report
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

# Two commands do everything from a fresh clone: `make report` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Scripts in an environment hold its path; modules also run after the folder was renamed.
SNAKEMAKE := $(BIN)/python -P -m snakemake
FOLLOW := PYTHONPATH=workflow:workflow/plugins $(SNAKEMAKE) --quiet rules --logger ablation
# Snakemake cannot start without a cache folder.
ifeq ($(shell test -w "$$HOME" && echo yes),)
export XDG_CACHE_HOME ?= $(CURDIR)/.snakemake/cache
endif

.PHONY: report plan check quick smoke report-full verify diff prune export gpu-benchmark simulate quoted quoted-check test test-extended faults browser-test lint types lock docker docker-test clean help

help: # Show the targets, in the groups below
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Set up and see

report: $(VENV)/.report ## Set up, run the default study and write report.html
	$(FOLLOW)

smoke: $(VENV)/.report ## The same for a tiny study, to see that everything works: report-smoke.html
	$(FOLLOW) --configfile config/smoke.yaml

report-full: $(VENV)/.report ## The same for the whole of MNIST, best on a GPU: report-full.html
	$(FOLLOW) --configfile config/full.yaml

##@ Ask

plan: $(VENV)/.report ## What would be trained, why and for how long (CONFIG=file, SET="name=value …", CORES=n)
	@PYTHONPATH=workflow $(BIN)/python -P -m ablation plan $(if $(CONFIG),--configfile $(CONFIG)) $(if $(SET),--config $(SET)) $(if $(CORES),--cores $(CORES))

check: $(VENV)/.report ## Try a network on data: NETWORK=my/net.py DATA=my/data.py (SET="units=8 epochs=2")
	@PYTHONPATH=workflow $(BIN)/python -P -m ablation try --network "$(NETWORK)" --data "$(DATA)" $(if $(SET),--set $(SET))

quick: $(VENV)/.report ## Train, and print the comparisons without a report (CONFIG=file, SET="name=value …", CORES=n)
	@PYTHONPATH=workflow $(BIN)/python -P -m ablation quick $(if $(CONFIG),--configfile $(CONFIG)) $(if $(SET),--config $(SET)) $(if $(CORES),--cores $(CORES))

##@ Trust

verify: $(VENV)/.report ## Train CELLS=3 configurations again and compare (CELL=cnn/kernel_5 to choose, CONFIG=file)
	PYTHONPATH=workflow $(BIN)/python -P -m ablation verify --report $(if $(CELLS),--cells $(CELLS)) \
	  $(if $(CELL),--cell $(CELL)) $(if $(CONFIG),--configfile $(CONFIG))

diff: $(VENV)/.report ## Compare two studies in diff.html: A= and B=, a report or a folder of results each
	PYTHONPATH=workflow $(BIN)/python -P -m ablation diff --output diff.html -- "$(A)" "$(B)"

export: $(VENV)/.report ## Tables, figures and an RO-Crate of the study, in results/export (CONFIG=file)
	$(SNAKEMAKE) export --quiet rules $(if $(CONFIG),--configfile $(CONFIG))

##@ Look after

prune: $(VENV)/.report ## What of the store no study in config/ uses; YES=1 removes it (CONFIGS=further files to keep)
	PYTHONPATH=workflow $(BIN)/python -P -m ablation prune $(if $(CONFIGS),--configfile $(CONFIGS)) $(if $(YES),--yes)

clean: ## Remove reports, results and logs; keep the environment and the raw data
	rm -rf report*.html diff.html results logs .snakemake

##@ Work on the project

test: $(VENV)/.test ## Run the tests
	$(BIN)/python -m pytest -n logical -m "not extended" --ignore=tests/report

test-extended: $(VENV)/.test ## Run the tests that take longer: kills, progress, plans, verification, exports
	$(BIN)/python -m pytest -n logical -m extended --ignore=tests/report

faults: $(VENV)/.test ## Disturb a study and compare: docs/reliability.md (ONLY=kind or row, SHORT=1, SEED=n)
	@PYTHONPATH=tests:tests/workflow:docs $(BIN)/python -P -m faults

browser-test: $(VENV)/.test ## Test the report in headless Chromium (needs Debian's chromium)
	$(BIN)/python -m pytest -n logical tests/report

lint: $(VENV)/.test ## Check format, style and the layers of the package
	$(BIN)/python -m ruff format --no-cache --check .
	$(BIN)/python -m ruff check --no-cache .
	$(BIN)/python -m ruff check --no-cache --extension smk:python --select E,F,I --ignore E402,F401,F821 workflow/rules/common.smk
	PYTHONPATH=workflow $(BIN)/python -c "from importlinter.cli import lint_imports_command as lint; lint()" --no-cache
	$(BIN)/python -m snakefmt --check Snakefile workflow/rules
	$(BIN)/python -m mdformat --check *.md config docs benchmarks tests
	$(SNAKEMAKE) --lint

types: $(VENV)/.test ## Check the types of the package
	$(BIN)/python -m mypy

lock: ## Compile the lock files again (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet -o requirements.txt
	uv pip compile --group dev --universal --generate-hashes --no-header --quiet -c requirements.txt -o requirements-dev.txt

docker: ## Build the image hw1 (TORCH_INDEX=address of CPU-only wheels: without CUDA)
	docker build --tag hw1 --build-arg TORCH_INDEX="$(TORCH_INDEX)" \
	  --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
	  --build-arg REVISION="$$(git describe --always --abbrev=40 --exclude='*' --dirty)" .

docker-test: ## Build and test the image, with Docker or, as root, without (IMAGE_STORE=folder keeps layers)
	$(PYTHON) tests/container/run.py

gpu-benchmark: $(VENV)/.report ## Measure training on a GPU: the table of benchmarks/README.md
	$(BIN)/python benchmarks/gpu.py --study

simulate: $(VENV)/.test ## Measure error rates of the statistics, and write the tables of docs/statistics.md
	$(BIN)/python benchmarks/simulate.py --write

quoted: report $(VENV)/.test ## Write what the docs quote from the default study: a worked row, the claims, the picture
	$(BIN)/python docs/quoted.py

quoted-check: $(VENV)/.report ## Check that these quotations still hold for the finished default study
	$(BIN)/python docs/quoted.py --check

# Made at the end, so that a half-made environment is made anew.
$(VENV)/.made:
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

$(VENV)/.report: requirements.txt $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.report
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

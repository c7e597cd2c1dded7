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

# What the caller gives reaches commands in variables of the shell, as it is: neither make nor the shell reads it as code.
GIVEN := CONFIG CONFIGS SET CORES CELLS CELL NETWORK DATA A B TORCH_INDEX
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
ABLATION := PYTHONPATH=workflow $(BIN)/python -P -m ablation
OF_CONFIG := $${CONFIG:+--configfile "$$CONFIG"}
OF_STUDY := $(OF_CONFIG) $${SET:+--config $$SET} $${CORES:+--cores "$$CORES"}

.PHONY: report plan check quick smoke report-full verify diff prune export bench gpu-benchmark simulate quoted quoted-check test test-extended faults browser-test elsewhere-test lint types security lock docker docker-test slurm-test clean help

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
	@set -f; $(ABLATION) plan $(OF_STUDY)

check: $(VENV)/.report ## Try a network on data: NETWORK=my/net.py DATA=my/data.py (SET="units=8 epochs=2")
	@set -f; $(ABLATION) try --network "$$NETWORK" --data "$$DATA" $${SET:+--set $$SET}

quick: $(VENV)/.report ## Train, and print the comparisons without a report (CONFIG=file, SET="name=value …", CORES=n)
	@set -f; $(ABLATION) quick $(OF_STUDY)

##@ Trust

verify: $(VENV)/.report ## Train CELLS=3 configurations again and compare (CELL=cnn/kernel_5 to choose, CONFIG=file)
	set -f; $(ABLATION) verify --report $${CELLS:+--cells "$$CELLS"} $${CELL:+--cell $$CELL} $(OF_CONFIG)

diff: $(VENV)/.report ## Compare two studies in diff.html: A= and B=, a report or a folder of results each
	$(ABLATION) diff --output diff.html -- "$$A" "$$B"

export: $(VENV)/.report ## Tables, figures and an RO-Crate of the study, in results/export (CONFIG=file)
	$(ABLATION) run $(OF_CONFIG) -- export

##@ Look after

prune: $(VENV)/.report ## What of the store no study in config/ uses; YES=1 removes it (CONFIGS=further files to keep)
	set -f; $(ABLATION) prune $${CONFIGS:+--configfile $$CONFIGS} $(if $(YES),--yes)

clean: ## Remove reports, results and logs; keep the environment and the raw data
	rm -rf report*.html diff.html results logs .snakemake

##@ Work on the project

test: $(VENV)/.test ## Run the tests
	$(BIN)/python -m pytest -n logical -m "not extended" --ignore=tests/report --ignore=tests/elsewhere

test-extended: $(VENV)/.test ## Run what takes longer: kills, networks of one's own, progress, plans, verification, exports
	$(BIN)/python -m pytest -n logical -m extended --ignore=tests/report --ignore=tests/elsewhere

faults: $(VENV)/.test ## Disturb a study and compare: docs/reliability.md (ONLY=kind or row, SHORT=1, SEED=n)
	@PYTHONPATH=tests:tests/workflow:docs $(BIN)/python -P -m faults

browser-test: $(VENV)/.test ## Test the report in headless Chromium (needs Debian's chromium)
	$(BIN)/python -m pytest -n logical tests/report

elsewhere-test: $(VENV)/.s3 ## Test Kubernetes and object storage with stand-in servers
	$(BIN)/python -m pytest -n logical tests/elsewhere

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

security: $(VENV)/.test ## Look for unsafe code, for secrets, and for known vulnerabilities of the locked packages
	$(BIN)/python -m bandit --quiet --recursive --configfile pyproject.toml workflow docker docs benchmarks .ci
	git ls-files -z -- ':!requirements*.txt' | xargs -0 $(BIN)/python -m detect_secrets.pre_commit_hook \
	  --exclude-secrets '^([0-9a-f]{16}|[0-9a-f]{40}|[0-9a-f]{64})$$'
	$(BIN)/python .ci/advisories.py

lock: ## Compile the lock files again (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet -o requirements.txt
	uv pip compile --group dev --universal --generate-hashes --no-header --quiet -c requirements.txt -o requirements-dev.txt
	uv pip compile --group peers --universal --generate-hashes --no-header --quiet -c requirements.txt -o benchmarks/peers/requirements.txt
	uv pip compile --group s3 --universal --generate-hashes --no-header --quiet -o tests/elsewhere/requirements.txt

docker: ## Build the image hw1 (TORCH_INDEX=address of CPU-only wheels: without CUDA)
	docker build --tag hw1 --build-arg TORCH_INDEX="$$TORCH_INDEX" \
	  --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
	  --build-arg REVISION="$$(git describe --always --abbrev=40 --exclude='*' --dirty)" .

docker-test: ## Build and test the image, with Docker or, as root, without (IMAGE_STORE=folder keeps layers)
	$(PYTHON) tests/container/run.py

slurm-test: $(VENV)/.test ## Run the smoke study on a private Slurm whose node dies (as root)
	$(BIN)/python -P tests/slurm/run.py

bench: $(VENV)/.peers ## Measure speed beside what a user would pick instead: benchmarks/bench.md (ONLY=section)
	$(BIN)/python benchmarks/bench.py --python $(VENV)/peers/bin/python --write $${ONLY:+--only "$$ONLY"}

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

$(VENV)/.s3: tests/elsewhere/requirements.txt $(VENV)/.test
	$(PYTHON) -m venv --clear $(VENV)/s3
	$(VENV)/s3/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/elsewhere/requirements.txt
	touch $@

# It shares the project's packages, so that both sides train with the same PyTorch.
$(VENV)/.peers: benchmarks/peers/requirements.txt $(VENV)/.test
	$(PYTHON) -m venv --clear $(VENV)/peers
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
	  > "$$($(VENV)/peers/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/shared.pth"
	$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/peers/requirements.txt
	touch $@

# Every target works from a bare checkout: Python 3.11+ with pip, make, and a package index.

# An environment's programs; on Windows make needs a POSIX shell, such as Git's.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN = Scripts
else
PYTHON ?= python3
BIN = bin
endif
VENV ?= .venv
RL_VENV ?= .venv-rl
OLDEST_VENV ?= .venv-oldest
PEERS_VENV ?= .venv-peers
# Processes of the tests: as many as there are cores, or a number.
WORKERS ?= auto
RUN = $(VENV)/$(BIN)/python
# The browser of `make test-docs`, and the rules that it runs.
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
AXE = $(VENV)/node_modules/axe-core/axe.min.js
# Neighbours stay in one process: worksteal moves tests only to one that has none left.
PYTEST = -m pytest -p no:benchmark --numprocesses=$(WORKERS) --dist=worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick coverage test-oldest lint format bench report test-dask test-peers bench-dask bench-rl bench-mujoco tables docs test-docs dist test-dist check-repo clean
.PHONY: venv-without-ensurepip chromium
.DELETE_ON_ERROR:

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# pyvenv.cfg stands for the environment: bin/python is a link with its target's date.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "natfit needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  && echo '$(PYTHON) -m venv $(VENV)' && $(PYTHON) -m venv $(VENV) \
	  || $(MAKE) --no-print-directory venv-without-ensurepip

# Debian splits ensurepip off Python; pip itself can fill the environment then.
venv-without-ensurepip:
	$(PYTHON) -m venv --clear --without-pip $(VENV)
	$(PYTHON) -m pip --python $(VENV)/$(BIN)/python install --quiet pip

# One stamp an extra: natfit is installed anew only when its metadata change.
$(VENV)/.installed-%: $(VENV)/pyvenv.cfg setup.cfg pyproject.toml
	@echo 'Installing natfit and its extra "$*" into $(VENV): a minute or so, once'
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

.SECONDARY:

setup: $(VENV)/.installed-dev $(VENV)/.installed-lint $(VENV)/.installed-test ## Prepare for work on natfit: .venv and the hooks of git
	$(RUN) -m pre_commit install

demo: $(VENV)/.installed-plot ## Fit Gaussians to scikit-learn's wine data, plot the convergence
	$(RUN) examples/distributions/plot_wine_gaussian.py

test: $(VENV)/.installed-test ## Run the whole test suite, on all cores
	$(RUN) $(PYTEST)

quick: $(VENV)/.installed-test ## Run one case of every test that is not slow: one to two minutes on two cores
	$(RUN) $(PYTEST) --quick

coverage: $(VENV)/.installed-test $(VENV)/.installed-coverage ## Run the suite, show the lines that it does not reach, fail below 95 %
	$(RUN) $(PYTEST) --cov

test-oldest: ## Run the suite with the lowest versions that setup.cfg allows
	@$(MAKE) --no-print-directory VENV=$(OLDEST_VENV) $(OLDEST_VENV)/.installed-oldest
	$(OLDEST_VENV)/$(BIN)/python $(PYTEST)

$(OLDEST_VENV)/.installed-oldest: $(OLDEST_VENV)/pyvenv.cfg setup.cfg pyproject.toml .ci/oldest.py
	$(OLDEST_VENV)/$(BIN)/python .ci/oldest.py test > $(OLDEST_VENV)/constraints.txt
	$(OLDEST_VENV)/$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint $(OLDEST_VENV)/constraints.txt --editable '.[test]'
	@touch $@

lint: $(VENV)/.installed-lint ## Check style, docstrings, formatting and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m codespell_lib

# Without the network: the rules and the schemas come with the packages.
check-repo: $(VENV)/.installed-repo ## Check pyproject.toml, the workflows and the citation by their rules and schemas
	$(RUN) -m repo_review . --show err
	$(RUN) -m validate_pyproject pyproject.toml
	$(RUN) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(RUN) -m check_jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	$(RUN) -m check_jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(RUN) -m check_jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(RUN) -m check_jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(RUN) -m check_jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(VENV)/$(BIN)/zizmor --offline --quiet .github

format: $(VENV)/.installed-lint ## Format the code, sort the imports
	$(RUN) -m ruff check --select I --fix .
	$(RUN) -m ruff format .

bench: $(VENV)/.installed-test ## Run the benchmarks, print the ratios
	$(RUN) -m pytest -o addopts= -s tests/benchmarks

# Threads are said here too: linear algebra reads them when it is loaded.
report: ## Measure natfit beside its peers, write docs/benchmarks.md (ten minutes; ARGS=--quick: a small part)
	@$(MAKE) --no-print-directory VENV=$(PEERS_VENV) $(PEERS_VENV)/.installed-peers
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	  $(PEERS_VENV)/$(BIN)/python -m tests.benchmarks.report $(ARGS)

bench-rl: ## Compare policies with sb3-contrib's TRPO and sb3's PPO (long; goes on where it was stopped)
	@$(MAKE) --no-print-directory VENV=$(RL_VENV) $(RL_VENV)/.installed-peer
	$(RL_VENV)/$(BIN)/python tests/benchmarks/rl/compare.py --throughput --json .benchmarks/rl.json \
	  --env CartPole-v1 Pendulum-v1 Acrobot-v1 MountainCarContinuous-v0
	$(RL_VENV)/$(BIN)/python tests/benchmarks/rl/compare.py --method ppo --json .benchmarks/rl.json \
	  --env CartPole-v1 Pendulum-v1 Acrobot-v1

bench-mujoco: ## Train linear policies on MuJoCo's tasks (half an hour)
	@$(MAKE) --no-print-directory VENV=$(RL_VENV) $(RL_VENV)/.installed-mujoco
	$(RL_VENV)/$(BIN)/python tests/benchmarks/rl/mujoco_tasks.py

# The peer, without the packages for graphics cards where PyTorch's own index can be reached.
$(RL_VENV)/.installed-peer: $(RL_VENV)/.installed-rl
	$(RL_VENV)/$(BIN)/python -m pip install --quiet torch --index-url https://download.pytorch.org/whl/cpu \
	  || $(RL_VENV)/$(BIN)/python -m pip install --quiet torch
	$(RL_VENV)/$(BIN)/python -m pip install --quiet sb3-contrib 'gymnasium[classic-control]'
	@touch $@

bench-dask: $(VENV)/.installed-test $(VENV)/.installed-dask ## Compare fits on a local dask cluster with dask-glm and with memory
	$(RUN) -m pip install --quiet dask-glm
	OPENBLAS_NUM_THREADS=1 $(RUN) -m tests.benchmarks.dask_rows

test-dask: $(VENV)/.installed-test $(VENV)/.installed-dask ## Run rows and rollouts on a local dask cluster
	$(RUN) -m pytest -o addopts= tests/optional

test-peers: ## Run both columns of docs/elsewhere, with the libraries that it compares natfit with
	@$(MAKE) --no-print-directory VENV=$(PEERS_VENV) $(PEERS_VENV)/.installed-peers
	PEERS_REQUIRED=1 OPENBLAS_NUM_THREADS=1 $(PEERS_VENV)/$(BIN)/python -m pytest \
	  tests/docs/test_elsewhere.py -k 'not stable_baselines3'
	@test -e $(RL_VENV)/.installed-peer \
	  || echo 'stable_baselines3 was left out: `make bench-rl` makes its environment, $(RL_VENV)'
	@test ! -e $(RL_VENV)/.installed-peer \
	  || $(RL_VENV)/$(BIN)/python -m pip install --quiet --disable-pip-version-check pytest
	@test ! -e $(RL_VENV)/.installed-peer || PEERS_REQUIRED=1 $(RL_VENV)/$(BIN)/python -m pytest \
	  tests/docs/test_elsewhere.py -k stable_baselines3

# Without their dependencies, which the file lists with their versions: it says why.
$(PEERS_VENV)/.installed-peers: $(PEERS_VENV)/pyvenv.cfg setup.cfg pyproject.toml tests/benchmarks/peers.txt
	@echo 'Installing natfit and what it is compared with into $(PEERS_VENV): one to six minutes, once'
	$(PEERS_VENV)/$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . pytest
	$(PEERS_VENV)/$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --requirement tests/benchmarks/peers.txt
	@touch $@

dist: $(VENV)/.installed-dist ## Build the source distribution and the wheel in dist/, and check how an index would show them
	rm -rf dist
	$(RUN) -m build --quiet
	$(RUN) -m twine check --strict dist/*

test-dist: dist $(VENV)/.installed-test ## Check what make dist builds, install the wheel alone and run README's first example
	$(RUN) -m pytest -o addopts= tests/release

tables: $(VENV)/.installed-test ## Write the tables of README and docs anew from the registries, and the certified digits
	$(RUN) docs/_generate.py
	$(RUN) docs/_certified.py

# The gallery runs every example, which need what the tests need.
docs: $(VENV)/.installed-test $(VENV)/.installed-docs ## Build the documentation, with the gallery, in docs/_build/html
	@echo 'The first build runs every example: some minutes; later ones run those that changed'
	OPENBLAS_NUM_THREADS=1 $(RUN) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

test-docs: chromium docs $(VENV)/.installed-test-docs $(AXE) ## Test the built documentation in a headless Chromium
	AXE=$(AXE) CHROMIUM="$(CHROMIUM)" OPENBLAS_NUM_THREADS=1 $(RUN) -m pytest -o addopts= tests/site

# Said before anything is built.
chromium:
	@test -n "$(CHROMIUM)" || { echo 'make test-docs needs Chromium, and found none; on Debian:' \
	  'apt-get install -y --no-install-recommends chromium; elsewhere: make test-docs CHROMIUM=/its/path'; exit 1; }
	@command -v npm > /dev/null || test -f $(AXE) \
	  || { echo 'make test-docs needs npm, which installs axe-core; on Debian: apt-get install npm'; exit 1; }

$(AXE): $(VENV)/pyvenv.cfg
	npm install --silent --no-save --ignore-scripts --prefix $(VENV) axe-core@4.14.1
	@touch $@

clean: ## Remove everything that these targets create, the environment too
	rm -rf $(VENV) $(RL_VENV) $(OLDEST_VENV) $(PEERS_VENV) build dist *.egg-info docs/_build docs/api docs/api.rst examples/output
	rm -rf docs/families docs/gallery docs/parts docs/_static/made
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Every target works from a bare checkout: Python 3.11+ with pip, make, and a package index.

PYTHON ?= python3
VENV ?= .venv
RL_VENV ?= .venv-rl
RUN = $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench test-dask bench-rl tables docs clean venv-without-ensurepip
.DELETE_ON_ERROR:

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# pyvenv.cfg stands for the environment: bin/python is a link with its target's date.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "natfit needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  && echo '$(PYTHON) -m venv $(VENV)' && $(PYTHON) -m venv $(VENV) \
	  || $(MAKE) --no-print-directory venv-without-ensurepip

# Debian splits ensurepip off Python; pip itself can fill the environment then.
venv-without-ensurepip:
	$(PYTHON) -m venv --clear --without-pip $(VENV)
	$(PYTHON) -m pip --python $(VENV)/bin/python install --quiet pip

# One stamp an extra: natfit is installed anew only when its metadata change.
$(VENV)/.installed-%: $(VENV)/pyvenv.cfg setup.cfg pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

.SECONDARY:

setup: $(VENV)/.installed-dev $(VENV)/.installed-lint $(VENV)/.installed-test ## Prepare for work on natfit: .venv and the hooks of git
	$(RUN) -m pre_commit install

demo: $(VENV)/.installed-plot ## Fit Gaussians to scikit-learn's wine data, plot the convergence
	$(RUN) examples/plot_wine_gaussian.py

test: $(VENV)/.installed-test ## Run the whole test suite
	$(RUN) -m pytest

lint: $(VENV)/.installed-lint ## Check style, docstrings, formatting and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: $(VENV)/.installed-lint ## Format the code, sort the imports
	$(RUN) -m ruff check --select I --fix .
	$(RUN) -m ruff format .

bench: $(VENV)/.installed-test ## Run the benchmarks, print the ratios
	$(RUN) -m pytest -o addopts= -s tests/benchmarks

bench-rl: ## Compare policies with sb3-contrib's TRPO (long; goes on where it was stopped)
	@$(MAKE) --no-print-directory VENV=$(RL_VENV) $(RL_VENV)/.installed-peer
	$(RL_VENV)/bin/python tests/benchmarks/rl/compare.py --throughput --json .benchmarks/rl.json \
	  --env CartPole-v1 Pendulum-v1 Acrobot-v1 MountainCarContinuous-v0

# The peer, without the packages for graphics cards where PyTorch's own index can be reached.
$(RL_VENV)/.installed-peer: $(RL_VENV)/.installed-rl
	$(RL_VENV)/bin/python -m pip install --quiet torch --index-url https://download.pytorch.org/whl/cpu \
	  || $(RL_VENV)/bin/python -m pip install --quiet torch
	$(RL_VENV)/bin/python -m pip install --quiet sb3-contrib 'gymnasium[classic-control]'
	@touch $@

test-dask: $(VENV)/.installed-test ## Run rollouts on a local dask cluster
	$(RUN) -m pip install --quiet 'dask[distributed]'
	$(RUN) -m pytest -o addopts= tests/optional

tables: $(VENV)/.installed-test ## Write the tables of README and docs anew from the registries
	$(RUN) docs/_generate.py

docs: $(VENV)/.installed-docs ## Build the documentation in docs/_build/html
	$(RUN) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

clean: ## Remove everything that these targets create, the environment too
	rm -rf $(VENV) $(RL_VENV) build dist *.egg-info docs/_build docs/api docs/api.rst examples/output
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

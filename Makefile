# What people run; CI runs the same. `make` alone lists the verbs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
DISTRIBUTIONS := pyproject.toml $(PLUGINS:=/pyproject.toml)

help: ## list the verbs
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.runtime ## deliver a few thousand events to a Customer.io simulator on this machine
	@$(BIN)/destinations demo

test: $(VENV)/.dev ## run every test
	$(BIN)/python -m pytest -n auto -q

check: $(VENV)/.dev ## format, lint, types, layers, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/generate_docs.py --check

format: $(VENV)/.dev ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## generate the reference pages
	$(BIN)/python tools/generate_docs.py

bench: $(VENV)/.dev ## measure beside the hosted engine's open half (needs Node; without it, alone)
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.durable

faults: $(VENV)/.dev ## break things in earnest and write what was seen to docs/faults.md (takes half an hour)
	$(BIN)/python -m tests.faults --size long --write docs/faults.md

conformance: $(VENV)/.dev ## run the recorded vectors that come with the tests
	$(BIN)/python -m tests.conformance tests/conformance/vectors/*.jsonl*

build: $(VENV)/.dev ## build every distribution into dist/
	rm -f dist/*.whl # of one version there may be a wheel for this platform and one for any
	for source in . $(PLUGINS); do $(BIN)/python -m build --outdir dist $$source || exit 1; done

compiled: $(VENV)/.dev ## the same for this machine's Python, faster: needs a C compiler
	HATCH_BUILD_HOOKS_ENABLE=1 $(MAKE) build

clean: ## remove what the other verbs made
	rm -rf $(VENV) dist build benchmarks/compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is older: make PYTHON=python3.12 ..."; exit 3; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.runtime: $(VENV)/.venv $(DISTRIBUTIONS)
	@echo "installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet -e . $(addprefix -e ,$(PLUGINS))
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

.PHONY: help demo test check format docs bench faults conformance build compiled clean

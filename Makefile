# Everything a fresh clone needs is python3 and make:   make demo   make test   make check
# Another interpreter:                                  PYTHON=python3.13 make test
# More words for the command behind a target:           make test ARGS="-k barge_in -x"

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

# Every worker of the tests, and every server that they start, would compile all modules for itself.
unexport PYTHONDONTWRITEBYTECODE

# Files in the environment say what has been installed there; their name carries the interpreter, so that asking for
# another one builds the environment anew. Each set needs the one before it: run, test, dev.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
RUN := $(VENV)/.ready-$(VERSION)-run
TEST := $(VENV)/.ready-$(VERSION)-test
DEV := $(VENV)/.ready-$(VERSION)-dev
CLIENTS := .clients
WORKERS ?= auto

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq

.PHONY: help demo test calls clients client-ws validators lint types format dist check clean

help:
	@echo "make demo        a whole phone call on this machine: no key, no phone"
	@echo "make test        the test suite"
	@echo "make calls       the cassettes of fixtures/calls/ that are missing; ARGS=\"NAME\" for one whose call has changed"
	@echo "make clients     Node's ws and a LiteLLM proxy, for the tests that skip themselves without"
	@echo "make validators  what judges the files in deploy/, for the tests that skip themselves without"
	@echo "make check       everything that must hold: lint, types, test, dist, demo"
	@echo "make format      put the source into shape"
	@echo "make clean       remove what the other targets made"

demo: $(RUN)
	@$(BIN)/telephony demo $(ARGS)

test: $(TEST)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

calls: $(TEST)
	@PYTHONPATH=tests $(BIN)/python -m library $(ARGS)

clients: client-ws $(CLIENTS)/litellm/bin/litellm

client-ws: $(CLIENTS)/node_modules/ws

validators: $(CLIENTS)/validators/bin/hadolint

lint: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo

types: $(DEV)
	@$(BIN)/mypy

format: $(DEV)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

dist: $(DEV)
	@$(BIN)/python .ci/check_dist.py

check: lint types test dist demo

clean:
	rm -rf $(VENV) $(CLIENTS) dist build .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find telephony tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): pyproject.toml
	@case "$(VERSION)" in \
	  3.11.*|3.12.*|3.13.*) ;; \
	  "") echo "make: cannot run '$(PYTHON)'. Name a Python 3.11, 3.12 or 3.13: PYTHON=/usr/bin/python3.12 make ..." >&2; exit 1 ;; \
	  *) echo "make: '$(PYTHON)' is Python $(VERSION); 3.11, 3.12 or 3.13 is needed: PYTHON=python3.13 make ..." >&2; exit 1 ;; \
	esac
	@echo "Setting up $(VENV) with Python $(VERSION); this happens once and takes about a minute."
	@here=$$($(BIN)/python -c 'import sys, pip; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null || true); \
	if [ "$$here" != "$(VERSION)" ]; then $(PYTHON) -m venv --clear $(VENV); fi
	@rm -f $(VENV)/.ready-*
	@$(PIP) --upgrade 'pip>=25.1' # the first that installs a dependency group
	@$(PIP) --editable .
	@touch $@

$(TEST): $(RUN)
	@$(PIP) --group test
	@touch $@

$(DEV): $(TEST)
	@$(PIP) --group dev
	@touch $@

# Programs of others that the gateway is held to. LiteLLM pins what we do not, so it has an environment of its own.
$(CLIENTS)/node_modules/ws:
	@npm install --silent --no-audit --no-fund --prefix $(CLIENTS) ws@8

$(CLIENTS)/validators/bin/hadolint: pyproject.toml
	@$(PYTHON) -m venv --clear $(CLIENTS)/validators
	@$(CLIENTS)/validators/bin/python -m pip --disable-pip-version-check install -qq --upgrade 'pip>=25.1'
	@$(CLIENTS)/validators/bin/python -m pip --disable-pip-version-check install -qq --group validators
	@touch $@

$(CLIENTS)/litellm/bin/litellm:
	@$(PYTHON) -m venv --clear $(CLIENTS)/litellm
	@$(CLIENTS)/litellm/bin/python -m pip --disable-pip-version-check install -qq 'litellm[proxy]>=1.100,<2'

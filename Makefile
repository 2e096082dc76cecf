# Everything runs from .venv, which is made when needed and kept. A stamp file makes the second run start fast.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_LOG := $(VENV)/install.log
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
SHARED ?= ../shared
export OMP_NUM_THREADS ?= 2

.PHONY: help demo test test-integrations test-oldest test-newest licences audit check neutral docs docs-site outputs bench sweep cases facts clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     run the first scenarios: table, picture and HTML in outputs/"
	@echo "make test     run the tests"
	@echo "make test-integrations   run the tests that need Lightning, W&B, mkdocs and the like"
	@echo "make test-oldest  run the tests with the oldest versions allowed, in .venv-oldest (on Linux 3 GB to fetch)"
	@echo "make test-newest  run the tests with the newest versions there are, in .venv-newest (on Linux 3 GB to fetch)"
	@echo "make licences list the licences of what comes with tracer"
	@echo "make audit    ask PyPI for known weaknesses of what comes with tracer"
	@echo "make check    format, lint, types, layers, docs"
	@echo "make neutral  compare traced with untraced for all that PyTorch tests itself with (5 minutes)"
	@echo "make docs     write docs/ from the code"
	@echo "make docs-site  write the documentation as a site to site/"
	@echo "make outputs  write the gallery in outputs/ from the scenarios"
	@echo "make bench    measure what tracing costs"
	@echo "make sweep    trace transformers, PEFT and other packages, write docs/transformers.md and ecosystem.md (6 minutes)"
	@echo "make cases    score the verdicts on real bugs rebuilt as scripts"
	@echo "make facts    hold reports of all scenarios and cases against plain PyTorch facts (7 minutes)"
	@echo "make clean    remove .venv and its like"

# A line for each package that arrives, the whole output in a log; the log's end is shown when pip fails.
define install
{ $(PIP) $(1) 2>&1; echo "pip ended with status $$?"; } | tee $(PIP_LOG) | sed -n -u -E \
  -e 's/^Collecting ([^ ]+).*/      fetching \1/p' -e 's/^Installing collected packages.*/      unpacking all of it/p'; \
tail -n 1 $(PIP_LOG) | grep -q 'status 0$$' || { tail -n 20 $(PIP_LOG) >&2; echo "pip failed: the whole of it is in $(PIP_LOG)" >&2; exit 1; }
endef

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install it (Debian: apt install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$$($(PYTHON) --version) is too old: Python 3.10 or newer is needed (make PYTHON=python3.12 ...)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment: install python3-venv (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "[1/3] making $(VENV) with $$($(PYTHON) --version)"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "[2/3] installing tracer and PyTorch (the first time takes minutes)"
	@$(call install,-e .)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "[3/3] installing what the tests need"
	@$(call install,-e '.[dev]')
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/python -m tracer.trace requires_grad --out outputs/requires_grad
	@echo
	@echo "Open this file in a browser: $(CURDIR)/outputs/requires_grad/report.html"

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

$(VENV)/.installed-integrations: $(VENV)/.installed-dev
	@echo "installing the frameworks that the integrations are tested with, and what the site is made with"
	@$(PIP) -e '.[integrations,docs]'
	@touch $@

test-integrations: $(VENV)/.installed-integrations
	@$(BIN)/python -m pytest -m integration $(PYTEST_ARGS)

# The ranges of pyproject.toml at both ends. CI runs neither: on Linux each takes PyTorch with its CUDA libraries.
# Python itself is the oldest too, where it is there; newer ones run the oldest packages as well.
OLDEST_PYTHON ?= $(shell python3.10 -c 'import sys; print(sys.executable)' 2>/dev/null || command -v $(PYTHON))
test-oldest: RESOLUTION := lowest-direct
test-oldest: WITH = $(OLDEST_PYTHON)
test-newest: RESOLUTION := highest
test-newest: WITH = $(BIN)/python
test-oldest test-newest: $(VENV)/.installed-dev
	@$(PIP) -q uv
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv venv -q --allow-existing --python $(WITH) .venv-$(@:test-%=%)
	@$(BIN)/uv pip install --python .venv-$(@:test-%=%) --resolution $(RESOLUTION) -e '.[dev]'
	@.venv-$(@:test-%=%)/bin/python -m pytest -p no:cacheprovider $(PYTEST_ARGS)

licences: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.supply.licences

# --strict: a package that PyPI does not answer for counts as a failure, and not as one without weaknesses.
audit: $(VENV)/.installed
	@$(PYTHON) -m venv $(VENV)-audit && $(VENV)-audit/bin/python -m pip install -q --disable-pip-version-check pip-audit
	@$(VENV)-audit/bin/pip-audit --strict --skip-editable --path $$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

neutral: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.neutral

docs: $(VENV)/.installed-dev
	@$(BIN)/python docs/generate.py

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	@echo "installing what the site is made with"
	@$(call install,-e '.[docs]')
	@touch $@

docs-site: $(VENV)/.installed-docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "Open this file in a browser: $(CURDIR)/site/index.html"

outputs: $(VENV)/.installed
	@$(BIN)/python -m tracer.trace all --out outputs

bench: $(VENV)/.installed-dev
	@$(BIN)/python -m benchmarks

$(VENV)/.installed-sweep: $(VENV)/.installed-integrations
	@echo "installing the packages whose models are swept"
	@$(PIP) einops vit-pytorch --no-deps
	@touch $@

sweep: $(VENV)/.installed-sweep
	@$(BIN)/python -m benchmarks.sweep

cases: $(VENV)/.installed-dev
	@if [ ! -f $(SHARED)/cases/score.py ]; then echo "$(SHARED)/cases/score.py is not here: nothing to score"; exit 0; fi; \
	echo "== $(SHARED)/cases"; $(BIN)/python $(SHARED)/cases/score.py; \
	if [ -f tests/cases/truth.json ]; then echo "== tests/cases"; $(BIN)/python $(SHARED)/cases/score.py --cases $(CURDIR)/tests/cases; fi

facts: $(VENV)/.installed-dev
	@SHARED=$(abspath $(SHARED)) $(BIN)/python -m tests.facts $(FACTS_ARGS)

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-newest $(VENV)-audit

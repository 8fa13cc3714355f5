# make demo   start the page (does its own set-up)        make check   ruff and mypy
# make test   the tests (does its own set-up)             make bench   the README's performance claims
# make test-slow   the long ones: every tab in the browser, walks, several processes
# make test-newest, make test-oldest   the laws and the page's start with the newest and oldest versions
# make wheel-test   builds the wheel, installs it elsewhere and tests it
# make load   many visitors at once (docs/load.md)        make methods   methods at equal budget
# make screenshots   every tab, light and dark, as pictures
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo install test wheel-test test-slow test-scale test-newest test-oldest check bench bench-browser bench-scale methods load screenshots clean

demo: $(VENV)/.run-installed
	$(BIN)/python app.py

install: $(VENV)/.dev-installed

PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
IN_TWO := -n 2 --dist loadfile --no-loadscope-reorder

# $(call tried,PROCESSES,TESTS): a busy machine may starve a test, so failed tests are run once more,
# alone. A second failure is an error, and so is any other problem (status over 1).
define tried
$(PYTEST) $(1) $(2) || { status=$$?; [ $$status -eq 1 ] || exit $$status; \
	echo "=== SECOND TRY, alone, of what failed above ==="; \
	$(PYTEST) $(2) --last-failed --last-failed-no-failures none; }
endef

test: $(VENV)/.dev-installed
	$(call tried,$(IN_TWO),-m "not slow")

# A browser, its server and the test use two cores, so these run one after the other.
test-slow: $(VENV)/.dev-installed
	$(call tried,$(IN_TWO),-m slow --ignore=tests/browser)
	$(call tried,,-m slow tests/browser)

# The tests that need datasets, lm-evaluation-harness and accelerate (docs/scale.md).
test-scale: $(VENV)/.dev-installed
	$(BIN)/python -m pip install --quiet -r requirements-scale.txt -c constraints.txt
	$(PYTEST) tests/core/test_hub_data.py tests/core/test_harness.py tests/core/test_offload.py

# The newest and the oldest versions that requirements.txt allows, in a separate environment and
# without constraints.txt, except for torch, which would be several GB without its pin.
ENDS := .venv-ends
TORCH := $(shell grep '^torch==' constraints.txt)
OLDEST := $(filter-out torch==%,$(shell sed -n 's/^\([a-zA-Z0-9_-]*\)[>~]=\([0-9.]*\).*/\1==\2/p' requirements.txt))
LAWS := tests/core/test_families.py tests/core/test_exactness.py tests/app/test_start.py

test-newest: | $(ENDS)/bin/python
	$(ENDS)/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager -r requirements.txt pytest $(TORCH)
	OMP_NUM_THREADS=1 $(ENDS)/bin/python -m pytest $(LAWS)

test-oldest: | $(ENDS)/bin/python
	$(ENDS)/bin/python -m pip install --quiet $(OLDEST) pytest $(TORCH)
	OMP_NUM_THREADS=1 $(ENDS)/bin/python -m pytest $(LAWS)

# In a separate environment that sees the packages of .venv, so that torch is not downloaded again.
wheel-test: $(VENV)/.dev-installed
	$(PYTEST) tests/installed/wheel.py

check: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.run-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

bench-browser: $(VENV)/.dev-installed
	$(BIN)/python -m benchmarks.browser

bench-scale: $(VENV)/.run-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scale

methods: $(VENV)/.run-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.methods

load: $(VENV)/.run-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.load

screenshots: $(VENV)/.dev-installed
	$(BIN)/python -m docs.screenshots screenshots

clean:
	rm -rf $(VENV) $(ENDS) .venv-wheel .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python $(ENDS)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(@:/bin/python=) || { rm -rf $(@:/bin/python=); echo "The line above says what venv lacks (on Debian: apt install python3-venv)."; exit 1; }

$(VENV)/.run-installed: requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.dev-installed: requirements-dev.txt requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt -c constraints.txt
	@touch $@ $(VENV)/.run-installed

# Python 3.11, 3.12 or 3.13 is all that these commands need:
#   make demo        train, strip and export LeNet-5 on handwritten digits
#   make test        every test; PYTEST_ARGS="-k gate" selects
#   make lint        format and style
#   make test-matrix every test on the oldest and the newest versions
#   make wheel-test  build the wheel, install it elsewhere, test it there
#   make bench-step  cost of a training step, gated against dense
#   make clean       remove whatever these commands made
# PYTHON=python3.12 chooses another interpreter.

PYTHON ?= python3
PYTEST_ARGS ?=

VENV := .venv
INSTALLED := $(VENV)/.installed
RUN := $(VENV)/bin/python
QUIET := TF_CPP_MIN_LOG_LEVEL=3

.PHONY: install demo test test-matrix lint wheel-test bench-step clean

install: $(INSTALLED)

$(INSTALLED): setup.py pyproject.toml keras_l0/version.py
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "keras_l0 needs Python 3.11, 3.12 or 3.13. Received:" \
	    "PYTHON=$(PYTHON) ($$($(PYTHON) --version 2>&1))." \
	    "Choose another one by: make PYTHON=python3.12"; exit 1; }
	@echo "Installing TensorFlow, Keras and keras_l0 in $(VENV); the first" \
	  "time this takes a few minutes."
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --disable-pip-version-check -e ".[test,examples]"
	@touch $@

demo: $(INSTALLED)
	$(QUIET) $(RUN) -m examples.lenet5 --dataset=digits --output_dir=out

test: $(INSTALLED)
	$(QUIET) $(RUN) -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

test-matrix:
	PYTEST_ARGS="$(PYTEST_ARGS)" .ci/test_matrix

lint: $(INSTALLED)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

wheel-test: $(INSTALLED)
	$(QUIET) PYTHON=$(RUN) .ci/wheel_test

bench-step: $(INSTALLED)
	$(QUIET) $(RUN) -m benchmarks.step_cost --threads=2

clean:
	rm -rf $(VENV) out build dist keras_l0.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

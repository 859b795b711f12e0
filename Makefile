# Two commands for a fresh machine: make demo, make test. Each environment is made once and again when pyproject.toml
# changes.
PYTHON ?= python3
# tflite-runtime 2.14 has no wheels past Python 3.11.
PYTHON_TFLITE := $(shell for python in $(PYTHON) python3.11 python3.10; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 12))' 2>/dev/null && echo $$python && break; done)
# Those that run on each engine of Keras; the converters need TensorFlow.
TRAINING_TESTS = $(addprefix tests/workshop/test_,losses.py network.py training.py distribution.py)
PIP = bin/pip install --quiet --disable-pip-version-check

.PHONY: demo train check-photos workshop test test-litert test-tflite test-workshop lint format clean

demo: .venv/.installed
	.venv/bin/python -m apps.demo -o out

test: test-litert test-tflite test-workshop

test-litert: .venv/.tested
	.venv/bin/python -m pytest tests/device

ifeq ($(PYTHON_TFLITE),)
test-tflite:
	@echo "test-tflite: left out: tflite-runtime needs Python 3.10 or 3.11, and neither is installed" >&2
else
test-tflite: .venv-tflite/.tested
	.venv-tflite/bin/python -m pytest tests/device
endif

test-workshop: .venv-workshop/.tested
	.venv-workshop/bin/python -m pytest tests/workshop
	KERAS_BACKEND=jax .venv-workshop/bin/python -m pytest $(TRAINING_TESTS)

# From a folder of dark photos, ten or more, to model files of one's own: $(RUN)/*.tflite. Call it again after an
# interruption and it goes on.
OWN = .venv-workshop/bin/python -m training
RUN ?= runs/own
train: check-photos .venv-workshop/.tested
	@# First, because it tells at once if there are too few.
	for part in validation train; do $(OWN) split --data "$(PHOTOS)" --part $$part -o "$(RUN)/$$part" --overwrite || exit 1; done
	$(OWN) fit --data "$(PHOTOS)" --out "$(RUN)"
	$(OWN) export "$(RUN)" -o "$(RUN)/own.keras" --overwrite
	.venv-workshop/bin/python -m converters "$(RUN)/own.keras" \
		--calibration "$(RUN)/train/low" --evaluation "$(RUN)/validation/low" -o "$(RUN)" --overwrite

check-photos:
	@test -d "$(PHOTOS)" || { echo "expected a folder of dark photos, found '$(PHOTOS)'; try: make train PHOTOS=photos" >&2; exit 1; }

# Everything that trains, converts and measures.
workshop: .venv-workshop/.tested

lint: .venv-workshop/.tested
	.venv-workshop/bin/ruff check .
	.venv-workshop/bin/ruff format --check .
	.venv-workshop/bin/mypy

format: .venv-workshop/.tested
	.venv-workshop/bin/ruff check --fix .
	.venv-workshop/bin/ruff format .

clean:
	rm -rf .venv .venv-tflite .venv-workshop out build ./*.egg-info

# What a user has on the device: the package and one runtime.
.venv/.installed: pyproject.toml
	$(call make_venv,$(PYTHON),.venv)
	.venv/$(PIP) --editable '.[litert]'
	@touch $@

.venv/.tested: .venv/.installed
	.venv/$(PIP) 'pytest>=8'
	@touch $@

.venv-tflite/.tested: pyproject.toml
	$(call make_venv,$(PYTHON_TFLITE),.venv-tflite)
	.venv-tflite/$(PIP) --editable '.[tflite]' 'pytest>=8'
	@touch $@

.venv-workshop/.tested: pyproject.toml
	$(call make_venv,$(PYTHON),.venv-workshop)
	.venv-workshop/$(PIP) --editable '.[convert,jax,peers,dev]'
	@touch $@

# $(1) is the Python, $(2) the folder. Debian keeps venv in a package of its own: root gets it, others are told.
define make_venv
	@$(1) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "edge-dce needs Python 3.10 to 3.13, found: $$($(1) --version 2>&1); try: make PYTHON=python3.11" >&2; exit 1; }
	@$(1) -c 'import ensurepip' 2>/dev/null || \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy python3-venv; \
		else echo "Python's venv is missing; run: sudo apt-get install python3-venv" >&2; exit 1; fi
	$(1) -m venv $(2)
endef

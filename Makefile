# Two commands for a fresh machine: make demo, make test. Each environment is made once and again when pyproject.toml
# changes.
PYTHON ?= python3
# tflite-runtime 2.14 has no wheels past Python 3.11.
PYTHON_TFLITE := $(shell for python in $(PYTHON) python3.11 python3.10; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 12))' 2>/dev/null && echo $$python && break; done)
# Those that run on each engine of Keras; the converters need TensorFlow.
ON_EACH_ENGINE = losses.py network.py discriminator.py run.py checkpoints.py samples.py distribution.py
# Every network of curves in three channels: jax compiles each for seconds, in one and four channels as well.
ON_JAX = not any_channels or -3]
TRAINING_TESTS = $(addprefix tests/training/test_,$(ON_EACH_ENGINE))
DEVICE_TESTS = tests/project tests/edge_dce tests/apps/pi tests/apps/photos tests/apps/camera tests/apps/gstreamer
WORKSHOP_TESTS = tests/training tests/converters tests/benchmarks
PIP = bin/pip install --quiet --disable-pip-version-check
# A file's tests stay in one process, in order: they share what is slow to make. A process that trains takes 1.6 GB.
PYTEST = bin/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

.PHONY: demo app apk web-app train check-photos checkpoint reproduce check-lol workshop test test-litert test-tflite \
	test-workshop test-app test-wheel test-arm test-cluster test-web-app container-check attack lint command-files format clean

demo: .venv/.installed
	.venv/bin/python -m apps.demo -o out

test: test-litert test-tflite test-workshop test-app test-wheel

test-litert: .venv/.tested
	.venv/$(PYTEST) $(DEVICE_TESTS) tests/attack tests/apps/web/test_building.py

ifeq ($(PYTHON_TFLITE),)
test-tflite:
	@echo "test-tflite: left out: tflite-runtime needs Python 3.10 or 3.11, and neither is installed" >&2
else
test-tflite: .venv-tflite/.tested
	.venv-tflite/$(PYTEST) $(DEVICE_TESTS)
endif

test-workshop: .venv-workshop/.tested
	.venv-workshop/$(PYTEST) $(WORKSHOP_TESTS)
	KERAS_BACKEND=jax .venv-workshop/$(PYTEST) $(TRAINING_TESTS) -k "$(ON_JAX)"

# Damaged files and requests of every kind, others each time: make attack MINUTES=30. What did harm is kept in out/attack.
MINUTES ?= 10
attack: .venv/.tested
	.venv/bin/python -m tests.attack --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json $(JSON))

# On emulated ARM, beside this machine's results; SYSTEMS and --quick: see the script.
test-arm: .venv/.tested $(if $(PYTHON_TFLITE),.venv-tflite/.tested)
	scripts/test-arm.sh $(SYSTEMS)

# Workers of Ray and an object store of this machine, which take a minute or two: see docs/cluster.md.
test-cluster: .venv-cluster/.tested
	.venv-cluster/bin/python -m pytest tests/edge_dce/enhancing/test_cluster.py tests/edge_dce/files/test_objects.py

# The container's image, built and run in bare Debian: see the script.
container-check: .venv/.installed
	scripts/check-container.sh

# The camera app, with a webcam or without: make app CAMERA=synthetic
app: .venv-app/.installed
	.venv-app/bin/python -m apps.camera $(if $(CAMERA),--camera "$(CAMERA)")

# Both archives, installed into bare environments as users do.
test-wheel: .venv-workshop/.tested
	.venv-workshop/$(PYTEST) tests/packaging

# Two processes: Java's machine and Kivy's window do not have to get on with each other.
test-app: .venv-app/.tested
	@if $(has_gl); then .venv-app/bin/python -m pytest tests/apps/window tests/apps/camera/test_shader.py; \
		else echo "test-app: the window's tests are left out: run: sudo apt-get install $(GL_PACKAGES)" >&2; fi
	.venv-app/bin/python -m pytest tests/apps/android

# Needs the Android SDK and NDK, which buildozer downloads: see docs/android.md.
apk: .venv-app/.tested
	.venv-app/bin/python -m apps.camera.android.package build/android
	cd build/android && ../../.venv-app/bin/buildozer android debug

# A page for any static host that runs the network in the visitor's browser: see docs/browser.md.
web-app: .venv/.installed build/npm/.installed
	.venv/bin/python -m apps.web build/web $(if $(MODEL),--model "$(MODEL)")

# Its tests in Chromium, which take a minute and npm: `make test` has the build's alone.
test-web-app: .venv/.tested build/npm/.installed
	.venv/bin/python -m pytest tests/apps/web

# From a folder of dark photos, ten or more, or of pairs (low/ and high/ in it), to model files of one's own:
# $(RUN)/*.tflite. Call it again after an interruption and it goes on.
RUN ?= runs/own
train: check-photos .venv-workshop/.tested
	scripts/train-own.sh "$(PHOTOS)" "$(RUN)"

check-photos:
	@test -d "$(PHOTOS)" || { echo "expected a folder of dark photos, found '$(PHOTOS)'; try: make train PHOTOS=photos" >&2; exit 1; }

# CHECKPOINT=Epoch99.pth, a file that the authors of Zero-DCE published, and LOL=the folder of the data set: its figures
# beside ours, and model files of it.
checkpoint: .venv-workshop/.tested
	@test -f "$(CHECKPOINT)" && test -d "$(LOL)" || { echo "expected a checkpoint and a folder, found '$(CHECKPOINT)' and '$(LOL)'; try: make checkpoint CHECKPOINT=Epoch99.pth LOL=LOL" >&2; exit 1; }
	scripts/score-checkpoint.sh "$(CHECKPOINT)" "$(LOL)" out/checkpoint

# A bundled model made again, to the bytes of its files and the figures of its recipe: make reproduce MODEL=zero-dce LOL=LOL
# edge-tone learns from PANORAMAS=folder too; ONLY=convert or ONLY=train is one of the two steps. Called again it goes on.
reproduce: check-lol .venv-workshop/.tested $(if $(PYTHON_TFLITE),.venv-tflite/.tested)
	.venv-workshop/bin/python -m scripts.reproduce "$(MODEL)" --lol "$(LOL)" $(if $(PANORAMAS),--panoramas "$(PANORAMAS)") \
		$(if $(ONLY),--only "$(ONLY)") $(if $(EPOCHS),--epochs "$(EPOCHS)") \
		$(if $(filter command,$(origin RUN)),-o "$(RUN)")

check-lol:
	@test -n "$(MODEL)" && test -d "$(LOL)" || { echo "expected a model and the folder of LOL, found '$(MODEL)' and '$(LOL)'; try: make reproduce MODEL=zero-dce LOL=LOL" >&2; exit 1; }

# Everything that trains, converts and measures.
workshop: .venv-workshop/.tested

lint: .venv-workshop/.tested
	.venv-workshop/bin/ruff check .
	.venv-workshop/bin/ruff format --check .
	.venv-workshop/bin/hadolint apps/pi/container/Dockerfile
	.venv-workshop/bin/mypy

# The man page and the completions of the command, after its options or their help have changed.
command-files: .venv-workshop/.tested
	.venv-workshop/bin/python -m scripts.describe_command

format: .venv-workshop/.tested
	.venv-workshop/bin/ruff check --fix .
	.venv-workshop/bin/ruff format .

clean:
	rm -rf .venv .venv-tflite .venv-workshop .venv-app .venv-cluster out build ./*.egg-info

# LiteRT.js, of the versions in the lock file.
build/npm/.installed: apps/web/package-lock.json apps/web/package.json
	@command -v npm >/dev/null || { echo "npm is missing; run: sudo apt-get install npm" >&2; exit 1; }
	mkdir -p build/npm
	cp apps/web/package.json apps/web/package-lock.json build/npm
	cd build/npm && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# What a user has on the device: the package and one runtime.
.venv/.installed: pyproject.toml
	$(call make_venv,$(PYTHON),.venv,14)
	.venv/$(PIP) --editable '.[litert]'
	@touch $@

# ImageMagick and ffprobe read what we read and write, for comparison; the tests that need them are skipped without.
READER_PACKAGES = imagemagick ffmpeg
has_readers = { command -v magick || command -v convert; } >/dev/null && command -v ffprobe >/dev/null

.venv/.tested: .venv/.installed
	$(call need_packages,$(has_readers),$(READER_PACKAGES))
	.venv/$(PIP) --editable '.[litert,test]'
	@touch $@

.venv-tflite/.tested: pyproject.toml
	$(call make_venv,$(PYTHON_TFLITE),.venv-tflite,11)
	$(call need_packages,$(has_readers),$(READER_PACKAGES))
	.venv-tflite/$(PIP) --editable '.[tflite,test]'
	@touch $@

.venv-workshop/.tested: pyproject.toml
	$(call make_venv,$(PYTHON),.venv-workshop,13)
	.venv-workshop/$(PIP) --editable '.[convert,jax,peers,dev]'
	@touch $@

.venv-cluster/.tested: pyproject.toml
	$(call make_venv,$(PYTHON),.venv-cluster,14)
	.venv-cluster/$(PIP) --editable '.[litert,cluster,store,test]'
	@touch $@

# Kivy's window needs OpenGL; it draws without a screen too. Desktops have these packages, servers do not.
GL_PACKAGES = libegl1 libgl1 libgl1-mesa-dri libmtdev1
has_gl = $(PYTHON) -c 'import ctypes; ctypes.CDLL("libGL.so.1"); ctypes.CDLL("libEGL.so.1")' 2>/dev/null

.venv-app/.installed: pyproject.toml
	$(call make_venv,$(PYTHON),.venv-app,13)
	.venv-app/$(PIP) --editable '.[app,video]'
	$(call need_packages,$(has_gl),$(GL_PACKAGES))
	@touch $@

# glslang checks the shader, and Java stands in for a phone's; the tests that need them are skipped without.
.venv-app/.tested: .venv-app/.installed
	.venv-app/$(PIP) 'pytest>=8'
	$(call need_packages,command -v glslangValidator >/dev/null,glslang-tools)
	$(call need_packages,command -v javac >/dev/null,default-jdk-headless)
	.venv-app/$(PIP) --editable '.[app,video,android]'
	@touch $@

# $(1) tells whether Debian's packages $(2) are there: root gets them, others are told.
define need_packages
	@{ $(1); } || if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy $(2) || true; \
		else echo "run: sudo apt-get install $(2)" >&2; fi
endef

# $(1) is the Python, $(2) the folder, $(3) the last Python 3 that all of its packages have wheels for. Debian keeps venv
# in a package of its own: root gets it, others are told.
define make_venv
	@$(1) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, $(3)))' || \
		{ echo "$(2) needs Python 3.10 to 3.$(3), found: $$($(1) --version 2>&1); try: make PYTHON=python3.11" >&2; exit 1; }
	@$(1) -c 'import ensurepip' 2>/dev/null || \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy python3-venv; \
		else echo "Python's venv is missing; run: sudo apt-get install python3-venv" >&2; exit 1; fi
	$(1) -m venv $(2)
endef

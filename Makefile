# `make demo` and `make test` work in a fresh clone: they first make the environment in .venv.
# `make PYTHON=python3.12 test` chooses the Python.

PYTHON ?= python3
TOO_OLD := "Python 3.10 or newer is needed; name one, as in: make PYTHON=python3.12 test"
BIN := .venv/bin
CROSSCHECK := .venv-crosscheck
INSTALLED := .venv/installed
PACKAGES := augmentation configs custom_ops layers losses tools trainer
SOURCES := $(PACKAGES) dualcontrast/__init__.py tests
BLACK := $(BIN)/black --line-length 100 --target-version py310 --quiet

.PHONY: demo operations test test-slow faults benchmark benchmark-data benchmark-ops benchmark-peer benchmark-systems crosscheck crosscheck-import gpu-check lint format

$(INSTALLED): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit($(TOO_OLD) if sys.version_info < (3, 10) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# Training and sampling would compile them when they first need them.
operations: $(INSTALLED)
	$(BIN)/python -m dualcontrast.custom_ops.build || echo "TensorFlow computes in their place"

demo: operations
	$(BIN)/dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --max_images=4000 --resolution=32 --dest=demo/data
	TF_NUM_INTRAOP_THREADS=1 $(BIN)/dualcontrast-train --config=demo --data=demo/data --workdir=demo/run
	$(BIN)/dualcontrast-generate --run=demo/run --output=demo/samples --grid
	$(BIN)/dualcontrast-report --run=demo/run --data=demo/data --output=demo/report.html
	test -d demo/model || $(BIN)/dualcontrast-export --run=demo/run --output=demo/model
	@echo "demo/data          4000 scenes at 32x32 as TFRecords, with manifest.json"
	@echo "demo/run           metrics.jsonl, checkpoints, and a grid of samples every few thousand images"
	@echo "demo/samples       64 images by the trained generator; grid.png shows them all"
	@echo "demo/report.html   the run on one page: samples over time, curves, FID; open it in a browser"
	@echo "demo/model         the generator as a SavedModel, for tf.saved_model.load or TF Serving"

# Two processes: most of a test is tracing, which takes one core.
test: operations
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: operations
	$(BIN)/python -m pytest -m slow

# All faults: kills, damaged files, full disks. `make test` has a part of each.
faults: operations
	$(BIN)/python -m pytest -n 2 --dist worksteal -m faults

benchmark: operations
	$(BIN)/python -m dualcontrast.tools.benchmark --resolution=32 --measure=conv2d --measure=augmentation
	$(BIN)/python -m dualcontrast.tools.benchmark

# Every system, as wide as published and as narrow as in configs/systems.py.
benchmark-systems: operations
	$(BIN)/python -m dualcontrast.tools.benchmark_systems

benchmark-data: $(INSTALLED)
	$(BIN)/python -m dualcontrast.tools.benchmark_data

benchmark-ops: operations
	$(BIN)/python -m dualcontrast.tools.benchmark_ops

# PEER is a checkout of stylegan2-ada-pytorch, PEER_PYTHON a Python that has torch and requests.
benchmark-peer: operations
	$(BIN)/python -m dualcontrast.tools.benchmark_peer --peer="$(PEER)" --python="$(PEER_PYTHON)"

gpu-check: $(INSTALLED)
	$(BIN)/python -m dualcontrast.tools.gpu_check --report=gpu_check.json

# torch stays out of the environment of the project. Its folder hides itself from git.
crosscheck:
	test -x $(CROSSCHECK)/bin/python || $(PYTHON) -m venv $(CROSSCHECK)
	echo '*' > $(CROSSCHECK)/.gitignore
	$(CROSSCHECK)/bin/pip install --quiet --disable-pip-version-check absl-py scipy torch-fidelity
	$(CROSSCHECK)/bin/python -m dualcontrast.tools.crosscheck

# PEER and PEER_PYTHON are those of benchmark-peer.
crosscheck-import: $(INSTALLED)
	$(BIN)/python -m dualcontrast.tools.crosscheck_import --peer="$(PEER)" --python="$(PEER_PYTHON)"

lint: $(INSTALLED)
	$(BLACK) --check $(SOURCES)
	$(BIN)/isort --check-only --quiet $(SOURCES)
	$(BIN)/flake8 $(SOURCES)
	$(BIN)/lint-imports --config setup.cfg --no-cache
	$(BIN)/mypy --config-file setup.cfg -p dualcontrast

format: $(INSTALLED)
	$(BIN)/isort --quiet $(SOURCES)
	$(BLACK) $(SOURCES)

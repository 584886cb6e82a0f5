# Each target does all its set-up: on a bare Debian or Ubuntu it needs make and Python 3.11 or 3.13, nothing else.
#   make demo    the film, the .blend, the motion and a contact sheet of it, in build/demo
#   make test    the tests
#   make lint    style and types
#   make zip     the extension, in dist
#   make train   a model, in build/train, from the recordings in SOURCE=FOLDER; again, it goes on where it stopped
#   make bench   the figures in docs/benchmarks.md
# PYTHON=... picks the interpreter, PIP_ARGS=... adds options to pip (an index with a CPU build of torch, for example).

PYTHON ?= $(shell tools/find-python 3.11 3.13)
VENV := .venv
IN_PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal # each has a Blender and a thread of its own
PY := $(VENV)/bin/python
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifeq ($(filter 3.11 3.13,$(VERSION)),)
$(error No Python 3.11 or 3.13: install python3.11 or python3.13, or give PYTHON=...)
endif
PINS := pyproject.toml constraints/python$(VERSION).txt tools/setup

# Off Python 3.11 torch is a download of gigabytes: the tests then run what works without it, unless it is there already.
TEST_GROUPS := blender light test
ifeq ($(VERSION),3.11)
TEST_GROUPS += runtime lint
endif

.PHONY: demo test lint zip train bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.light
	$(PY) -m addon.batch assets/demo/stage_talk.json --blend build/demo/stage_talk.blend \
	  --video build/demo/stage_talk.mp4 --npz build/demo/stage_talk.npz --bvh build/demo/stage_talk.bvh
	$(PY) tools/contact_sheet.py build/demo/stage_talk.blend assets/demo/stage_talk.json build/demo/stage_talk.png
	@echo; ls -l build/demo

test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(PY) -m pytest $(IN_PARALLEL) $(ARGS)

lint: $(VENV)/.lint
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	$(PY) -m pyright -p pyright-addon.json

zip: $(VENV)/.runtime
	$(PY) build_addon.py

train: $(VENV)/.runtime
	@test -n "$(SOURCE)" || test -f build/clips/clips.json || \
	  { echo "Give SOURCE=FOLDER, where the unpacked recordings lie (see docs/training.md)." >&2; exit 2; }
	test -f build/clips/clips.json || $(PY) -m core prepare --source "$(SOURCE)" --out build/clips
	$(PY) -m core train --clips build/clips --out build/train $(ARGS)

bench: $(VENV)/.runtime
	$(PY) benchmarks/run.py

clean:
	rm -rf build dist $(VENV)

$(VENV)/.light: $(PINS)
	tools/setup $(VENV) $(PYTHON) blender light
	@touch $@

$(VENV)/.runtime: $(PINS)
	tools/setup $(VENV) $(PYTHON) blender runtime
	@touch $@

$(VENV)/.test: $(PINS)
	tools/setup $(VENV) $(PYTHON) $(TEST_GROUPS)
	@touch $@

$(VENV)/.lint: $(PINS)
	tools/setup $(VENV) $(PYTHON) blender runtime test lint
	@touch $@

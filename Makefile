# make run          fresh machine: the environment, the quick study, its report
# make experiment   the same workflow on a measured scan, in the hub experiment/
# make test         the environment, then every gate; each gate is a target of its own
# make cluster      the workflow through a real Slurm on this machine; as root it installs Debian's slurm-wlm and munge
# make faults-long  the long fault campaign and ten minutes of fuzzing; hours
# make mutations    take guards and verdicts out of the package one by one: does a fast test notice? (SEED, COUNT); an hour
# make slurm-clean  cancel the Slurm jobs that a killed Snakemake left behind in HUB, and unlock it
# make bench        side-by-side measurements (ONLY: some of their groups), half an hour: the table of docs/speed.md
# make clean        remove the environment and caches; a study's files are never touched
#
# Variables: PYTHON (3.11 to 3.13), CORES (default: all), TARGET, HUB (folder of the study), PYTEST_OPTIONS; GPU=1 adds
# the CUDA libraries of TensorFlow to the environment (some 3 GB), once: later calls need not repeat it.

PYTHON ?= python3
CORES ?= all
GPU ?=
HUB ?= .
TARGET ?= all
PYTEST_OPTIONS ?=
SEED ?= 10
COUNT ?= 20
ONLY ?=

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

override VENV := .venv
override READY := $(VENV)/.ready
override CUDA := $(VENV)/.cuda
override JAX := $(VENV)/jax/.ready
override ENVIRONMENT := $(READY) $(if $(GPU),$(CUDA))
GATES := format lint types smk schema unit stages workflow faults interop cluster
PLUGIN := snakemake_logger_plugin_ptychostudy
TYPED := ptychostudy
SCHEMA := config/schema/config.schema.json
PRINT_SCHEMA := from ptychostudy.study.settings import json_schema; print(json_schema(), end="")

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1

.PHONY: help run experiment test environment check-python $(GATES) faults-long mutations slurm-clean schema-write bench clean

help:
	@sed -n '/^# make/s/^# //p' Makefile

# --- studies ---------------------------------------------------------------------------------------------------------

# Not after the target: all words that follow --logger would be loggers.
run: $(ENVIRONMENT)
	snakemake --logger ptychostudy --cores $(CORES) --directory '$(HUB)' $(TARGET)

experiment: HUB := experiment
experiment: $(ENVIRONMENT)
	snakemake --logger ptychostudy --cores $(CORES) --directory '$(HUB)' --configfile config/experiment.yaml -- $(TARGET)

# --- environment -----------------------------------------------------------------------------------------------------

environment: $(ENVIRONMENT)

# Without the stamp a folder is half made and is made anew; with it, a new lock or pyproject only changes what differs.
# Snakemake looks for plug-ins among folders on the path, where an editable installation puts none: so the link.
$(READY): constraints.txt pyproject.toml envs/which | check-python
	@[ -x $(VENV)/bin/python ] || $(PYTHON) -m venv $(VENV)
	@rm -f $@
	$(VENV)/bin/python -m pip install --constraint constraints.txt --editable '.[keras,ptychi,fast,slurm,dev]'
	$(VENV)/bin/python -m pip install --no-deps ptychodus==1.7.0
	@ln -sf ../../envs/which $(VENV)/bin/which
	@ln -sfn '$(CURDIR)/$(PLUGIN)' "$$($(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/$(PLUGIN)"
	@touch $@

# For tests alone, and in a folder of its own: TensorFlow imports JAX wherever it finds it, and starts later for it.
$(JAX): constraints.txt $(READY)
	@$(VENV)/bin/python -m pip install --no-deps --upgrade --constraint constraints.txt --target $(@D) jax jaxlib || \
		printf '%s\n' '*****' 'jax could not be installed: the tests of that backend do NOT RUN' '*****' >&2
	@mkdir -p $(@D) && touch $@

# Two packages of CUDA 12 share the paths of their files with those of CUDA 13, which torch brings: they go last.
$(CUDA): constraints-gpu.txt $(READY)
	@rm -f $@
	$(VENV)/bin/python -m pip install --constraint constraints.txt --constraint constraints-gpu.txt --editable '.[gpu]'
	$(VENV)/bin/python -m pip install --constraint constraints-gpu.txt --no-deps --force-reinstall \
		nvidia-cudnn-cu12 nvidia-nccl-cu12
	@touch $@

check-python:
	@[ -f $(READY) ] || rm -rf $(VENV)
	@[ -f $(READY) ] || command -v $(PYTHON) >/dev/null || { \
		echo "No '$(PYTHON)' on PATH; needed: Python 3.11 to 3.13, or make PYTHON=/path/to/python" >&2; exit 1; }
	@[ -f $(READY) ] || $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "$$($(PYTHON) --version) found; needed: Python 3.11 to 3.13 (TensorFlow 2.21 has no others)," \
			"or make PYTHON=/path/to/python" >&2; exit 1; }
	@[ -f $(READY) ] || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no working module 'venv'; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# --- gates -----------------------------------------------------------------------------------------------------------

test: $(GATES)
	@echo "all gates passed: $(GATES)"

$(GATES) faults-long mutations slurm-clean schema-write bench: $(READY)

unit: $(JAX)

# One thread each: the tests are small, and a sum over threads need not come out the same twice.
unit stages workflow faults interop cluster faults-long: export OMP_NUM_THREADS := 1
unit stages workflow faults interop cluster faults-long: export TF_CPP_MIN_LOG_LEVEL := 2

format:
	ruff format --check .

lint:
	ruff check .

types:
	mypy --strict $(TYPED)

smk:
	snakefmt --check Snakefile rules
	snakemake --lint

schema:
	python -c '$(PRINT_SCHEMA)' | diff -u $(SCHEMA) - || { echo "$(SCHEMA) is out of date: make schema-write" >&2; exit 1; }
	python -m pytest -q $(PYTEST_OPTIONS) tests/unit/test_schema.py tests/unit/test_pins.py

schema-write:
	python -c '$(PRINT_SCHEMA)' > $(SCHEMA)

# TensorFlow and torch never share a process; the many tests that need neither pay for neither.
unit:
	python -m pytest $(PYTEST_OPTIONS) tests/unit tests/known_answers tests/formats_cases --ignore-glob='*/test_networks_*.py' \
		--ignore-glob='*/test_iterative*.py' --ignore-glob='*/test_referee_*.py'
	$(call suite,tests/unit tests/known_answers,test_networks_*.py)
	$(call suite,tests/unit tests/known_answers,test_iterative*.py)
	$(call suite,tests/unit tests/known_answers,test_referee_*.py)

# The two halves of the campaign take as long as all other faults together, and each waits a lot; of the workflow's tests
# most ask a Snakemake that keeps one core busy. Files in the order of their names: xdist would begin with those of many
# tests, and the campaign, which is two, would run last. On a cluster a study mostly waits, and each file has its own Slurm.
unit stages workflow faults cluster: override PYTEST_OPTIONS += -n 2 --dist loadfile --no-loadscope-reorder

stages workflow faults interop:
	$(call suite,tests/$@,test_*.py)

# Not a failure where there is no Slurm and none can be installed, but never silent either.
cluster:
	@if reason=$$(tests/cluster/slurm_install.sh 2>&1); then python -m pytest $(PYTEST_OPTIONS) tests/cluster; \
	else printf '%s\n' '*****' "cluster: NOT RUN: $$reason" '*****' >&2; fi

faults-long:
	python -m pip install --quiet --constraint constraints.txt --editable '.[fuzz]' || \
		echo "atheris could not be installed: fuzz_readers.py falls back to its own loop" >&2
	python tests/faults/campaign/campaign.py --only kill --kills 200 --per-study 100 --cores 2 \
		--config config/config.yaml --hub "$$(mktemp -d)/kills"
	python tests/faults/campaign/campaign.py --kills 0 --undisturbed 20 --cores 2 --hub "$$(mktemp -d)/damage"
	PTYCHOSTUDY_FUZZ_MINUTES=10 python -m pytest $(PYTEST_OPTIONS) tests/faults/test_fuzz.py
	PTYCHOSTUDY_FUZZ_MINUTES=1 python -m pytest $(PYTEST_OPTIONS) tests/formats_cases/test_foreign_fuzz.py

mutations:
	python tests/mutations/mutate.py --seed $(SEED) --count $(COUNT)

slurm-clean:
	profiles/slurm/cancel_orphans.sh '$(HUB)'

# $(call suite,FOLDERS,PATTERN): run those test files; none at all is said, and is no failure.
define suite
@files=$$(find $(1) -name '$(2)' | sort); \
if [ -z "$$files" ]; then echo "$(1): no $(2) yet"; \
else echo "pytest: $(1) $(2)"; python -m pytest $(PYTEST_OPTIONS) $$files; fi
endef

# Ways of doing the same in turn, and the table of docs/speed.md; the study it measures on is made in build/bench.
bench:
	python bench/run.py $(if $(ONLY),--only $(ONLY))

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build ptychostudy.egg-info
	find ptychostudy $(PLUGIN) tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

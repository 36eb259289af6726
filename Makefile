# `make demo` and `make test` need Python 3.11 to 3.14, Git and make; they make everything else.
PYTHON ?= python3
CODE := benchmarks hooks local_extensions.py src tests tools
PYTEST := .venv/bin/python -m pytest

.PHONY: demo test all fast quick lint types coverage picture lock clean
# Of linters, types and fast tests, each has times in which it uses one processor.
MAKEFLAGS += --jobs=2
# Else each worker, and each of the thousand processes that tests start, compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

demo: .venv/ready  ## Generate a project, train it, compare, restore
	.venv/bin/python tools/demo.py

test: lint types all  ## Linters, types and all tests, the fast ones first

# On two processors three workers: one of them waits now and then, for a server, a disk or a network.
# One run, since each worker of each run imports all tests first.
all: .venv/ready
	$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -v --durations 25

fast: lint types quick  ## Linters, types and the tests that take seconds

quick: .venv/ready
	$(PYTEST) -m "not slow" -n 3

lint: .venv/ready
	.venv/bin/ruff check $(CODE)
	.venv/bin/ruff format --check $(CODE)

types: .venv/ready
	.venv/bin/python -m mypy

coverage: .venv/ready  ## Which lines of the two libraries their tests run
	$(PYTEST) tests/core tests/modelkeep -n 2 --cov modelkeep_core --cov modelkeep --cov-report term

picture: .venv/ready  ## Take the pictures in the README anew (needs Chromium)
	.venv/bin/python tools/picture.py

lock: .venv/ready  ## Refresh the locks: make lock UPGRADE=--upgrade
	.venv/bin/python tools/lock.py $(UPGRADE)

clean:
	rm -rf .venv .cache

# pip installs uv alone, as it is locked, and uv the rest. The tests find there what uv has fetched.
.venv/ready: requirements-dev.lock
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > .venv/uv.lock
	.venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r .venv/uv.lock
	UV_CACHE_DIR=.cache/uv .venv/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode --require-hashes -r requirements-dev.lock
	touch .venv/ready

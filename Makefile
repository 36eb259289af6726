# `make demo` and `make test` need Python 3.11 to 3.14, Git and make; they make everything else.
PYTHON ?= python3
CODE := benchmarks hooks local_extensions.py src tests tools
PYTEST := .venv/bin/python -m pytest

.PHONY: demo test fast lint types coverage picture lock clean

demo: .venv/ready  ## Generate a project, train it, compare, restore
	.venv/bin/python tools/demo.py

test: fast  ## All tests, the fast ones first
	$(PYTEST) -m slow -n 2 --dist loadfile --no-loadscope-reorder -v --durations 10

fast: lint types  ## The tests that take seconds
	$(PYTEST) -m "not slow" -n 2

lint: .venv/ready
	.venv/bin/ruff check $(CODE)
	.venv/bin/ruff format --check $(CODE)

types: .venv/ready
	.venv/bin/python -m mypy

coverage: .venv/ready  ## Which lines of the two libraries their tests run
	$(PYTEST) tests/core tests/modelkeep -n 2 --cov modelkeep_core --cov modelkeep --cov-report term

picture: .venv/ready  ## Take the picture in the README anew (needs Chromium)
	.venv/bin/python tools/picture.py

lock: .venv/ready  ## Refresh the locks: make lock UPGRADE=--upgrade
	.venv/bin/python tools/lock.py $(UPGRADE)

clean:
	rm -rf .venv .cache

.venv/ready: requirements-dev.lock
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.lock
	touch .venv/ready

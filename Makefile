# `make demo` and `make test` need Python 3.11 to 3.13, Git and make; they make everything else.
PYTHON ?= python3
READY := .venv/ready
CODE := benchmarks hooks local_extensions.py tests tools

.PHONY: demo test fast lint picture lock clean

demo: $(READY)  ## Generate a project, train it, compare, restore
	.venv/bin/python tools/demo.py

test: $(READY) lint  ## All tests, the fast ones first
	.venv/bin/python -m pytest -m "not slow" -n 2
	.venv/bin/python -m pytest -m slow -n 2 --dist loadfile --no-loadscope-reorder -v --durations 10

fast: $(READY) lint  ## The tests that take seconds
	.venv/bin/python -m pytest -m "not slow" -n 2

lint: $(READY)
	.venv/bin/ruff check $(CODE)
	.venv/bin/ruff format --check $(CODE)

picture: $(READY)  ## Take the picture in the README anew (needs Chromium)
	.venv/bin/python tools/picture.py

lock: $(READY)  ## Refresh the locks: make lock UPGRADE=--upgrade
	.venv/bin/uv pip compile --quiet --python-version 3.11 --group dev pyproject.toml -o requirements-dev.lock $(UPGRADE)
	.venv/bin/python tools/lock.py $(UPGRADE)

clean:
	rm -rf .venv .cache

$(READY): requirements-dev.lock
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.lock
	touch $(READY)

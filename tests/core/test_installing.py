"""Messages name a command that installs a package in the environment at hand."""

import importlib.util
import sys

import pytest

from modelkeep_core.installing import install


def test_pip_installs_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of venv has pip."""
    monkeypatch.setitem(sys.modules, "pip", importlib.util)
    assert install("-r requirements.lock") == "python -m pip install -r requirements.lock"


def test_uv_installs_where_pip_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of uv has no pip."""
    monkeypatch.setattr("modelkeep_core.installing.find_spec", lambda name: None)
    assert install("-r requirements.lock") == "uv pip install -r requirements.lock"

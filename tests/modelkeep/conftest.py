"""The fixtures of the reference project, for the tests of this library."""

import pytest

from fixtures import *  # noqa: F403
from fixtures import _nobody, _one_thread  # noqa: F401
from modelkeep import text


@pytest.fixture
def terminal(monkeypatch):
    """Let a terminal of 80 columns be what is printed to."""
    monkeypatch.setattr(text, "screen", lambda: 80)

"""A worker gives back what it does not need, and looks for no cycles where there are none."""

import gc
import sys

import pytest

from modelkeep.serving import memory
from modelkeep.serving.memory import give_back, settle


@pytest.fixture
def _restored():
    """Leave the interpreter as it was."""
    switch, thresholds = sys.getswitchinterval(), gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(switch)


@pytest.mark.usefixtures("_restored")
def test_what_is_there_at_the_start_is_not_looked_through_again():
    """All objects of the libraries are left out, and the event loop gets its turn soon."""
    settle()
    assert gc.get_freeze_count() > 50_000
    assert len(gc.get_objects()) < 5_000
    assert sys.getswitchinterval() == pytest.approx(0.001)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone keeps it, and can be told")
def test_what_was_freed_is_given_back():
    """Small parts of a large whole, as the rows of a request are."""
    before = _resident()
    parts = [bytearray(5_000) for _ in range(20_000)]
    # The last one stays, so that what lies before it is not given back by itself.
    last = parts.pop()
    del parts
    kept = _resident() - before
    give_back()
    assert _resident() - before < max(kept, 60_000_000) / 2
    assert len(last) == 5_000


def test_where_there_is_nothing_like_that_nothing_is_done(monkeypatch):
    """On other systems a server runs as well."""
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    memory._trim.cache_clear()
    give_back()
    memory._trim.cache_clear()


def _resident():
    """Return the resident memory of this process, in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096

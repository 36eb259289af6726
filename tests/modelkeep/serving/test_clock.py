"""A clock that jumps is not believed for a day, and neither is one that is far off at the start."""

import pytest

from modelkeep.serving import clock
from modelkeep.serving.clock import BELIEVED, JUMP, Clock

NOON = 1_800_000_000.0


@pytest.fixture
def at(monkeypatch):
    """Return a function that lets time pass, and sets the clock."""
    now = {"time": NOON, "monotonic": 0.0}
    for name in now:
        monkeypatch.setattr(clock.time, name, lambda name=name: now[name])

    def passed(seconds, set_by=0.0):
        now["time"] += seconds + set_by
        now["monotonic"] += seconds

    return passed


@pytest.mark.parametrize("jump", [JUMP + 1, -JUMP - 1, 4e9])
def test_a_jump_is_not_believed_for_a_day(at, caplog, jump):
    """Forward or backward; it is logged once."""
    watched = Clock(None, 0)
    at(10)
    assert watched.believed() == NOON + 10
    at(10, set_by=jump)
    assert watched.believed() is None
    at(BELIEVED - 10)
    assert watched.believed() is None
    at(20)
    assert watched.believed() is not None
    assert caplog.text.count("jumped by") == 1


def test_a_clock_that_is_set_by_little_is_steady(at):
    """As every one is, now and then."""
    watched = Clock(NOON - 10, 100)
    for _ in range(10):
        at(10, set_by=JUMP / 2)
        assert watched.believed() is not None


def test_where_all_would_be_too_old_the_clock_is_not_believed_at_once(at):
    """A server that starts with a wrong one deletes nothing."""
    watched = Clock(NOON - 101, 100)
    assert watched.believed() is None
    at(BELIEVED + 1)
    assert watched.believed() is not None


@pytest.mark.parametrize("last", [NOON - 99, NOON + 99, None])
def test_where_something_is_young_enough_the_clock_is_believed(at, last):
    """Or where nothing is there that could be deleted."""
    assert Clock(last, 100).believed() == NOON


def test_a_time_that_is_believed_is_from_before_a_jump(at):
    """A jump right after the look makes nothing old: the reading that was judged is the one."""
    watched = Clock(None, 0)
    judged = watched.believed()
    at(0, set_by=JUMP + 1)
    assert (judged, watched.believed()) == (NOON, None)

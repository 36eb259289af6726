"""A window of time is what its words say, in the reader's zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from modelkeep.monitoring.window import Window, window
from modelkeep.serving.records import new_id
from modelkeep_core.errors import UserError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", datetime(2026, 11, 15, 12, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 22, tzinfo=UTC)),
        ("30m", datetime(2026, 11, 22, 11, 30, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_date_or_how_long_ago(text, moment):
    """With or without a time, and with a zone of its own."""
    assert window(text, None, NOW).since == moment
    assert window(None, text, NOW).until == moment


def test_a_window_without_ends_has_everything():
    """Every id and every minute lies in it."""
    first, last = window(None, None, NOW).ids
    assert first <= new_id(0) < new_id(4e9) < last
    low, high = Window().minutes
    assert low < 0 < 1e9 < high


def test_what_is_dated_later_than_now_is_in_no_window_that_ends_now():
    """A clock that was a year ahead for an hour would keep its requests in every report."""
    first, last = window("7d", None, NOW).ids
    hour = timedelta(hours=1).total_seconds()
    inside, ahead = (new_id(NOW.timestamp() + hours * hour) for hours in (23, 25))
    assert first < inside < last < ahead
    minutes = window("7d", None, NOW).minutes
    assert minutes[1] == (NOW.timestamp() + 24 * hour) / 60
    assert window("7d", "2150-01-01", NOW).ids[1] > ahead


def test_a_request_belongs_to_the_window_that_begins_with_it():
    """A window includes its beginning and not its end."""
    first, last = Window(NOW, NOW + timedelta(hours=1)).ids
    begun, ended = (new_id(NOW.timestamp() + seconds) for seconds in (0, 3600))
    assert first <= begun < last <= ended


def test_a_minute_that_is_cut_belongs_to_the_window():
    """Refused values are counted by the minute."""
    cut = timedelta(seconds=30)
    low, high = Window(NOW + cut, NOW + timedelta(minutes=5) + cut).minutes
    inside = [minute for minute in range(-1, 7) if low <= NOW.timestamp() // 60 + minute < high]
    assert inside == [0, 1, 2, 3, 4, 5]


def test_the_zone_of_an_end_does_not_matter():
    """The same moment is the same window."""
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert Window(there).ids == Window(NOW).ids


@pytest.mark.parametrize("text", ["", "7", "7w", "-7d", "yesterday", "2026-13-01", "9" * 20 + "d"])
def test_what_is_no_time_is_refused(text):
    """One sentence, with examples."""
    with pytest.raises(UserError, match=r"^--since .*is no time: give a date such as"):
        window(text, None, NOW)


@pytest.mark.parametrize(
    ("since", "until"),
    [("1d", "2d"), ("2026-11-02", "2026-11-02"), ("2222-11-02", None), ("0d", None)],
)
def test_an_empty_window_is_refused(since, until):
    """Its ends are the wrong way round, or the same; without one, it ends now."""
    with pytest.raises(UserError, match="nothing lies between"):
        window(since, until, NOW)

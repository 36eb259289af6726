"""The span of time that a question is about."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelkeep.serving.records import first_id
from modelkeep_core.errors import UserError

# By how much a request may be dated later than now
AHEAD = timedelta(days=1)
UNITS = {"d": "days", "h": "hours", "m": "minutes"}
# Hexadecimal ids of any time lie between these
FIRST, LAST = "", "g"


@dataclass(frozen=True)
class Window:
    """From `since` on and before `until`, each with a time zone or None where it is open.

    Attributes:
        since, until: its ends.
        latest: what is dated from then on does not belong to a window that is open to the present:
            a clock was wrong when it came.
    """

    since: datetime | None = None
    until: datetime | None = None
    latest: datetime | None = None

    @property
    def ids(self) -> tuple[str, str]:
        """What the ids of its requests are at least, and below."""
        return (
            first_id(self.since.timestamp()) if self.since else FIRST,
            first_id(self._end.timestamp()) if self._end else LAST,
        )

    @property
    def minutes(self) -> tuple[float, float]:
        """Its first minute since 1970, and the one after its last."""
        return (
            self.since.timestamp() // 60 if self.since else float("-inf"),
            self._end.timestamp() / 60 if self._end else float("inf"),
        )

    @property
    def _end(self) -> datetime | None:
        return self.until or self.latest


def window(since: str | None, until: str | None, now: datetime) -> Window:
    """Read the ends of a window: a date, a date with a time, or how long ago: 7d, 12h, 30m.

    A date without a time zone is one of the reader's zone. A window from some time on ends a day
    from now, for clocks that differ; one without ends has everything.

    Raises:
        UserError: an end is neither, or the window is empty.
    """
    span = Window(_moment("since", since, now), _moment("until", until, now))
    if span.since and not span.until:
        span = replace(span, latest=now + AHEAD)
    if span.since and span.since >= (span.until or now):
        end = f"--until {until}" if span.until else "now"
        raise UserError(f"nothing lies between --since {since} and {end}.")
    return span


def _moment(option: str, text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    ago = re.fullmatch(r"(\d+)([dhm])", text)
    try:
        if ago:
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone()
    except (OverflowError, ValueError):
        raise UserError(
            f"--{option} {text} is no time: give a date such as 2026-11-01 or 2026-11-01T09:30, "
            "or how long ago, such as 7d, 12h or 30m."
        ) from None

"""How far scoring is, on a terminal: rows, rows a second, and the time that is left."""

import sys
import time

# The line is written anew so often at most
REDRAW = 0.2


class Progress:
    """Counts rows; it writes nothing where nobody watches.

    Args:
        rows: how many there are to score.
    """

    def __init__(self, rows: int) -> None:
        self._rows, self._done = rows, 0
        self._began = self._written = time.monotonic()
        self._watched = sys.stderr.isatty()
        self._width = 0

    def scored(self, rows: int) -> None:
        """Count some more rows."""
        self._done += rows
        now = time.monotonic()
        if self._watched and now - self._written > REDRAW:
            self._written = now
            line = described(self._done, self._rows, now - self._began)
            self._width = max(self._width, len(line))
            sys.stderr.write(f"\r{line:{self._width}}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self._width:
            sys.stderr.write(f"\r{'':{self._width}}\r")
            sys.stderr.flush()


def described(done: int, rows: int, seconds: float) -> str:
    """Return the line for some rows that are done, of all, in some seconds."""
    speed = done / max(seconds, 1e-9)
    minutes, left = divmod(round((rows - done) / max(speed, 1e-9)), 60)
    return f"predict: {done:,} of {rows:,} rows, {speed:,.0f} rows/s, {minutes}:{left:02} left"

"""How far a search is, on standard error: one line that is written anew, or now and then a line."""

import math
import sys
import time

# Where nobody watches, such as in the log of a CI, a line is written so often
SECONDS = 30.0
# A line on a terminal is written anew so often at most
REDRAW = 0.2


class Progress:
    """Counts the fits of a search.

    Args:
        fits: how many there are.
        scoring: the name of the score.
    """

    def __init__(self, fits: int, scoring: str) -> None:
        self._fits, self._scoring = fits, scoring
        self._began = self._written = time.monotonic()
        self._line = sys.stderr.isatty()
        self._done = 0
        self._best = ""
        self._width = 0

    def fitted(self, skipped: int = 0) -> None:
        """Count one more fit, and so many that are not needed."""
        self._done += 1
        self._fits -= skipped
        if time.monotonic() - self._written > (REDRAW if self._line else SECONDS):
            self._write("\r" if self._line else "\n")

    def tried(self, best: float | None, trial: int | None) -> None:
        """Take note of the best score so far, and of its trial."""
        if best is not None:
            self._best = f", best {self._scoring} {best:.5g} (trial {trial})"

    def skip(self, fits: int) -> None:
        """Expect so many fewer."""
        self._fits -= fits

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self._width:
            sys.stderr.write(f"\r{'':{self._width}}\r")
            sys.stderr.flush()

    def _write(self, end: str) -> None:
        self._written = time.monotonic()
        left = (self._written - self._began) / self._done * (self._fits - self._done)
        minutes, seconds = divmod(math.ceil(left), 60)
        line = f"search: {self._done} of {self._fits} fits{self._best}, {minutes}:{seconds:02} left"
        if end == "\r":
            self._width = max(self._width, len(line))
            sys.stderr.write(f"\r{line:{self._width}}")
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

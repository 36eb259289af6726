"""What a command prints, to readers that stop early and terminals that lack letters."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


class _Lasting:
    """A stream that takes what is written though nobody reads it any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, and return its length."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._leave()
            return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> None:
        """Let the rest go nowhere, and what is flushed when Python ends as well."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Let a command do its work to the end, whoever reads what it prints, such as `head`.

    What a terminal cannot show becomes a question mark.
    """
    before = sys.stdout, sys.stderr
    for stream in before:
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.stdout, sys.stderr = map(_Lasting, before)  # type: ignore[assignment]
    try:
        yield
    finally:
        for lasting in (sys.stdout, sys.stderr):
            lasting.flush()
        sys.stdout, sys.stderr = before

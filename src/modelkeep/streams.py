"""What a command prints, to readers that stop early and terminals that lack letters."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
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

    What a terminal cannot show becomes a question mark. A stream that was closed before Python
    began, as by `>&-`, takes what is written and nobody reads it.
    """
    before = sys.stdout, sys.stderr
    with ExitStack() as closed:
        streams = [stream or closed.enter_context(_nowhere()) for stream in before]
        for stream in streams:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        sys.stdout, sys.stderr = map(_Lasting, streams)  # type: ignore[assignment]
        try:
            yield
        finally:
            for lasting in (sys.stdout, sys.stderr):
                lasting.flush()
            sys.stdout, sys.stderr = before


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")

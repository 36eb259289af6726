"""Which files Python opens for reading: remembered by an audit hook, once it is asked to."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_opened: set[str] = set()
_installed = False
_paused = 0


def record() -> None:
    """Remember, from now on, each file that Python opens for reading in this process."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


def opened() -> set[str]:
    """Return the absolute paths of the files that were opened for reading."""
    return {*_opened}


@contextmanager
def paused() -> Iterator[None]:
    """Do not remember what is opened inside: it is no input of the stage that runs."""
    global _paused
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1


def _hook(event: str, details: tuple[object, ...]) -> None:
    if event != "open" or _paused:
        return
    path, mode, flags = details
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str):
        return
    if isinstance(mode, str):
        reads = "r" in mode or "+" in mode
    else:
        reads = isinstance(flags, int) and not flags & os.O_WRONLY
    if reads:
        _opened.add(os.path.abspath(path))

"""What this process reads, remembered once it is asked to: files, by an audit hook, and parameters.

A database of SQLite and a library of C are opened by themselves, but Python says which.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Events of Python that name a file, which is read
NAMED = ("sqlite3.connect", "ctypes.dlopen")
_opened: set[str] = set()
_params: set[tuple[str, str]] = set()
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


def add_params(path: Path | str, keys: Iterable[str]) -> None:
    """Remember that dotted keys of a file of parameters were read."""
    if _installed and not _paused:
        _params.update((os.path.abspath(path), key) for key in keys)


def read_keys() -> set[tuple[str, str]]:
    """Return which parameters were read: the absolute path of a file, and a dotted key."""
    return {*_params}


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
    if _paused or (event != "open" and event not in NAMED):
        return
    path, mode, flags = details if event == "open" else (*details[:1], "r", 0)
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

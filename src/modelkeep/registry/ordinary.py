"""Whether a repository of somebody else is made of files and directories, as Git takes it to be.

Git opens what it expects, whatever it is: a pipe in the place of a file would keep it waiting for
ever, and a device might have no end.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from modelkeep_core.errors import UserError
from modelkeep_core.foreign import read_file

# Bytes of a file that names other directories, and how many files a repository may have
MOST, MOST_FILES = 64 * 1024, 1_000_000
# Files that name directories from which Git reads too, and where their paths begin
NAMING = {"commondir": ".", "objects/info/alternates": "objects", "info/alternates": "."}


def check_ordinary(directory: Path) -> None:
    """Make sure that nothing which Git might open, for a directory, is of another kind.

    Args:
        directory: the directory that is asked about; its repository may begin above it.

    Raises:
        UserError: there is a pipe, a socket or a device, or a link to one; or far too many files.
    """
    waiting = [*_repository_of(directory.resolve())]
    seen: set[Path] = set()
    while waiting:
        place = waiting.pop()
        if place in seen or not place.is_dir():
            continue
        seen.add(place)
        for path in _special(place):
            _check(path)
        for name, base in NAMING.items():
            if (place / name).is_file():
                waiting += [(place / base / line).resolve() for line in _lines(place / name)]


def _repository_of(directory: Path) -> Iterator[Path]:
    """Yield where Git keeps the repository of a directory, as it looks for it itself."""
    for place in (directory, *directory.parents):
        inner = place / ".git"
        if inner.is_dir():
            yield inner
            return
        if inner.is_file():
            for line in _lines(inner):
                yield (place / line.removeprefix("gitdir:").strip()).resolve()
            return
        if (place / "objects").is_dir() and (place / "refs").is_dir():
            yield place
            return


def _special(place: Path) -> Iterator[Path]:
    """Yield what is neither a file nor a directory, at any depth, such as links.

    Raises:
        UserError: there are too many files.
    """
    waiting, files = [str(place)], 0
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif not entry.is_file(follow_symlinks=False):
                        yield Path(entry.path)
                    files += 1
        except OSError:
            # Git says what it cannot read, if it needs it.
            continue
        if files > MOST_FILES:
            raise UserError(f"{place} has more than {MOST_FILES:,} files: it is not read.")


def _check(path: Path) -> None:
    """Make sure that what is no ordinary file leads to one, or nowhere.

    Raises:
        UserError: it does not.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UserError(
            f"{path} is no ordinary file, which Git would wait for: the repository is not read."
        )


def _lines(path: Path) -> list[str]:
    """Return the lines of a small file that names directories."""
    text = read_file(path, MOST).decode("utf-8", "surrogateescape")
    return [line.strip() for line in text.splitlines() if line.strip() and "\0" not in line]

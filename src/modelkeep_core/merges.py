"""Merges that were left half done: both sides stand in a file, between lines that Git wrote."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelkeep_core.errors import UserError

# The lines that Git writes around both sides, and before what both began with. The one between the
# sides may be a line below a heading, too.
MARK = re.compile(r"^(?:<{7}|\|{7}|>{7}) .*$", re.MULTILINE)
# The files that are looked at: of DVC, of Python, and what describes a project
NAMES = {".dvcignore", ".gitignore", ".python-version", "allowed_signers"}
ENDINGS = {".dvc", ".json", ".lock", ".py", ".toml", ".yaml", ".yml"}
# Bytes of the largest file that is looked at
LARGEST = 64 * 2**20
REMEDY = (
    "a merge was left half done here. Keep what is right of both sides, without the lines that "
    "begin with <<<<<<<, ======= and >>>>>>>."
)


class Unmerged(UserError):
    """A file has both sides of a merge."""


def marked_line(text: str) -> int | None:
    """Return the first line that Git wrote around a side of a merge; None where there is none."""
    mark = MARK.search(text)
    return text.count("\n", 0, mark.start()) + 1 if mark else None


def half_merged(root: Path, names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield the files in which both sides of a merge stand, with the line.

    Args:
        root: a project.
        names: the files that Git has of it, by their path there; those that describe the project,
            and its code, are looked at.
    """
    for name in names:
        path = root / name
        described = path.name in NAMES or path.suffix in ENDINGS
        if not described or not path.is_file() or path.stat().st_size > LARGEST:
            continue
        if line := marked_line(path.read_text(encoding="utf-8", errors="replace")):
            yield name, line


def check_merged(text: str, where: str) -> None:
    """Refuse a text with both sides of a merge.

    For a format in which lines of Git may stand, this comes before it is read; for others, where
    it could not be read.

    Args:
        text: what is read.
        where: which file it is, for the message.

    Raises:
        Unmerged: naming the line.
    """
    if line := marked_line(text):
        raise Unmerged(f"{where}, line {line}: {REMEDY}")

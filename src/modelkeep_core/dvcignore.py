"""Which files DVC does not see: those that a .dvcignore names, as a .gitignore does for Git.

DVC reads every .dvcignore from the top of the project down; the patterns of a deeper directory
come after those above it, and whatever lies in a directory that is hidden is hidden as well.
"""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from modelkeep_core import recording
from modelkeep_core.merges import check_merged

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

DVCIGNORE = ".dvcignore"
# What DVC hides wherever it stands
ALWAYS = {".git", ".hg", ".dvc"}


class DvcIgnore:
    """The .dvcignore files of a project; each is read once."""

    def __init__(self, top: Path) -> None:
        """Take the directory that has `.dvc`."""
        self._top = top
        self._specs: dict[Path, GitIgnoreSpec | None] = {}

    def hides(self, path: Path) -> bool:
        """Say whether DVC does not see a file.

        Args:
            path: its path, as `top` is written; what lies outside of `top` is not hidden.
        """
        if not path.is_relative_to(self._top):
            return False
        name = PurePosixPath(path.relative_to(self._top).as_posix())
        directories = [*name.parents][:-1]
        return (
            any(part in ALWAYS for part in name.parts)
            or any(self._excluded(directory, "/") for directory in directories)
            or self._excluded(name)
        )

    def _excluded(self, name: PurePosixPath, mark: str = "") -> bool:
        """Say whether the last pattern that matches a path hides it; `mark` ends a directory."""
        for place in name.parents:
            if spec := self._spec(self._top / place):
                include = spec.check_file(f"{name.relative_to(place)}{mark}").include
                if include is not None:
                    return include
        return False

    def _spec(self, directory: Path) -> "GitIgnoreSpec | None":
        if directory not in self._specs:
            file = directory / DVCIGNORE
            self._specs[directory] = _read(file) if file.is_file() else None
        return self._specs[directory]


def _read(file: Path) -> "GitIgnoreSpec":
    # It takes 14 ms to import, and most directories have no such file.
    from pathspec import GitIgnoreSpec

    # What DVC reads is no input of the stage that may be running.
    with recording.paused():
        text = file.read_text(encoding="utf-8")
    check_merged(text, str(file))
    return GitIgnoreSpec.from_lines(line.strip() for line in text.splitlines())

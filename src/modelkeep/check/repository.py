"""What Git says of the files of a project."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Repository:
    """The Git repository around a project; paths are relative to the root of the project.

    Attributes:
        root: the root of the project.
        tracked: the files that Git has.
    """

    root: Path
    tracked: tuple[str, ...]

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Return which paths the project's .gitignore files name, whether Git has them or not."""
        # A rule such as "models/" is meant for a directory, which need not be there yet.
        asked = {form: path for path in paths for form in (path, f"{path}/")}
        answer = _git(self.root, "check-ignore", "--no-index", "--stdin", "-z", asked=[*asked])
        return {asked[name] for name in answer or ()}


def repository_around(root: Path) -> Repository | None:
    """Return the repository that a directory is in; None without one, or without Git."""
    tracked = _git(root, "ls-files", "-z")
    return None if tracked is None else Repository(root, tuple(tracked))


def _git(root: Path, *words: str, asked: list[str] | None = None) -> list[str] | None:
    # What a person ignores on this machine alone is no rule of the project.
    command = ["git", "-c", "core.excludesFile=", *words]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            input=None if asked is None else "\0".join([*asked, ""]).encode(),
            stdin=subprocess.DEVNULL if asked is None else None,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    # 1: `check-ignore` found none
    if done.returncode not in (0, 1):
        return None
    return [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]

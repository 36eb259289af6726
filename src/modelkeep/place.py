"""Where a command works: the root of the project, and the paths that a person types elsewhere."""

import os
from pathlib import Path

from modelkeep_core.errors import UserError

PROJECT = "dvc.yaml"
REPOSITORY = ".git"
# From the directory in which a command works to the one in which the person stands
_typed_from = Path()


def project_root(start: Path) -> Path | None:
    """Return the nearest directory with a dvc.yaml, from `start` upwards; None where there is none.

    The search ends at the top of a Git repository: what lies around it is another project.
    """
    start = start.resolve()
    for directory in (start, *start.parents):
        if (directory / PROJECT).is_file():
            return directory
        if (directory / REPOSITORY).exists():
            return None
    return None


def enter_project() -> None:
    """Change to the root of the project, if this directory is in one.

    From then on, `path_given` says where the paths lie that a person types.
    """
    global _typed_from
    start = Path.cwd()
    root = project_root(start)
    _typed_from = start.resolve().relative_to(root) if root else Path()
    if root and _typed_from.parts:
        os.chdir(root)


def check_project(place: Path | None = None) -> Path:
    """Return the root of the project that a directory is in; without one, it is this directory.

    Raises:
        UserError: there is no dvc.yaml.
    """
    place = Path.cwd() if place is None else place.resolve()
    root = project_root(place)
    if root is None:
        raise UserError(
            f"{place} is in no project: there is no dvc.yaml in it, nor above it in its repository."
            " Go to a directory of the project first."
        )
    return root


def path_given(text: str) -> Path:
    """Return a path that a person typed, relative to where they stand, as it is from the root.

    It is the `type` of every argument of the command line that is a path. Defaults of such
    arguments are relative to the root; they must be a `Path`, since argparse converts text.
    """
    path = Path(text)
    if path.is_absolute() or not _typed_from.parts:
        return path
    whole = _typed_from / path
    short = Path(os.path.normpath(whole))
    # Where a part of it is a link, ".." does not lead back to where it came from.
    return short if short.resolve() == whole.resolve() else whole


def table_given(text: str) -> Path:
    """Return the path of a table that a person typed; "-" is the standard input."""
    return Path("/dev/stdin") if text == "-" else path_given(text)


def path_or_word(text: str) -> str:
    """Return what a person typed: as `path_given` does where that exists, else as it is.

    An argument of this type can have no default, which would be taken for what was typed.
    """
    path = path_given(text)
    return str(path) if text and path.exists() else text

"""Tables that are not on this disk: at a URL, or tracked by DVC and not checked out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from modelkeep_core.errors import UserError

DVC = ".dvc"


class Afar(NamedTuple):
    """A file or a directory in a file system of fsspec.

    Attributes:
        shown: what messages call it.
        filesystem: where it is.
        path: the path of it there.
    """

    shown: str
    filesystem: Any
    path: str

    def is_directory(self) -> bool:
        """Say whether files are below it.

        Raises:
            UserError: nothing is there, or it cannot be reached.
        """
        with reached(self.shown):
            if not self.filesystem.exists(self.path):
                raise UserError(f"{self.shown} is missing.")
            return not self.filesystem.isfile(self.path)

    def files(self) -> list[tuple[str, str]]:
        """Return the files below it by their names, each with its path in the file system.

        Raises:
            UserError: it cannot be reached.
        """
        base = self.path.rstrip("/") + "/"
        with reached(self.shown):
            # Others may write there too
            self.filesystem.invalidate_cache()
            below = sorted(self.filesystem.find(self.path))
        # A key that ends in a slash stands for a directory
        return [
            (path.removeprefix(base), path) for path in below if path != base and path[-1] != "/"
        ]

    def bring(self, path: str, to: Path) -> None:
        """Copy a file from it to this disk.

        Raises:
            UserError: it cannot be read, or not be written here.
        """
        to.parent.mkdir(parents=True, exist_ok=True)
        with reached(self.shown):
            self.filesystem.get_file(path, str(to))

    def bring_if_there(self, name: str, to: Path) -> None:
        """Copy a file below it to this disk, if it is there.

        Raises:
            UserError: it cannot be read, or not be written here.
        """
        with reached(self.shown):
            there = self.filesystem.exists(f"{self.path}/{name}")
        if there:
            self.bring(f"{self.path}/{name}", to)

    def put(self, file: Path, name: str = "") -> None:
        """Copy a file of this disk to it, or below it under a name; it appears there whole.

        Raises:
            UserError: it cannot be written.
        """
        target = f"{self.path}/{name}" if name else self.path
        with reached(self.shown):
            self.filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.filesystem.put_file(str(file), target)

    def remove(self, name: str) -> None:
        """Remove a file below it, if it is there.

        Raises:
            UserError: it cannot be removed.
        """
        with reached(self.shown):
            if self.filesystem.exists(f"{self.path}/{name}"):
                self.filesystem.rm_file(f"{self.path}/{name}")


def is_url(place: object) -> bool:
    """Say whether a place is a URL, such as s3://bucket/path."""
    return isinstance(place, str) and bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", place))


@lru_cache(maxsize=8)
def at_url(url: str) -> Afar:
    """Return what is at a URL, in the file system that DVC opens for it.

    Raises:
        UserError: DVC does not know such a URL.
    """
    from modelkeep.registry.dvc_internals import open_url, read_settings
    from modelkeep.registry.git import without_password

    settings = read_settings(Path(DVC)) if Path(DVC).is_dir() else {}
    shown = without_password(url)
    with reached(shown):
        return Afar(shown, *open_url(settings, url.rstrip("/")))


def tracked(source: Path) -> Afar | None:
    """Return a path that DVC tracks and that is not checked out; None for any other.

    Its files come from the cache of the project or from its remote.

    Raises:
        UserError: DVC cannot read the project.
    """
    whole = source.absolute()
    root = next((place for place in whole.parents if (place / DVC).is_dir()), None)
    if source.exists() or root is None:
        return None
    from dvc.api import DVCFileSystem

    with reached(str(source)):
        filesystem = DVCFileSystem(url=str(root))
        path = whole.relative_to(root).as_posix()
        return Afar(str(source), filesystem, path) if filesystem.exists(path) else None


@contextmanager
def reached(shown: str) -> Iterator[None]:
    """Turn what a storage raises into a UserError; each kind of storage has errors of its own.

    Raises:
        UserError: it cannot be reached.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error)
        reason = " ".join(reason.split()).rstrip(".") or type(error).__name__
        raise UserError(f"{shown} cannot be reached: {reason}.") from None

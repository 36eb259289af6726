"""DVC's objects: whether they are in the cache of this machine and in the remote; getting them."""

import copy
import errno
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelkeep.registry.dvc_internals import local_settings, open_objects, read_settings
from modelkeep.registry.git import Git
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import MOST_JSON, OBJECT, object_name, read_file, read_listing
from modelkeep_core.leftover import discard

OBJECTS = ("files", "md5")
# Options by which DVC sends a remote files instead of objects
BY_PATH = ("worktree", "version_aware")
# What a server answers where there is no such file, or none any more
NOT_FOUND = (404, 410)
# Seconds after which a person is told what is waited for
LONG = 20.0
# What a system says of a disk that is full, for all or for this user
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Unreached(UserError):
    """A remote does not answer as one, so that nothing is known of what it has."""


class Unwritable(UserError):
    """The cache of this machine takes nothing, which says nothing of what is in a remote."""


class Storage:
    """The cache and the remote of a project; an object is named by its MD5.

    Attributes:
        cache: the directory of the objects on this machine.
        remote: the name of the remote, or None; the default one, if not said.
    """

    def __init__(self, dvc_directory: Path, lasting: bool = True) -> None:
        """Read DVC's settings.

        Args:
            dvc_directory: the .dvc directory of a project.
            lasting: whether that directory, and a cache in it, stay.

        Raises:
            UserError: they cannot be used.
        """
        self._settings = read_settings(dvc_directory)
        cache = self._settings["cache"].get("dir") or dvc_directory / "cache"
        self.cache = Path(cache).joinpath(*OBJECTS)
        self.remote = self._settings["core"].get("remote")
        self.lasting = lasting
        self._database: Any = None
        self._others: dict[str, Storage] = {}

    def of(self, remote: str | None) -> "Storage":
        """Return the same cache with another remote: the one that an output names for itself.

        Args:
            remote: its name; None for the default one.
        """
        if remote in (None, self.remote):
            return self
        if remote not in self._others:
            other = copy.copy(self)
            other.remote, other._database, other._others = remote, None, {}
            self._others[str(remote)] = other
        return self._others[str(remote)]

    @property
    def remotes(self) -> list[str]:
        """The names of all remotes that the settings have."""
        return [*self._settings["remote"]]

    def in_cache(self, objects: Iterable[str]) -> set[str]:
        """Return those of the objects that are in the cache."""
        return {name for name in objects if self.path(name).is_file()}

    def in_remote(self, objects: Iterable[str]) -> set[str]:
        """Return those of the objects that are in the remote.

        Raises:
            UserError: there is no remote, or it cannot be reached.
        """
        return set(self.remote_sizes(objects))

    def remote_sizes(self, objects: Iterable[str]) -> dict[str, int | None]:
        """Return the size in bytes of each of the objects that is in the remote.

        It is None where the remote has the object and does not say how large it is.

        Raises:
            UserError: there is no remote, or it cannot be reached.
        """
        return {name: info.get("size") for name, info in self.remote_infos(objects).items()}

    def remote_infos(self, objects: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return what the remote says of each of the objects that it has, in its own words.

        Raises:
            UserError: there is no remote, or it cannot be reached.
        """
        wanted = list(objects)
        with self._reached() as database:
            answers = database.fs.info(
                [database.oid_to_path(name) for name in wanted], return_exceptions=True
            )
            infos: dict[str, dict[str, Any]] = {}
            for name, answer in zip(wanted, answers, strict=True):
                if isinstance(answer, FileNotFoundError | NotADirectoryError):
                    if reason := _failure(answer):
                        raise reason
                    continue
                if isinstance(answer, Exception):
                    raise answer
                # A pipe is none either: it would be waited for.
                if answer.get("type") not in ("directory", "other"):
                    infos[name] = answer
            return infos

    def all_in_remote(self) -> list[str]:
        """Return the names of all objects that the remote has.

        Raises:
            UserError: there is no remote, or it cannot be reached.
        """
        with self._reached() as database:
            if not database.fs.exists(database.path):
                return []
            return [name for name in database.all() if OBJECT.fullmatch(name)]

    def delete_from_remote(self, objects: list[str]) -> None:
        """Delete objects from the remote, in this order.

        Raises:
            UserError: the remote cannot be reached, or does not let you.
        """
        with self._reached() as database:
            for name in objects:
                database.fs.rm_file(database.oid_to_path(name))

    def is_whole_in_remote(self, name: str) -> bool:
        """Say whether the bytes that the remote has of an object are those that its name says.

        Raises:
            UserError: the remote cannot be reached, or does not give them.
        """
        with (
            self._reached() as database,
            database.fs.open(database.oid_to_path(name), "rb") as file,
        ):
            return hashlib.file_digest(file, "md5").hexdigest() == name.removesuffix(".dir")

    def send(self, objects: dict[str, str]) -> None:
        """Put objects of the cache into the remote, over what is there under their names.

        The lists of directories come last: whoever finds one may rely on its files.

        Raises:
            UserError: the cache does not have one, or has damaged it; nothing was sent then. Or
                the remote does not take it.
        """
        unusable = self.unusable(objects)
        if unusable:
            raise UserError(
                f"{next(iter(unusable.values()))} cannot be sent to the remote '{self.remote}', as "
                "the cache of this machine does not have it whole. Where the version was made, "
                "`modelkeep fsck --repair` sends it."
            )
        with self._reached() as database:
            for name in sorted(objects, key=lambda name: name.endswith(".dir")):
                place = database.oid_to_path(name)
                database.makedirs(database.fs.parent(place))
                database.fs.put_file(str(self.path(name)), place)
                # As DVC leaves what it sends: it believes what is read-only
                database.protect(place)

    def path(self, name: str) -> Path:
        """Return where the cache keeps an object."""
        return self.cache / name[:2] / name[2:]

    def files(self, name: str, meaning: str) -> dict[str, str]:
        """Return the objects of a directory by the paths in it; a file is its own, by "".

        Raises:
            UserError: the object that lists them is neither in the cache nor in the remote, it is
                no list, or it lists a path that leads out of the directory.
        """
        if not object_name(name, meaning).endswith(".dir"):
            return {"": name}
        self.get({name: meaning})
        return read_listing(read_file(self.path(name), MOST_JSON), meaning)

    def unusable(self, objects: dict[str, str]) -> dict[str, str]:
        """Return those of the objects that the cache has not, or has damaged, which is told.

        Args:
            objects: what each object is, by its name, for messages.
        """
        unusable = {}
        for name, meaning in objects.items():
            path = self.path(name)
            if not path.is_file():
                unusable[name] = meaning
            elif md5(path) != name.removesuffix(".dir"):
                print(f"note: {meaning} is damaged in the cache: {path}", file=sys.stderr)
                unusable[name] = meaning
        return unusable

    def check(self, objects: dict[str, str]) -> dict[str, str]:
        """Return the objects that have to come from the remote.

        Raises:
            UserError: one of them is not there.
        """
        unusable = self.unusable(objects)
        there = self.in_remote(unusable) if unusable else set()
        for name, meaning in unusable.items():
            if name not in there:
                raise UserError(
                    f"{meaning} (object {name}) is not usable in the cache, and not in the remote "
                    f"'{self.remote}'. Where the version was made, `modelkeep fsck --repair` sends "
                    "it."
                )
        return unusable

    def get(self, objects: dict[str, str]) -> None:
        """Make sure that objects are in the cache, undamaged; what is not comes from the remote.

        Raises:
            UserError: one is missing or damaged here, and missing or damaged in the remote.
        """
        for name, meaning in self.check(objects).items():
            path = self.path(name)
            partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                partial.touch()
            except OSError as error:
                raise self._unwritable(error) from None
            try:
                with self._reached() as database:
                    try:
                        database.fs.get_file(database.oid_to_path(name), str(partial))
                    except OSError as error:
                        if error.errno not in FULL:
                            raise
                        raise self._unwritable(error) from None
                if md5(partial) != name.removesuffix(".dir"):
                    raise UserError(
                        f"{meaning} (object {name}) is damaged in the remote '{self.remote}'."
                    )
                partial.chmod(0o444)
                os.replace(partial, path)
            finally:
                discard(partial)

    def _unwritable(self, error: OSError) -> UserError:
        return Unwritable(
            f"the cache {self.cache.parent.parent} cannot be written: {error.strerror}. "
            "`dvc cache dir --local DIR` names another."
        )

    def share_with(
        self, dvc_directory: Path, remote: bool = True, others: Iterable[str] = ()
    ) -> None:
        """Let another project use this cache if it lasts, and this remote, by local settings.

        Args:
            dvc_directory: the .dvc directory of the other project.
            remote: whether it gets the settings of the remote, and with them its credentials; they
                are taken away where it does not.
            others: the names of more remotes that it gets then.
        """
        with local_settings(dvc_directory) as settings:
            if self.lasting:
                settings["cache"]["dir"] = str(self.cache.parent.parent.resolve())
            settings["remote"].clear()
            settings["core"].pop("remote", None)
            if self.remote and remote:
                settings["core"]["remote"] = self.remote
            for name in sorted({self.remote, *others} & {*self.remotes}) if remote else ():
                settings["remote"][name] = dict(self._settings["remote"][name])

    @contextmanager
    def _reached(self) -> Iterator[Any]:
        """Yield DVC's view of the remote, and tell what goes wrong with it in one sentence."""
        if not self.remote:
            raise UserError(
                "DVC has no default remote: `dvc remote add --default NAME URL` adds it."
            )
        if self.remote not in self.remotes:
            raise UserError(
                f"DVC has no remote '{self.remote}': `dvc remote add {self.remote} URL` adds it."
            )
        for option in BY_PATH:
            if self._settings["remote"][self.remote].get(option):
                raise UserError(
                    f"the remote '{self.remote}' has the option {option}: it keeps files by their "
                    "paths, so that no version is found in it by its hash. "
                    f"`dvc remote modify {self.remote} {option} false`, then `dvc push`."
                )
        slow = threading.Timer(LONG, _tell_slow, [self.remote])
        slow.daemon = True
        slow.start()
        try:
            if self._database is None:
                self._database = open_objects(self._settings, self.remote, OBJECTS)
            yield self._database
        except UserError:
            raise
        # Every kind of remote has exceptions of its own, which have nothing else in common.
        except Exception as error:
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise Unreached(f"the remote '{self.remote}' cannot be used: {reason[0]}") from None
        finally:
            slow.cancel()


def _tell_slow(remote: str) -> None:
    print(
        f"note: the remote '{remote}' has taken {LONG:g} seconds so far, and is waited for: of one "
        "that does not answer, DVC gives up after some minutes.",
        file=sys.stderr,
    )


@contextmanager
def storage_of(git: Git, version: Version) -> Iterator[Storage]:
    """Open the storage of the project of a version, with the settings that it has now.

    Where there is no work tree, the settings are those of HEAD, and the cache is empty and passes.
    So it is where the settings of somebody else would let this machine write outside the project.
    """
    here = Path(git.directory, os.path.relpath(version.directory or ".", git.prefix or "."))
    if (here / ".dvc").is_dir():
        storage = Storage(here / ".dvc")
        if not git.foreign or storage.cache.resolve().is_relative_to(here.resolve()):
            yield storage
            return
        with tempfile.TemporaryDirectory(prefix="registry-") as directory:
            storage.cache, storage.lasting = Path(directory, *OBJECTS), False
            yield storage
        return
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        # A bare repository may have a HEAD that names no branch.
        present = git.commit("HEAD") or version.commit
        settings = git.read_one(f"{present}:{version.directory}.dvc/config")
        Path(directory, "config").write_bytes(settings or b"")
        storage = Storage(Path(directory), lasting=False)
        storage.cache = Path(directory, "cache", *OBJECTS)
        yield storage


def _failure(absent: Exception) -> BaseException | None:
    """Return what kept a server from being asked, where that was told as a missing file; or None.

    Over HTTP, fsspec says so of a server that is away, that forbids, and that fails.
    """
    cause = absent.__cause__
    if isinstance(cause, FileNotFoundError | NotADirectoryError):
        return None
    failed = isinstance(cause, OSError) or getattr(cause, "status", NOT_FOUND[0]) not in NOT_FOUND
    return cause if failed else None


def md5(path: Path) -> str:
    """Return the MD5 of a file, which is its name in DVC."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()

"""What is used of DVC beyond its commands and `dvc.api`: its settings, its lock, its remotes.

The public API reads files by their paths. It cannot tell whether a remote has an object, fetch an
object into a cache that no checkout belongs to, or keep other commands out of a project meanwhile.
DVC does not promise that any of this stays, which is why its version is pinned. A test makes sure
that no other module of the registry imports DVC, and no other of this library more than `dvc.repo`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from modelkeep.registry.git import without_password
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import check_file


def read_settings(dvc_directory: Path) -> Any:
    """Return the settings of a project, by section and key, as DVC merges them.

    Args:
        dvc_directory: its .dvc directory.

    Raises:
        UserError: they cannot be used.
    """
    from dvc.config import Config
    from dvc.exceptions import DvcException

    for name in (Config.CONFIG, Config.CONFIG_LOCAL):
        # A pipe in the place of one would be waited for.
        if (dvc_directory / name).exists():
            check_file(dvc_directory / name)
    try:
        return Config(dvc_dir=str(dvc_directory))
    except DvcException as error:
        raise UserError(f"the settings of DVC cannot be read: {error}") from None


@contextmanager
def local_settings(dvc_directory: Path) -> Iterator[Any]:
    """Yield the settings that a project has on this machine only, to be changed.

    They are written in UTF-8: DVC itself writes ASCII alone, and so no path with other letters.
    """
    from configobj import ConfigObj  # type: ignore[import-untyped]
    from dvc.config import Config, _pack_named

    config, place = Config(dvc_dir=str(dvc_directory)), dvc_directory / Config.CONFIG_LOCAL
    settings = config.load_one("local")
    yield settings
    saved = _pack_named(Config._save_paths(settings, str(place.resolve())))
    with place.open("wb") as file:
        ConfigObj(saved, encoding="utf-8").write(file)


def open_objects(settings: Any, remote: str, place: Sequence[str]) -> Any:
    """Return DVC's view of the objects in a remote, with "fs", "path" and their methods.

    Args:
        settings: those of the project.
        remote: its name.
        place: the directory of the objects in it.
    """
    from dvc.fs import get_cloud_fs
    from dvc_data.hashfile.db import get_odb

    filesystem, options, path = get_cloud_fs(settings, name=remote)
    opened = filesystem(**options)
    return get_odb(opened, opened.join(path, *place), hash_name="md5")


def open_url(settings: Any, url: str) -> tuple[Any, str]:
    """Return the file system of a URL, as DVC opens it, and the path in it.

    Args:
        settings: those of the project, or an empty mapping where there is none.
        url: such as s3://bucket/path, or remote://NAME/path below a remote of the project.

    Raises:
        UserError: DVC does not know it, or what it needs for it is not installed.
    """
    from dvc.exceptions import DvcException
    from dvc.fs import RemoteMissingDepsError, get_cloud_fs

    try:
        filesystem, options, path = get_cloud_fs(settings, url=url)
        return filesystem(**options).fs, path
    except RemoteMissingDepsError as error:
        packages = ", ".join(error.missing_deps)
        raise UserError(
            f"{without_password(url)} needs {packages}, which the environment lacks: install "
            f"dvc-{error.protocol}."
        ) from None
    except DvcException as error:
        raise UserError(f"{without_password(url)} cannot be opened: {error}") from None


@contextmanager
def locked_project() -> Iterator[Any]:
    """Open the DVC project here and keep all others from changing it meanwhile.

    Raises:
        UserError: it is none, or another command works in it.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo, lock_repo

    try:
        with Repo(".") as repo, lock_repo(repo):
            clear_half_written(repo)
            yield repo
    except DvcException as error:
        raise UserError(f"DVC cannot work here: {error}") from None


def clear_half_written(repo: Any) -> None:
    """Remove DVC's list of paths in use where a process was killed while it wrote the list.

    DVC writes it in place, under a lock that ends with the process, and refuses all work while the
    list is no JSON. Whoever holds that lock and reads no JSON knows that its writer is gone.

    Raises:
        DvcException: another process holds the lock.
    """
    from dvc.lock import make_lock
    from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK

    place = Path(repo.tmp_dir) / RWLOCK_FILE
    if _is_half_written(place):
        guard, hardlink = place.with_name(RWLOCK_LOCK), repo.config["core"].get("hardlink_lock")
        with make_lock(str(guard), tmp_dir=repo.tmp_dir, hardlink_lock=bool(hardlink)):
            if _is_half_written(place):
                place.unlink()


def _is_half_written(place: Path) -> bool:
    if not place.exists():
        return False
    try:
        json.loads(place.read_text(encoding="utf-8"))
    except ValueError:
        return True
    return False


def forget_remote(repo: Any, remote: str) -> None:
    """Let a project ask a remote anew what it has, where DVC would believe what it noted before.

    Raises:
        UserError: DVC's notes cannot be cleared.
    """
    from dvc.exceptions import DvcException
    from dvc_data.hashfile.db import get_index
    from dvc_objects.errors import ObjectDBError

    try:
        with closing(get_index(repo.cloud.get_remote_odb(name=remote))) as index:
            index.clear()
    except (DvcException, ObjectDBError) as error:
        raise UserError(f"what DVC noted of '{remote}' cannot be cleared: {error}") from None

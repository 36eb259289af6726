"""`gc`: delete objects of DVC that no version, stage, branch or experiment needs."""

import argparse
import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from modelkeep import text
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.dvc_internals import forget_remote, locked_project
from modelkeep.registry.needed import Needed, needed, tips_of
from modelkeep.registry.storage import Storage, storage_of
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import OBJECT

# As long as Git itself waits before it deletes what nothing refers to
DAYS = 14
DAY = 86_400
UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass
class Doomed:
    """What a place has without need.

    Attributes:
        sizes: name and size in bytes of what goes.
        young: how many objects stay for being young, or of an age that is not told.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    young: int = 0

    def add(self, name: str, size: int, old: bool) -> None:
        """Count an object."""
        if old:
            self.sizes[name] = size
        else:
            self.young += 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument(
        "--remote", action="store_true", help="delete from the default DVC remote as well"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be deleted, and delete nothing"
    )
    parser.add_argument(
        "--older-than",
        type=_days,
        default=DAYS,
        metavar="DAYS",
        help="keep what is younger, such as what a colleague has pushed and not committed yet "
        f"(default: {DAYS})",
    )
    parser.add_argument(
        "--shared-cache",
        action="store_true",
        help="delete from a cache outside of the project as well, which others may use",
    )


def _days(text: str) -> float:
    days = float(text)
    if not days >= 0:
        raise ValueError
    return days


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Delete what is not needed.

    Raises:
        UserError: what is needed is not known for sure; nothing was deleted.
    """
    git = catalogue.git
    head = git.commit("HEAD")
    if git.bare or head is None:
        raise UserError("objects are deleted in a work tree with a commit, which says what counts.")
    if catalogue.model is not None:
        raise UserError("all models count, since they may share files: leave --model out.")
    if git.shallow:
        raise UserError(
            "this clone is shallow and does not know all versions: `git fetch --unshallow --tags` "
            "first."
        )
    others: list[str] = []
    if args.remote:
        for remote in git.run("remote").split():
            others += tips_of(git, remote)
    here = Version(f"{git.prefix.rstrip('/')}:model" if git.prefix else "model", head)
    with locked_project() as repo, storage_of(git, here) as storage:
        wanted = needed(catalogue, storage, others)
        before = time.time() - args.older_than * DAY
        outside = not storage.cache.resolve().is_relative_to(Path().resolve())
        places: dict[str, Doomed] = {}
        if not outside or args.shared_cache:
            places["the cache"] = _in_cache(storage, wanted, before)
        if args.remote:
            places[f"the remote '{storage.remote}'"] = _in_remote(storage, wanted, before)
        if not args.dry_run:
            _delete(storage, places)
            if args.remote:
                forget_remote(repo, str(storage.remote))
    commits = text.counted(wanted.commits, "commit")
    need = "needs" if wanted.commits == 1 else "need"
    lines = [f"What {commits} of versions, stages, branches and experiments {need} stays."]
    lines += [_sentence(place, doomed, args) for place, doomed in places.items()]
    if outside and not args.shared_cache:
        lines.append(
            f"The cache {storage.cache.parent.parent} is left alone: others may use it. "
            "--shared-cache includes it."
        )
    return None, "\n".join(lines)


def _in_cache(storage: Storage, wanted: Needed, before: float) -> Doomed:
    """Return what the cache has without need, and had already at a time."""
    doomed = Doomed()
    for path in storage.cache.glob("??/*"):
        name = path.parent.name + path.name
        if OBJECT.fullmatch(name) and name not in wanted.names and path.is_file():
            facts = path.stat()
            doomed.add(name, facts.st_size, max(facts.st_mtime, facts.st_ctime) <= before)
    return doomed


def _in_remote(storage: Storage, wanted: Needed, before: float) -> Doomed:
    """Return what the remote has without need, and had already at a time."""
    doomed = Doomed()
    candidates = [name for name in storage.all_in_remote() if name not in wanted.names]
    for name, info in storage.remote_infos(candidates).items():
        when = written(info)
        doomed.add(name, int(info.get("size") or 0), when is not None and when <= before)
    return doomed


def written(info: dict[str, Any]) -> float | None:
    """Return when an object was written, in seconds since 1970; None where that is not told.

    Args:
        info: what a file system says of it: each kind of remote has a word of its own.
    """
    times = []
    for key in ("mtime", "created", "LastModified", "last_modified", "updated", "modified"):
        value = info.get(key)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, datetime):
            times.append(value.timestamp())
        elif isinstance(value, int | float):
            times.append(float(value))
    return max(times, default=None)


def _delete(storage: Storage, places: dict[str, Doomed]) -> None:
    """Delete objects; lists of directories first, so that none is ever there without its files."""
    for place, doomed in places.items():
        names = sorted(doomed.sizes, key=lambda name: (not name.endswith(".dir"), name))
        if place != "the cache":
            storage.delete_from_remote(names)
            continue
        for name in names:
            path = storage.path(name)
            if os.name == "nt":
                path.chmod(0o644)
            path.unlink(missing_ok=True)


def _sentence(place: str, doomed: Doomed, args: argparse.Namespace) -> str:
    word = "would be deleted" if args.dry_run else "deleted"
    size = readable(sum(doomed.sizes.values()))
    sentence = f"{text.counted(len(doomed.sizes), 'object')} ({size}) {word} from {place}."
    if doomed.young:
        are = "is" if doomed.young == 1 else "are"
        sentence += f" {doomed.young} more {are} not {args.older_than:g} days old."
    return sentence


def readable(size: float) -> str:
    """Return a number of bytes in a unit that fits: 1.5 MB."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {UNITS[-1]}"

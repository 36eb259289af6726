"""Whether the bytes of versions are in the remote: each object, its size, and its hash if asked."""

import posixpath
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from modelkeep.registry.outputs import Output
from modelkeep.registry.storage import Storage, Unreached, Unwritable
from modelkeep_core.errors import UserError

MISSING, DAMAGED = "missing", "damaged"


@dataclass(frozen=True)
class Fault:
    """An object that the remote does not have as it should be.

    Attributes:
        name: DVC's name of the object.
        meaning: what it is: a path in the project.
        problem: "missing" or "damaged": it is there with other bytes.
        unsent: whether `dvc push` would not send it: it takes an object that is there for whole,
            and a directory whose list is there as well.
        remote: the name of the remote.
    """

    name: str
    meaning: str
    problem: str
    unsent: bool
    remote: str | None = None


def faults(outputs: Iterable[Output], storage: Storage, deep: Container[str] = ()) -> list[Fault]:
    """Return what the remote does not have as a commit says; imported outputs are left out.

    An object must be there. The sizes of the files of an output must add up to what the commit
    says, and each must be as in the cache, where that has the file; what does not fit is hashed.

    Args:
        outputs: what DVC keeps of a commit.
        storage: cache and remote.
        deep: the paths of the outputs whose objects are all hashed, which reads them whole.

    Raises:
        UserError: the remote cannot be reached.
    """
    by_output = faults_by_output(outputs, storage, deep).values()
    return [*dict.fromkeys(fault for own in by_output for fault in own)]


def faults_by_output(
    outputs: Iterable[Output], storage: Storage, deep: Container[str] = ()
) -> dict[Output, list[Fault]]:
    """Return the faults of each output, as `faults` does; each object is looked at once.

    Raises:
        UserError: the remote cannot be reached.
    """
    kept = [*dict.fromkeys(output for output in outputs if output.imported is None)]
    faults: dict[Output, list[Fault]] = {}
    for remote in dict.fromkeys(output.remote for output in kept):
        own = [output for output in kept if output.remote == remote]
        faults |= _faults_in(own, storage.of(remote), deep)
    return {output: faults[output] for output in kept}


def _faults_in(
    outputs: list[Output], storage: Storage, deep: Container[str]
) -> dict[Output, list[Fault]]:
    """Return the faults of outputs that are in one remote."""
    named: dict[str, Fault] = {}
    contents: dict[Output, dict[str, str]] = {}

    def note(name: str, meaning: str, problem: str, unsent: bool) -> None:
        named.setdefault(name, Fault(name, meaning, problem, unsent, storage.remote))

    for output in outputs:
        contents[output] = {}
        if not storage.in_cache([output.md5]) and not storage.in_remote([output.md5]):
            note(output.md5, output.path, MISSING, unsent=False)
            continue
        try:
            contents[output] = storage.files(output.md5, output.path)
        except (Unreached, Unwritable):
            raise
        except UserError:
            # Damaged in both
            note(output.md5, output.path, DAMAGED, unsent=True)
    meanings = _meanings(contents)
    sizes = storage.remote_sizes(meanings)
    # DVC asks for the lists of directories alone.
    believed = {
        name
        for output, files in contents.items()
        if output.md5 in sizes and output.md5.endswith(".dir")
        for name in files.values()
    }
    for name, meaning in meanings.items():
        if name not in sizes:
            note(name, meaning, MISSING, unsent=name in believed)
    for name in _suspects(contents, sizes, storage, deep):
        if name in sizes and name not in named and not storage.is_whole_in_remote(name):
            note(name, meanings[name], DAMAGED, unsent=True)
    return {
        output: [
            named[name] for name in dict.fromkeys([*files.values(), output.md5]) if name in named
        ]
        for output, files in contents.items()
    }


def _meanings(contents: dict[Output, dict[str, str]]) -> dict[str, str]:
    """Return what each object is, by its name."""
    meanings: dict[str, str] = {}
    for output, files in contents.items():
        for file, name in files.items():
            meanings[name] = posixpath.join(output.path, file).rstrip("/")
        meanings.setdefault(output.md5, output.path)
    return meanings


def _suspects(
    contents: dict[Output, dict[str, str]],
    sizes: dict[str, int | None],
    storage: Storage,
    deep: Container[str],
) -> list[str]:
    """Return the objects whose sizes do not fit, or that are to be hashed anyway."""
    suspects: list[str] = []
    for output, files in contents.items():
        present = [sizes.get(name) for name in files.values()]
        total = sum(size for size in present if size is not None)
        unfit = None not in present and output.size is not None and total != output.size
        for name in [*files.values(), output.md5]:
            if unfit or output.path in deep or _unlike_cache(name, sizes.get(name), storage):
                suspects.append(name)
    return [*dict.fromkeys(suspects)]


def _unlike_cache(name: str, size: int | None, storage: Storage) -> bool:
    path = storage.path(name)
    return size is not None and path.is_file() and path.stat().st_size != size


def places_of(output: Output, storage: Storage) -> dict[str, Any]:
    """Say whether an output is whole in the cache and in the remote, by the sizes of its files.

    Returns:
        "cache" and "remote": whether it is; "problem": why that is not known.
    """
    storage = storage.of(output.remote)
    places: dict[str, Any] = {"cache": False, "remote": None, "problem": None}
    # Before anything is fetched, which fills the cache
    listed = bool(storage.in_cache([output.md5]))
    try:
        places["remote"] = bool(storage.in_remote([output.md5]))
    except UserError as error:
        places["problem"] = str(error)
    if not listed and not places["remote"]:
        return places
    try:
        names = [*storage.files(output.md5, output.path).values()]
        if places["remote"]:
            places["remote"] = not faults([output], storage)
    except UserError as error:
        return places | {"remote": None, "problem": str(error)}
    if listed and storage.in_cache(names) == {*names}:
        total = sum(storage.path(name).stat().st_size for name in names)
        places["cache"] = output.size in (None, total)
    return places


def described(wrong: list[Fault]) -> str:
    """Say what is wrong with the first of some faults of a remote, and how many more there are."""
    first, more = wrong[0], len(wrong) - 1
    state = "does not have" if first.problem == MISSING else "has damaged"
    others = f" and {more} more" if more else ""
    return f"the remote '{first.remote}' {state} {first.meaning}{others}"

"""Whether the bytes of versions are in the remote: each object, its size, and its hash if asked."""

import posixpath
from collections.abc import Container, Iterable
from dataclasses import dataclass

from modelkeep.registry.outputs import Output
from modelkeep.registry.storage import Storage

MISSING = "not there"


@dataclass(frozen=True)
class Fault:
    """An object that the remote does not have as it should be.

    Attributes:
        name: DVC's name of the object.
        meaning: what it is: a path in the project.
        problem: what is wrong with it, in a few words.
        unsent: whether `dvc push` would not send it: it takes an object that is there for whole,
            and a directory whose list is there as well.
    """

    name: str
    meaning: str
    problem: str
    unsent: bool


def faults(outputs: Iterable[Output], storage: Storage, deep: Container[str] = ()) -> list[Fault]:
    """Return what the remote does not have as a commit says; imported outputs are left out.

    An object must be there. The sizes of the files of an output must add up to what the commit
    says, and each must be as in the cache, where that has the file; what does not fit is hashed.

    Args:
        outputs: what DVC keeps of a commit.
        storage: cache and remote.
        deep: the paths of the outputs whose objects are all hashed, which reads them whole.

    Raises:
        UserError: the remote cannot be reached, or the list of a directory is damaged everywhere.
    """
    kept = [output for output in outputs if output.imported is None]
    named: dict[str, Fault] = {}
    contents: dict[Output, dict[str, str]] = {}
    for output in kept:
        if storage.in_cache([output.md5]) or storage.in_remote([output.md5]):
            contents[output] = storage.files(output.md5, output.path)
        else:
            named[output.md5] = Fault(output.md5, output.path, MISSING, unsent=False)
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
            named[name] = Fault(name, meaning, MISSING, unsent=name in believed)
    for name in _suspects(contents, sizes, storage, deep):
        if name in sizes and name not in named and not storage.is_whole_in_remote(name):
            problem = f"damaged there ({sizes[name]} bytes)"
            named[name] = Fault(name, meanings[name], problem, unsent=True)
    return [*named.values()]


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


def resend(faults: Iterable[Fault], storage: Storage) -> None:
    """Send from the cache what the remote does not have as it should be.

    Raises:
        UserError: the cache does not have all of it whole, or the remote does not take it.
    """
    storage.send({fault.name: fault.meaning for fault in faults})

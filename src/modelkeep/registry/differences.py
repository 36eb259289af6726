"""In which files a rebuilt version is not the recorded one, and in what way."""

import json
import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.dvc_lock import File, Pipeline
from modelkeep.registry.git import Git
from modelkeep.registry.storage import Storage, md5
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

MODEL = ".skops"
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
BYTES, ROUNDING, MISSING, NEW = "bytes", "rounding", "missing", "new"


@dataclass(frozen=True)
class Difference:
    """A file in which a rebuilt version is not the recorded one.

    Attributes:
        stage: the stage that writes it.
        path: relative to the project.
        recorded: its bytes as they are recorded; None where there are none, or not any more.
        new: whether there is no such file in the recorded version.
    """

    stage: str
    path: str
    recorded: bytes | None
    new: bool = False


def differences(
    catalogue: Catalogue,
    version: Version,
    recorded: Pipeline,
    rebuilt: Pipeline,
    project: Path,
    storage: Storage,
) -> list[Difference]:
    """Return the files that are not the same, in the order of the pipeline.

    All are compared by the hashes that DVC took of what the stages had just written; those that
    are in Git also with what is committed.
    """
    made = {out.path: out.md5 for stage in rebuilt.stages for out in stage.outs}
    different = []
    for stage in recorded.stages:
        for out in stage.outs:
            files = [*_changed_in_git(catalogue, version, stage.name, out.path, project)]
            if not files and (out.path not in made or made[out.path] != out.md5):
                files = [*_changed_in_dvc(stage.name, out, project, storage)]
                files = files or [Difference(stage.name, out.path, None)]
            different += sorted(files, key=lambda part: part.path)
    return different


def _changed_in_git(
    catalogue: Catalogue, version: Version, stage: str, path: str, project: Path
) -> Iterator[Difference]:
    """Yield the files of an output that are not as they are committed."""
    listed = Git(project).run(
        *("ls-files", "-z", "--modified", "--others", "--exclude-standard", "--", path)
    )
    for name in filter(None, listed.split("\0")):
        content = catalogue.git.read_one(f"{version.commit}:{version.directory}{name}")
        yield Difference(stage, name, content, new=content is None)


def _changed_in_dvc(stage: str, out: File, project: Path, storage: Storage) -> Iterator[Difference]:
    """Yield the files of an output that are not as DVC keeps them; none where that is unknown."""
    if out.md5 is None:
        return
    try:
        files = storage.files(out.md5, out.path)
    except UserError:
        return
    for file, name in files.items():
        path = posixpath.join(out.path, file).rstrip("/")
        if not (project / path).is_file() or md5(project / path) != name:
            content = None
            with suppress(UserError):
                storage.get({name: path})
                content = storage.path(name).read_bytes()
            yield Difference(stage, path, content)
    present = (path for path in (project / out.path).rglob("*") if path.is_file())
    for path in (path.relative_to(project).as_posix() for path in present):
        if path.removeprefix(f"{out.path}/") not in files:
            yield Difference(stage, path, None, new=True)


def kind(difference: Difference, project: Path, tolerance: float, close: bool) -> str:
    """Say in what way a file differs: "bytes", "rounding", "missing" (not made again) or "new".

    Args:
        difference: the file.
        project: where it was rebuilt.
        tolerance: how far numbers may be apart, relative to their size.
        close: whether the predictions of all models are that close.
    """
    if difference.new:
        return NEW
    file = project / difference.path
    if not file.exists():
        return MISSING
    if file.suffix == MODEL and not close:
        return BYTES
    return ROUNDING if rounded(difference, project, tolerance) else BYTES


def rounded(difference: Difference, project: Path, tolerance: float) -> bool:
    """Say whether rounding explains a difference: of a text, only numbers differ, by very little.

    A model is compared by its predictions, and what the metadata and the manifest of a package say
    of the bytes of other files follows from those.
    """
    from modelkeep_core.packaged import MANIFEST

    file = project / difference.path
    if file.suffix == MODEL or file.name == MANIFEST:
        return True
    if difference.recorded is None or not file.is_file():
        return False
    old, new = map(_without_hashes, (difference.recorded, file.read_bytes()))
    if b"\0" in old or NUMBER.split(old) != NUMBER.split(new):
        return False
    pairs = zip(map(float, NUMBER.findall(old)), map(float, NUMBER.findall(new)), strict=True)
    return all(
        # In a hash there may be what reads as a number too large to be one.
        first == second or abs(first - second) <= tolerance * max(abs(first), 1)
        for first, second in pairs
    )


def _without_hashes(content: bytes) -> bytes:
    """Return the metadata of a package without its hashes of files; any other content as it is."""
    try:
        metadata = json.loads(content)
    except (RecursionError, ValueError):
        return content
    if not isinstance(metadata, dict) or "recipe_id" not in metadata:
        return content
    return json.dumps({key: metadata[key] for key in metadata if key != "files"}).encode()

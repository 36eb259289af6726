"""`verify`: rebuild a version from its commit, and prove that it is the same."""

import argparse
import json
import os
import posixpath
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.dvc_lock import File, Pipeline, parse_pipeline
from modelkeep.registry.environment import environment, has_dvc
from modelkeep.registry.fetch import fetch
from modelkeep.registry.git import Git
from modelkeep.registry.outputs import objects_of, outputs_of
from modelkeep.registry.reference import find
from modelkeep.registry.restore import check_out, cloned
from modelkeep.registry.storage import Storage, md5, storage_of
from modelkeep.registry.tested_on import named_test_rows
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

TOLERANCE = 1e-6
MODEL = ".skops"
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("reference", metavar="REF", help="the version")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        help="how far predictions may be apart, relative to their size, where the bytes are not "
        f"the same (default: {TOLERANCE:g})",
    )


@dataclass(frozen=True)
class Difference:
    """A file in which a rebuilt version is not the recorded one.

    Attributes:
        stage: the stage that writes it.
        path: relative to the project.
        recorded: its bytes as they are recorded; None where there are none, or not any more.
    """

    stage: str
    path: str
    recorded: bytes | None


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Rebuild and compare.

    Raises:
        UserError: the version cannot be rebuilt, or it is not the same.
    """
    version = find(catalogue, args.reference)
    metadata = catalogue.records.of(version)
    outputs = outputs_of(catalogue, version)
    data = [output for output in outputs if output.stage is None]
    recorded = catalogue.pipeline(version)
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as directory,
        storage_of(catalogue.git, version) as storage,
    ):
        storage.check(objects_of(data, storage))
        project = cloned(catalogue.git, version, Path(directory) / "rebuilt")
        storage.share_with(project / ".dvc")
        check_out(project, data)
        rebuild(project, environment(project, metadata, Path(directory)))
        rebuilt = parse_pipeline((project / "dvc.lock").read_bytes(), recorded.artifacts)
        different = differences(catalogue, version, recorded, rebuilt, project, storage)
        done = f"{version.model} {version.label} was rebuilt from commit {version.commit[:7]}"
        if not different:
            stages = len(recorded.stages)
            return None, f"{done}: all outputs of its {stages} stages are the same, byte for byte."
        distance = distance_of(catalogue, version, different, project, Path(directory))
        unlike = [part for part in different if not rounded(part, project, args.tolerance)]
    close = distance is not None and distance <= args.tolerance
    first = unlike[0] if close and unlike else different[0]
    where = f"stage {first.stage}, {first.path}"
    if not close or unlike:
        apart = (
            f", and predictions are up to {distance:.2g} apart" if distance and not close else ""
        )
        raise UserError(
            f"{version.label} could not be rebuilt: the first difference is in {where}{apart}."
        )
    return None, (
        f"{done}: its predictions on the test rows are the same to {args.tolerance:g} (at most "
        f"{distance:.2g} apart). The bytes are not, first in {where}: another processor rounds "
        "otherwise."
    )


def rebuild(project: Path, python: Path) -> None:
    """Run every stage again, with nothing from earlier runs; what they print goes to stderr.

    Raises:
        UserError: a stage failed.
    """
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # Where only the stages have a lock, this DVC starts them with the Python of that lock.
    runner = python if python == Path(sys.executable) or has_dvc(python) else Path(sys.executable)
    command = [str(runner), "-P", "-m", "dvc", "repro"]
    done = subprocess.run(
        [*command, "--force", "--no-run-cache", "--no-commit"],
        cwd=project,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        check=False,
    )
    if done.returncode:
        raise UserError("the pipeline of this commit does not run to its end here: see above.")


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
            files = _changed_in_git(catalogue, version, out.path, project)
            if not files and (out.path not in made or made[out.path] != out.md5):
                files = _changed_in_dvc(out, project, storage) or {out.path: None}
            different += [Difference(stage.name, path, files[path]) for path in sorted(files)]
    return different


def _changed_in_git(
    catalogue: Catalogue, version: Version, path: str, project: Path
) -> dict[str, bytes | None]:
    """Return the files of an output that are not as they are committed, with what is committed."""
    listed = Git(project).run(
        *("ls-files", "-z", "--modified", "--others", "--exclude-standard", "--", path)
    )
    return {
        name: catalogue.git.read_one(f"{version.commit}:{version.directory}{name}")
        for name in listed.split("\0")
        if name
    }


def _changed_in_dvc(out: File, project: Path, storage: Storage) -> dict[str, bytes | None]:
    """Return the files of an output that are not as DVC keeps them; none where that is unknown."""
    if out.md5 is None:
        return {}
    try:
        files = storage.files(out.md5, out.path)
    except UserError:
        return {}
    different: dict[str, bytes | None] = {}
    for file, name in files.items():
        path = posixpath.join(out.path, file).rstrip("/")
        if not (project / path).is_file() or md5(project / path) != name:
            different[path] = None
            with suppress(UserError):
                storage.get({name: path})
                different[path] = storage.path(name).read_bytes()
    new = (path for path in (project / out.path).rglob("*") if path.is_file())
    names = (path.relative_to(project).as_posix() for path in new)
    return different | {
        name: None for name in names if name.removeprefix(f"{out.path}/") not in files
    }


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


def distance_of(
    catalogue: Catalogue,
    version: Version,
    different: list[Difference],
    project: Path,
    directory: Path,
) -> float | None:
    """Return how far the predictions of the models that differ are apart on the rebuilt test rows.

    It is the largest difference relative to the size of the prediction; None where they cannot be
    compared, for want of a package, or because the rows or labels are not the same.
    """
    import pandas as pd

    from modelkeep_core import model_file
    from modelkeep_core.inputs import model_inputs
    from modelkeep_core.packaged import open_package

    test = project / named_test_rows(catalogue, version)[0]
    recorded = directory / "recorded"
    distances = [0.0]
    try:
        fetch(catalogue, version, recorded)
        # Git vouches for what was fetched, and the stages have just run the same code.
        opened = open_package(recorded, trust_code=True)
        inputs, modules = (
            model_inputs(pd.read_parquet(test), opened.schema),
            opened.metadata["code"],
        )
        for difference in different:
            if difference.path.endswith(MODEL):
                # Beside the code of the package, which it may need
                old = recorded / f"recorded{MODEL}"
                old.write_bytes(difference.recorded or b"")
                new = project / difference.path
                first, second = (model_file.load(path, modules) for path in (old, new))
                distance = _distance(first, second, inputs)
                if distance is None:
                    return None
                distances.append(distance)
    except (UserError, OSError, TypeError, ValueError):
        return None
    return max(distances)


def _distance(old: Any, new: Any, inputs: Any) -> float | None:
    import numpy as np

    first, second = (
        np.asarray(getattr(model, "predict_proba", model.predict)(inputs)) for model in (old, new)
    )
    if first.shape != second.shape:
        return None
    if first.dtype.kind not in "fiu":
        return 0.0 if (first == second).all() else None
    distance = float(np.max(np.abs(first - second) / np.maximum(np.abs(first), 1)))
    return None if np.isnan(distance) else distance

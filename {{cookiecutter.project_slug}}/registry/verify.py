"""`verify`: rebuild a version from its commit, and prove that it is the same."""

import argparse
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

from pipeline.refusal import Refusal
from registry.catalogue import Catalogue
from registry.fetch import fetch
from registry.git import Git
from registry.lock import File, Line, parse_line
from registry.outputs import objects_of, outputs_of
from registry.reference import find
from registry.restore import check_out, cloned
from registry.storage import Storage, md5, storage_of
from registry.version import Version

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
        Refusal: the version cannot be rebuilt, or it is not the same.
    """
    version = find(catalogue, args.reference)
    outputs = outputs_of(catalogue, version)
    data = [output for output in outputs if output.stage is None]
    recorded = catalogue.line(version)
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as directory,
        storage_of(catalogue.git, version) as storage,
    ):
        storage.check(objects_of(data, storage))
        project = cloned(catalogue.git, version, Path(directory) / "rebuilt")
        storage.share_with(project / ".dvc")
        check_out(project, data)
        rebuild(project, environment(project, Path(directory)))
        rebuilt = parse_line((project / "dvc.lock").read_bytes(), recorded.artifacts)
        found = differences(catalogue, version, recorded, rebuilt, project, storage)
        said = f"{version.model} {version.label} was rebuilt from commit {version.commit[:7]}"
        if not found:
            stages = len(recorded.stages)
            return None, f"{said}: all outputs of its {stages} stages are the same, byte for byte."
        apart = predictions_apart(catalogue, version, found, project, Path(directory))
        unlike = [it for it in found if not rounded(it, project, args.tolerance)]
    close = apart is not None and apart <= args.tolerance
    first = unlike[0] if close and unlike else found[0]
    where = f"stage {first.stage}, {first.path}"
    if not close or unlike:
        told = f", and predictions are up to {apart:.2g} apart" if apart and not close else ""
        raise Refusal(
            f"{version.label} could not be rebuilt: the first difference is in {where}{told}."
        )
    return None, (
        f"{said}: its predictions on the test rows are the same to {args.tolerance:g} (at most "
        f"{apart:.2g} apart). The bytes are not, first in {where}: another processor rounds "
        "otherwise."
    )


def environment(project: Path, directory: Path) -> Path:
    """Return a Python that has what the version's lock says: this one, or a new one made by uv.

    Raises:
        Refusal: a new one was needed and could not be made.
    """
    from pipeline.environment import check_installed

    try:
        check_installed(project / "requirements.lock")
        return Path(sys.executable)
    except Refusal:
        print("The version has another environment: making it.", file=sys.stderr)
    python = directory / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
    locks = [f"-r{project / name}" for name in ("requirements.lock", "requirements-dev.lock")]
    uv = [sys.executable, "-m", "uv", "--quiet"]
    for step in (
        [*uv, "venv", "--python", sys.executable, str(directory / "environment")],
        [*uv, "pip", "install", "--python", str(python), "--require-hashes", *locks],
    ):
        done = subprocess.run(step, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise Refusal(f"the version's environment cannot be made: {done.stderr.strip()}")
    return python


def rebuild(project: Path, python: Path) -> None:
    """Run every stage again, with nothing from earlier runs; what they print goes to stderr.

    Raises:
        Refusal: a stage failed.
    """
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [str(python), "-P", "-m", "dvc", "repro"]
    done = subprocess.run(
        [*command, "--force", "--no-run-cache", "--no-commit"],
        cwd=project,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        check=False,
    )
    if done.returncode:
        raise Refusal("the line of this commit does not run to its end here: see above.")


def differences(
    catalogue: Catalogue,
    version: Version,
    recorded: Line,
    rebuilt: Line,
    project: Path,
    storage: Storage,
) -> list[Difference]:
    """Return the files that are not the same, in the order of the line.

    All are compared by the hashes that DVC took of what the stages had just written; those that
    are in Git also with what is committed.
    """
    made = {out.path: out.md5 for stage in rebuilt.stages for out in stage.outs}
    found = []
    for stage in recorded.stages:
        for out in stage.outs:
            files = _changed_in_git(catalogue, version, out.path, project)
            if not files and (out.path not in made or made[out.path] != out.md5):
                files = _changed_in_dvc(out, project, storage) or {out.path: None}
            found += [Difference(stage.name, path, files[path]) for path in sorted(files)]
    return found


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
    except Refusal:
        return {}
    found: dict[str, bytes | None] = {}
    for file, name in files.items():
        path = posixpath.join(out.path, file).rstrip("/")
        if not (project / path).is_file() or md5(project / path) != name:
            found[path] = None
            with suppress(Refusal):
                storage.get({name: path})
                found[path] = storage.path(name).read_bytes()
    new = (it for it in (project / out.path).rglob("*") if it.is_file())
    names = (it.relative_to(project).as_posix() for it in new)
    return found | {it: None for it in names if it.removeprefix(f"{out.path}/") not in files}


def rounded(difference: Difference, project: Path, tolerance: float) -> bool:
    """Say whether rounding explains a difference: of a text, only numbers differ, by very little.

    A model is compared by its predictions, and a manifest follows from the other files.
    """
    from pipeline.packaged import MANIFEST

    file = project / difference.path
    if file.suffix == MODEL or file.name == MANIFEST:
        return True
    if difference.recorded is None or not file.is_file():
        return False
    old, new = difference.recorded, file.read_bytes()
    if b"\0" in old or NUMBER.split(old) != NUMBER.split(new):
        return False
    pairs = zip(map(float, NUMBER.findall(old)), map(float, NUMBER.findall(new)), strict=True)
    return all(abs(one - other) <= tolerance * max(abs(one), 1) for one, other in pairs)


def predictions_apart(
    catalogue: Catalogue,
    version: Version,
    found: list[Difference],
    project: Path,
    directory: Path,
) -> float | None:
    """Return how far the predictions of the models that differ are apart on the rebuilt test rows.

    It is the largest difference relative to the size of the prediction; None where they cannot be
    compared, for want of a package, or because the rows or labels are not the same.
    """
    import pandas as pd

    from pipeline import model_file
    from pipeline.features import features_of
    from pipeline.packaged import open_package
    from registry.gate import TEST

    tests = [*project.rglob(TEST)]
    if len(tests) != 1:
        return None
    apart: list[float | None] = [0.0]
    try:
        fetch(catalogue, version, directory / "recorded")
        schema = open_package(directory / "recorded").schema
        inputs = features_of(pd.read_parquet(tests[0]), schema)
        for difference in found:
            if difference.path.endswith(MODEL):
                model = directory / f"recorded{MODEL}"
                model.write_bytes(difference.recorded or b"")
                pair = (model_file.load(model), model_file.load(project / difference.path))
                apart.append(_apart(*pair, inputs))
    except (Refusal, TypeError, ValueError):
        return None
    return None if None in apart else max(apart)


def _apart(one: Any, other: Any, inputs: Any) -> float | None:
    import numpy as np

    first, second = (
        np.asarray(getattr(model, "predict_proba", model.predict)(inputs)) for model in (one, other)
    )
    if first.shape != second.shape:
        return None
    if first.dtype.kind not in "fiu":
        return 0.0 if (first == second).all() else None
    apart = float(np.max(np.abs(first - second) / np.maximum(np.abs(first), 1)))
    return None if np.isnan(apart) else apart

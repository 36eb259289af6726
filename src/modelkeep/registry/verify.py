"""`verify`: rebuild a version from its commit, and prove that it is the same."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelkeep import text
from modelkeep.place import path_given
from modelkeep.registry.attestation import attest, check_target
from modelkeep.registry.catalogue import Catalogue, making
from modelkeep.registry.differences import (
    BYTES,
    MODEL,
    ROUNDING,
    Difference,
    differences,
    kind,
)
from modelkeep.registry.dvc_lock import Pipeline, parse_pipeline
from modelkeep.registry.environment import (
    Installed,
    environment,
    has_dvc,
    installed,
    other_environment,
)
from modelkeep.registry.fetch import fetch
from modelkeep.registry.git import Git
from modelkeep.registry.outputs import check_objects, outputs_of, remotes_of
from modelkeep.registry.reference import find
from modelkeep.registry.restore import check_out, cloned
from modelkeep.registry.storage import storage_of
from modelkeep.registry.tested_on import named_test_rows
from modelkeep.registry.version import Version
from modelkeep_core.environment import UNLOCKED
from modelkeep_core.errors import UserError

TOLERANCE = 1e-6
# Names of variables that hold what gives rights somewhere; stages need none.
SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTH_SOCK|SAS_|CONNECTION_STRING",
    re.IGNORECASE,
)


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
    parser.add_argument(
        "--attest",
        metavar="FILE",
        type=path_given,
        help="write what was proved as an in-toto statement (JSON), if it was",
    )
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run the code of a commit that is on no branch, and that only a tag leads to",
    )


@dataclass(frozen=True)
class Rebuild:
    """What a rebuild gave, beside what is recorded.

    Attributes:
        different: the files that are not the same, in the order of the pipeline.
        kinds: in what way each differs.
        distance: how far predictions are apart; None where they cannot be compared.
        close: whether that is within the tolerance.
        steady: whether the first stage that differs gave the same bytes when it ran again; None
            where nothing differs, or it did not run.
        here: the environment of the rebuild.
        rows: all that differs, the environment first: stage, file and kind.
    """

    different: list[Difference]
    kinds: list[str]
    distance: float | None
    close: bool
    steady: bool | None
    here: Installed
    rows: list[Sequence[str]]

    @property
    def same(self) -> bool:
        """Whether the version was rebuilt, at least to rounding."""
        return self.close and all(word == ROUNDING for word in self.kinds)


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Rebuild and compare.

    Raises:
        UserError: the version cannot be rebuilt, its commit is on no branch, it is not the same, or
            the attestation cannot be written.
    """
    version = find(catalogue, args.reference, signed=True)
    if args.attest:
        check_target(args.attest)
    if not args.trust_code:
        check_on_branch(catalogue.git, version)
    rebuild = rebuilt(catalogue, version, args.tolerance)
    if not rebuild.same:
        raise UserError(refusal(version, rebuild))
    shown = f"{version.model} {version.label} was rebuilt from commit {version.commit[:7]}: "
    if rebuild.different:
        first = rebuild.different[0]
        shown += (
            f"its predictions on the test rows are the same to {args.tolerance:g} (at most "
            f"{rebuild.distance:.2g} apart). The bytes are not, first in {_where(first)}. "
            f"{_cause(first.stage, rebuild.steady)}\n\n{_table(rebuild.rows)}"
        )
    else:
        stages = len(making(catalogue.pipeline(version), version)[0].stages)
        shown += f"all outputs of its {text.counted(stages, 'stage')} are the same, byte for byte."
    if args.attest:
        result = ROUNDING if rebuild.different else BYTES
        attest(args.attest, catalogue, version, result, rebuild.rows, rebuild.here)
        shown += f"\n{args.attest} attests it."
    return None, shown


def check_on_branch(git: Git, version: Version) -> None:
    """Make sure that the code of a commit came by a branch: reviewed, as other code is.

    Raises:
        UserError: a tag alone leads to it.
    """
    branches = ("refs/heads", "refs/remotes")
    branch = git.run("for-each-ref", "--count=1", f"--contains={version.commit}", *branches)
    if branch or git.commit("HEAD") == version.commit:
        return
    raise UserError(
        f"commit {version.commit[:7]} of {version.label} is on no branch here: a tag alone brought "
        "it, and its code would run with your rights. `git fetch` brings branches; if you have "
        "looked at it, --trust-code runs it."
    )


def rebuilt(catalogue: Catalogue, version: Version, tolerance: float) -> Rebuild:
    """Rebuild a version in a directory that goes away, and compare it with what is recorded.

    The stages that lead to its package run, and no others, such as those of another model.

    Args:
        catalogue: the versions.
        version: the version.
        tolerance: how far predictions may be apart, relative to their size.

    Raises:
        UserError: it cannot be rebuilt here.
    """
    metadata = catalogue.records.of(version)
    outputs = outputs_of(catalogue, version)
    data = [output for output in outputs if output.stage is None]
    recorded, last = making(catalogue.pipeline(version), version)
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as directory,
        storage_of(catalogue.git, version) as storage,
    ):
        check_objects(data, storage)
        project = cloned(catalogue.git, version, Path(directory) / "rebuilt")
        storage.share_with(project / ".dvc", others=remotes_of(data))
        check_out(project, data)
        # The code that runs from here on needs the remote for nothing.
        storage.share_with(project / ".dvc", remote=False)
        python = environment(project, metadata, Path(directory))
        rebuild(project, python, last)
        made = pipeline_of(project, recorded)
        different = differences(catalogue, version, recorded, made, project, storage)
        here = installed(python, metadata["libraries"])
        if not different:
            return Rebuild([], [], 0.0, True, None, here, [])
        distance = distance_of(catalogue, version, different, project, Path(directory))
        close = distance is not None and distance <= tolerance
        kinds = [kind(part, project, tolerance, close) for part in different]
        files = [(part.stage, part.path, word) for part, word in zip(different, kinds, strict=True)]
        rows = [*other_environment(project, metadata, here), *files]
        # The stage overwrites what it wrote, so this comes last.
        steady = runs_alike(project, python, different[0].stage, made)
    return Rebuild(different, kinds, distance, close, steady, here, [*rows])


def refusal(version: Version, rebuild: Rebuild) -> str:
    """Say that a version could not be rebuilt: where it differs first, and all that differs."""
    named = zip(rebuild.different, rebuild.kinds, strict=True)
    unlike = [part for part, word in named if word != ROUNDING]
    first = unlike[0] if rebuild.close else rebuild.different[0]
    far = rebuild.distance and not rebuild.close
    apart = f", and predictions are up to {rebuild.distance:.2g} apart" if far else ""
    stage = rebuild.different[0].stage
    chance = f" {_cause(stage, False)}" if rebuild.steady is False else ""
    return (
        f"{version.label} could not be rebuilt: the first difference is in {_where(first)}{apart}."
        f"{chance}\n\n{_table(rebuild.rows)}"
    )


def _where(difference: Difference) -> str:
    return f"stage {difference.stage}, {difference.path}"


def _cause(stage: str, steady: bool | None) -> str:
    """Say what is known of why the bytes differ.

    Args:
        stage: the first stage that wrote other bytes.
        steady: whether it wrote the same bytes when it ran twice here; None where it did not run.
    """
    if steady is None:
        return "The usual causes: another processor, or code whose result differs from run to run."
    if steady:
        return (
            f"Stage {stage} gives the same bytes when it runs again here, so the recorded ones "
            "probably come from another processor or system."
        )
    return (
        f"Stage {stage} gives other bytes when it runs again here: the result of its code depends "
        "on chance, such as the order of a set, a random state without a seed, or the clock."
    )


def _table(rows: list[Sequence[str]]) -> str:
    # A path that is cut could not be looked for.
    return text.table(("STAGE", "FILE", "DIFFERENCE"), rows, yielding=())


def pipeline_of(project: Path, recorded: Pipeline) -> Pipeline:
    """Return the pipeline that dvc.lock of a rebuilt project has."""
    content = (project / "dvc.lock").read_bytes()
    return parse_pipeline(content, recorded.artifacts, recorded.places)


def runs_alike(project: Path, python: Path, stage: str, made: Pipeline) -> bool | None:
    """Run a stage once more on the same inputs; say whether it writes the same bytes again.

    Args:
        project: where it was rebuilt.
        python: that of the stages.
        stage: the stage.
        made: the pipeline as the first run left it.

    Returns:
        None where it does not run.
    """
    try:
        rebuild(project, python, stage, alone=True)
    except UserError:
        return None
    first, second = (
        {out.path: out.md5 for run in pipeline.stages if run.name == stage for out in run.outs}
        for pipeline in (made, pipeline_of(project, made))
    )
    return first == second


def rebuild(project: Path, python: Path, stage: str, alone: bool = False) -> None:
    """Run stages again, with nothing from earlier runs; what they print goes to stderr.

    What is called like a secret in the environment is kept from them.

    Args:
        project: the project.
        python: that of the stages.
        stage: the one that runs, after those that lead to it.
        alone: whether none runs before it.

    Raises:
        UserError: a stage failed.
    """
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # Where only the stages have a lock, this DVC starts them with the Python of that lock.
    runner = python if python == Path(sys.executable) or has_dvc(python) else Path(sys.executable)
    command = [str(runner), "-P", "-m", "dvc", "repro"]
    single = ["--single-item"] if alone else []
    variables = {
        name: value
        for name, value in os.environ.items()
        if name != UNLOCKED and not SECRET.search(name)
    }
    done = subprocess.run(
        [*command, "--force", "--no-run-cache", "--no-commit", *single, stage],
        cwd=project,
        env=variables | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        check=False,
    )
    if done.returncode:
        raise UserError("the pipeline of this commit does not run to its end here: see above.")


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

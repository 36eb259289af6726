"""Parts full, unchanged and changed: `dvc repro` against the same stages without DVC."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import HERE, Bench
from timing import Contender

from project import (
    Stage,
    bake,
    cached,
    forget_runs,
    put_data,
    remove_outs,
    set_parameter,
    stages_of,
)

ROWS = (10_000, 1_000_000)
QUICK_ROWS = (1_000, 10_000)
BARE = "bare"
REPRO = "`dvc repro`"
REPRO_COMMAND = ["dvc", "repro"]


@dataclass(frozen=True)
class Copies:
    """Two copies of one project with the same data.

    Attributes:
        managed: the copy that DVC runs.
        plain: the copy whose stages are run without it.
        stages: the stages of both.
        raw_cache: what DVC's cache holds before the first run.
    """

    managed: Path
    plain: Path
    stages: list[Stage]
    raw_cache: frozenset[Path]


def tables(bench: Bench, parts: list[str]) -> Iterator[str]:
    """Measure the chosen parts on a small and a large table."""
    for rows in QUICK_ROWS if bench.quick else ROWS:
        copies = make_copies(bench, rows)
        for part in parts:
            title, contenders, peers = PARTS[part](bench, copies)
            yield bench.table(f"{rows:,} rows: {title}", contenders, peers)
            check_same_packages(copies)
        shutil.rmtree(copies.managed)
        shutil.rmtree(copies.plain)


def make_copies(bench: Bench, rows: int) -> Copies:
    """Bake a project, give it data, and copy it."""
    data = bench.directory / "data"
    bench.make_data(data, rows, numeric=8, categorical=4, classes=3)
    managed = bake(bench, f"managed-{rows}")
    put_data(bench, managed, data)
    # One fit, so that what DVC adds is not small beside the five more of a cross-validation
    set_parameter(managed, "train", "search", "folds", 0)
    plain = Path(shutil.copytree(managed, bench.directory / f"plain-{rows}", symlinks=True))
    return Copies(managed, plain, stages_of(managed), cached(managed))


def full(bench: Bench, copies: Copies) -> tuple[str, list[Contender], list[str]]:
    """Everything for the first time: no outputs, no lock, nothing in the cache but raw data."""

    def clear(_: int) -> None:
        remove_outs(copies.plain, copies.stages)

    def forget(_: int) -> None:
        forget_runs(copies.managed, copies.stages, copies.raw_cache)

    separate = f"{len(copies.stages)} processes"
    contenders = [
        Contender(BARE, bare(bench, copies), copies.plain, clear),
        Contender(separate, one_by_one(copies.stages), copies.plain, clear),
        Contender(REPRO, REPRO_COMMAND, copies.managed, forget),
    ]
    return "full run", contenders, [BARE, separate]


def unchanged(bench: Bench, copies: Copies) -> tuple[str, list[Contender], list[str]]:
    """`dvc repro` where nothing has changed, against a full run: bare Python skips nothing."""
    bench.run(*REPRO_COMMAND, cwd=copies.managed)

    def clear(_: int) -> None:
        remove_outs(copies.plain, copies.stages)

    def change_nothing(_: int) -> None:
        pass

    contenders = [
        Contender(BARE, bare(bench, copies), copies.plain, clear),
        Contender(REPRO, REPRO_COMMAND, copies.managed, change_nothing),
    ]
    return "nothing changed", contenders, [BARE]


def changed(bench: Bench, copies: Copies) -> tuple[str, list[Contender], list[str]]:
    """Train, evaluate and package with another C each round; bare Python runs all stages."""
    affected = copies.stages[1:]
    bench.run(*REPRO_COMMAND, cwd=copies.managed)
    bench.run(*bare(bench, copies), cwd=copies.plain)

    def set_c(project: Path, number: int) -> None:
        set_parameter(project, "train", "LogisticRegression", "C", round(0.2 + number / 100, 2))

    def change(number: int) -> None:
        remove_outs(copies.plain, copies.stages)
        set_c(copies.plain, number)

    def change_affected(number: int) -> None:
        remove_outs(copies.plain, affected)
        set_c(copies.plain, number)

    def change_managed(number: int) -> None:
        set_c(copies.managed, number)

    separate = f"{len(affected)} processes"
    contenders = [
        Contender(BARE, bare(bench, copies), copies.plain, change),
        Contender(separate, one_by_one(affected), copies.plain, change_affected),
        Contender(REPRO, REPRO_COMMAND, copies.managed, change_managed),
    ]
    return "`train.LogisticRegression.C` changed", contenders, [BARE, separate]


def check_same_packages(copies: Copies) -> None:
    """Make sure that all contenders did the same work: the packages have the same bytes.

    Raises:
        SystemExit: they have not.
    """
    managed, plain = (
        (copy / "package" / "model.json").read_bytes() for copy in (copies.managed, copies.plain)
    )
    if managed != plain:
        sys.exit("error: with DVC and without it the package is not the same: nothing to compare.")


def bare(bench: Bench, copies: Copies) -> list[str]:
    """Return the command that runs all stages in one process."""
    return [str(bench.python), str(HERE / "bare.py"), *(stage.command for stage in copies.stages)]


def one_by_one(stages: list[Stage]) -> list[str]:
    """Return the command that runs stages as DVC would, each in a process of its own."""
    return ["sh", "-c", " && ".join(stage.command for stage in stages)]


PARTS = {"full": full, "unchanged": unchanged, "changed": changed}

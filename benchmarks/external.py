"""What XGBoost from rows on disk spares and costs: `python benchmarks/external.py PROJECT`.

PROJECT is a generated project, in whose environment this runs, with xgboost-cpu. Its stage `train`
is run by turns with `train.memory: full` and `external` on the same made-up rows, as a process of
its own; then `evaluate` on the model. The files of the two models must be the same.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import polars as pl

from data import CHUNK_ROWS, chunks, schema_of, write_schema

SEARCH = {
    **{"method": None, "folds": 0, "scoring": "macro_f1", "seed": 1, "trials": 1, "batch": 1},
    **{"prune": False, "nested": False, "estimators": [], "ranges": {}},
}
EVALUATE = {
    **{"seed": 1, "headline": "macro_f1", "resamples": 500, "confidence": 0.95},
    **{"importance_repeats": 1, "group_by": None},
}
SPLIT = {"seed": 1, "test_size": 0.25, "split": "random", "split_by": None}
MIB = 1 << 20


def write_rows(directory: Path, rows: int, columns: int) -> None:
    """Write what `prepare` writes of rows, of which a sixth of the columns are categories."""
    shape = (columns - columns // 6, columns // 6, 2)
    write_schema(schema_of(*shape), directory / "schema.yaml")
    prepared = directory / "prepared"
    prepared.mkdir()
    parts = directory / "parts"
    parts.mkdir()
    for place, chunk in enumerate(chunks(rows, *shape)):
        chunk.write_parquet(parts / f"{place:06}.parquet")
    whole = pl.scan_parquet(parts / "*.parquet")
    whole.sink_parquet(prepared / "train.parquet", row_group_size=CHUNK_ROWS, maintain_order=True)
    test = next(chunks(min(rows // 3, CHUNK_ROWS), *shape))
    test.write_parquet(prepared / "test.parquet")
    (prepared / "provenance.json").write_text(json.dumps({"split": SPLIT}), encoding="utf-8")


def run(project: Path, stage: str, **paths: Path) -> tuple[float, float, float]:
    """Run a stage in a process of its own.

    Returns:
        Its wall time and its CPU time in seconds, and its peak of resident memory in MiB.
    """
    named = [part for name, path in paths.items() for part in (f"--{name}", str(path))]
    lock = ["--requirements", "requirements.lock"]
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", f"pipeline.{stage}", *named, *lock],
        cwd=project,
        env={**os.environ, "MODELKEEP_UNLOCKED": "1"},
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {stage} failed with {status}.")
    seconds = time.monotonic() - start
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / MIB


def measured(
    project: Path, rows: int, columns: int, trees: int, rounds: int
) -> Iterator[tuple[str, list[float]]]:
    """Yield stages with the medians of their wall seconds, CPU seconds and MiB."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        directory = Path(name)
        write_rows(directory, rows, columns)
        given = {"prepared": directory / "prepared", "schema": directory / "schema.yaml"}
        done: dict[str, list[tuple[float, ...]]] = {"full": [], "external": []}
        for _ in range(rounds):
            for memory, results in done.items():
                train = {
                    "seed": 1,
                    "estimator": "xgboost.XGBClassifier",
                    "memory": memory,
                    "search": SEARCH,
                    "XGBClassifier": {"n_estimators": trees},
                }
                params = directory / f"{memory}.yaml"
                # JSON is YAML
                text = json.dumps({"train": train, "evaluate": EVALUATE})
                params.write_text(text, encoding="utf-8")
                out = directory / memory
                results.append(run(project, "train", params=params, out=out, **given))
        for memory, results in done.items():
            yield f"train, {memory}", [median(figures) for figures in zip(*results, strict=True)]
        if len({(directory / memory / "model.skops").read_bytes() for memory in done}) > 1:
            sys.exit("error: the two models are not the same file.")
        given = {**given, "models": directory / "full", "params": params}
        yield "evaluate", [*run(project, "evaluate", out=directory / "reports", **given)]


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--columns", type=int, default=12)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print("| rows | stage | wall, s | CPU, s | peak, MiB | CPU to full | peak to full |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for rows in args.rows:
        shape = (rows, args.columns, args.trees, args.rounds)
        full = None
        for stage, figures in measured(args.project.resolve(), *shape):
            wall, cpu, peak = figures
            full = full or figures
            ratios = f"{cpu / full[1]:.2f} | {peak / full[2]:.2f}"
            cells = f"{rows:,} | {stage} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} | {ratios}"
            print(f"| {cells} |", flush=True)


if __name__ == "__main__":
    main()

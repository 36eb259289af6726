"""`modelkeep predict` beside the script that a person would write, as ratios of one run.

Run it with the Python of the development environment, in this repository, on a package:

    python benchmarks/scoring.py my-model/package > results.md

The rows are drawn again and again from the raw table of the sample, which has eight columns.
The script reads Parquet in chunks, lets the pipeline predict, and writes Parquet; once with the
predictions alone, and once, where the model has them, with the probabilities that
`modelkeep predict` writes as well. What a row takes is the difference between two sizes, so that no
start counts; of two processes, which a small table does not start, it is left out. On a busy
machine, --turns is more certain: one process does all of it by turns, and the least processor time
counts.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import Contender, Run, compare

ROOT = Path(__file__).resolve().parent.parent
ROWS, SMALL, CHUNK = 2_000_000, 10, 100_000
# Rows of one file of the input
FILE_ROWS = 1_000_000
SCRIPT, BOTH = "script, predictions", "script, predictions and probabilities"
ONE, TWO = "modelkeep predict, 1 process", "modelkeep predict, 2 processes"


def write(raw: Path, directory: Path, rows: int) -> None:
    """Write rows as Parquet files, drawn from a CSV table."""
    import numpy as np
    import polars as pl

    table = pl.read_csv(raw, null_values=["", "NA"])
    random = np.random.default_rng(0)
    directory.mkdir()
    for number, start in enumerate(range(0, rows, FILE_ROWS)):
        drawn = random.integers(0, len(table), min(FILE_ROWS, rows - start))
        table[drawn].write_parquet(directory / f"rows-{number:03}.parquet")


def script(package: Path, source: Path, out: Path, probabilities: bool) -> None:
    """Score in chunks, as a person would write it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from modelkeep_core import model_file

    model = model_file.load(package / "model.skops", [])
    out.mkdir()
    for file in sorted(source.glob("*.parquet")):
        writer = None
        for batch in pq.ParquetFile(file).iter_batches(CHUNK):
            rows = batch.to_pandas()
            predicted = model.predict(rows)
            if probabilities:
                chances = model.predict_proba(rows)
                for name, column in zip(model.classes_, chances.T, strict=True):
                    rows[f"probability of {name}"] = column
            rows["prediction"] = predicted
            table = pa.Table.from_pandas(rows, preserve_index=False)
            writer = writer or pq.ParquetWriter(out / file.name, table.schema)
            writer.write_table(table)
        if writer:
            writer.close()


def has_probabilities(package: Path) -> bool:
    """Say whether the model of a package gives probabilities."""
    from modelkeep_core import model_file

    return hasattr(model_file.load(package / "model.skops", []), "predict_proba")


def contenders(package: Path, source: Path, out: Path) -> list[Contender]:
    """Return all that score the files of a directory, into a directory that is removed before."""
    me = [sys.executable, __file__, str(package), "--source", str(source), "--out", str(out)]
    command = [sys.executable, "-m", "modelkeep", "predict", str(package), str(source)]
    command += ["--out", str(out), "--processes"]

    def before(_: int) -> None:
        shutil.rmtree(out, ignore_errors=True)

    both = [Contender(BOTH, [*me, "--one", "both"], ROOT, before)]
    return [
        Contender(SCRIPT, [*me, "--one", "predictions"], ROOT, before),
        *(both if has_probabilities(package) else []),
        Contender(ONE, [*command, "1"], ROOT, before),
        Contender(TWO, [*command, "2"], ROOT, before),
    ]


def table(rows: int, small: dict[str, list[Run]], large: dict[str, list[Run]]) -> str:
    """Return a Markdown table: what a row takes of a processor, and memory."""
    names = [name for name in (SCRIPT, BOTH) if name in large]
    lines = [
        [f"{rows:,} rows of 8 columns", "CPU, s", "µs a row", "rows/s a core", "peak, MiB"],
        ["---"] + ["---:"] * 4,
    ]
    lines[0] += [f"times the {name}" for name in names]
    lines[1] += ["---:"] * len(names)
    per_row = {
        name: (min(run.cpu for run in large[name]) - min(run.cpu for run in small[name]))
        / (rows - rows // SMALL)
        for name in large
    }
    for name, took in per_row.items():
        each = [f"{took * 1e6:.2f}", f"{1 / took:,.0f}"]
        ratios = [f"{per_row[peer] / took:.1f}" for peer in names]
        if name == TWO:
            each, ratios = ["", ""], [""] * len(names)
        cpu = f"{min(run.cpu for run in large[name]):.1f}"
        peak = f"{max(run.peak for run in large[name]) / 2**20:.0f}"
        lines.append([name, cpu, *each, peak, *ratios])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def by_turns(package: Path, source: Path, out: Path, rows: int, rounds: int) -> str:
    """Return a Markdown table of what a row takes in this process, which does all by turns."""
    from modelkeep.batch import predict_file

    ways = {SCRIPT: lambda: script(package, source, out, False)}
    if has_probabilities(package):
        ways[BOTH] = lambda: script(package, source, out, True)
    ways["modelkeep predict"] = lambda: predict_file(package, source, out)
    peers = [*ways][:-1]
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            shutil.rmtree(out, ignore_errors=True)
            began = time.process_time()
            way()
            if number:
                took[name].append((time.process_time() - began) / rows)
    lines = [
        [f"{rows:,} rows of 8 columns", "µs a row", "rows/s a core"],
        ["---"] + ["---:"] * (2 + len(peers)),
    ]
    lines[0] += [f"times the {peer}" for peer in peers]
    for name, each in took.items():
        ratios = [f"{min(took[peer]) / min(each):.1f}" for peer in peers]
        lines.append([name, f"{min(each) * 1e6:.2f}", f"{1 / min(each):,.0f}", *ratios])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the table, or be the script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("package", type=Path, help="the package of a project, in its directory")
    parser.add_argument("--rows", type=int, default=ROWS, help="such as 100000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--raw", type=Path, help="default: the table that the sample comes with")
    parser.add_argument("--turns", action="store_true", help="measure in one process, by turns")
    parser.add_argument("--one", choices=["predictions", "both", "turns"], help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    if args.one == "turns":
        print(by_turns(args.package, args.source, args.out, args.rows, args.rounds))
        return
    if args.one:
        script(args.package, args.source, args.out, args.one == "both")
        return
    package = args.package.resolve()
    raw = args.raw or package.parent / "data" / "raw" / "penguins.csv"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "POLARS_MAX_THREADS": "1"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment["MODELKEEP_PROCESSES"] = "1"
    runs = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as place:
        if args.turns:
            source = Path(place) / "in"
            write(raw, source, args.rows)
            me = [sys.executable, __file__, str(package), "--one", "turns", "--source", str(source)]
            me += ["--out", f"{place}/out", "--rows", str(args.rows), "--rounds", str(args.rounds)]
            subprocess.run(me, env=environment, check=True)
            return
        for name, rows in (("small", args.rows // SMALL), ("large", args.rows)):
            source = Path(place) / name
            write(raw, source, rows)
            compared = contenders(package, source, Path(place) / "out")
            runs.append(compare(compared, args.rounds, environment, Path(place) / "log"))
    print(table(args.rows, *runs))


if __name__ == "__main__":
    main()

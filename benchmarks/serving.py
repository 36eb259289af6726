"""Measure the prediction server against its peers, and print the results as Markdown.

    python benchmarks/serving.py --python my-model/.venv/bin/python > results.md

README.md beside this file says what is measured, and how.
"""

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bench import Bench
from facts import machine, versions
from loading import Load, ask, middle, put_under_load, wait_for_answer
from run import end, positive
from serving_tables import Cell, aims, table
from systems import FORMS, IN_PROCESS, PEERS, Peers, Place, System, environment_of, started

from project import bake, put_data, set_parameter

ESTIMATORS = ("LogisticRegression", "RandomForestClassifier", "HistGradientBoostingClassifier")
ROWS, QUICK_ROWS, NUMERIC, CATEGORICAL, CLASSES = 10_000, 1_000, 8, 6, 2
TREES = 100
# Rows of one request, and how many different requests of them are sent by turns
SIZES = {1: 50, 100: 10}
# Seconds of load by the number of connections: the more of them, the longer each one waits
SECONDS = {1: 2, 8: 2, 64: 3}
WARM_UP = (8, 1)
OWN_PACKAGES = ("scikit-learn", "pandas", "fastapi", "uvicorn")


@dataclass(frozen=True)
class Work:
    """The requests of one size: a file of them for each form, and the answers to expect."""

    files: dict[str, Path]
    predictions: list[list[Any]]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--python", type=Path, required=True, help="the Python of a generated project's environment"
    )
    peers = {
        "peers": "Flask, gunicorn, FastAPI and uvicorn",
        "bentoml": "BentoML",
        "mlflow": "MLflow",
    }
    for name, has in peers.items():
        parser.add_argument(
            f"--{name}", metavar="PYTHON", type=Path, help=f"a Python that has {has}, or none"
        )
    parser.add_argument(
        "--only", nargs="+", choices=ESTIMATORS, default=ESTIMATORS, help="the estimators"
    )
    parser.add_argument("--rounds", type=positive, default=2, help="how often each is loaded")
    parser.add_argument("--quick", action="store_true", help="one short round, as a trial")
    return parser.parse_args()


def measured(bench: Bench, peers: Peers, estimators: list[str]) -> Iterator[str]:
    """Yield the tables of each estimator, then the result beside the aims."""
    data = bench.directory / "data"
    bench.make_data(data, QUICK_ROWS if bench.quick else ROWS, NUMERIC, CATEGORICAL, CLASSES)
    project = bake(bench, "model")
    put_data(bench, project, data)
    everything: dict[str, dict[Cell, Load]] = {}
    for estimator in estimators:
        place = packaged(bench, project, estimator)
        load = os.getloadavg()[0]
        cells = everything[estimator] = of_estimator(bench, place, peers)
        for size in SIZES:
            rows = "1 row" if size == 1 else f"{size} rows"
            yield table(f"{estimator}, {rows} a request", cells, size, list(SECONDS))
        yield f"Load before: {load:.2f}, after: {os.getloadavg()[0]:.2f}; rounds: {bench.rounds}."
    if peers.plain:
        yield aims(everything, list(SIZES), list(SECONDS))


def packaged(bench: Bench, project: Path, estimator: str) -> Place:
    """Let the stages make a package with an estimator."""
    print(f"making a package with {estimator}", file=sys.stderr)
    set_parameter(project, "train", "estimator", estimator)
    set_parameter(project, "train", "RandomForestClassifier", "n_estimators", TREES)
    set_parameter(project, "evaluate", "importance_repeats", 1)
    bench.run("dvc", "repro", cwd=project)
    directory = bench.directory / estimator
    directory.mkdir()
    package = Path(shutil.copytree(project / "package", directory / "made"))
    metadata = json.loads((package / "model.json").read_text(encoding="utf-8"))
    if not metadata["fast_path"]["exact"]:
        sys.exit(f"error: {estimator} has no fast path: {metadata['fast_path']['reason']}")
    return Place(project, package, directory)


def of_estimator(bench: Bench, place: Place, peers: Peers) -> dict[Cell, Load]:
    """Start all servers with a model, load one after the other, and end them."""
    work = {size: work_of(bench, place, size) for size in SIZES}
    systems: dict[str, System] = {}
    try:
        for name, system in started(bench, place, peers):
            systems[name] = system
        for system in systems.values():
            make_ready(system, work)
        return rounds(bench, place, systems, work)
    finally:
        for system in systems.values():
            system.process.end()


def work_of(bench: Bench, place: Place, size: int) -> Work:
    """Write requests with the first rows of the table, and ask the model what to expect."""
    names, rows = first_rows(place.project, size * SIZES[size])
    files = {form: place.directory / f"{form}-{size}.txt" for form in FORMS}
    for form, file in files.items():
        parts = (rows[start : start + size] for start in range(0, len(rows), size))
        lines = [json.dumps(FORMS[form](names, part)) + "\n" for part in parts]
        file.write_text("".join(lines), encoding="utf-8")
    return Work(files, in_process(bench, place, files["features"], 0)["predictions"])


def first_rows(project: Path, count: int) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the features and the first rows that have all of their values.

    A plain table of one row holds None where a category is missing, and the model knows NaN alone:
    the peers would answer something else.
    """
    with (project / "data" / "raw" / "table.csv").open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        *names, _ = next(lines)
        whole = islice((line[:-1] for line in lines if all(line)), count)
        kinds = [float if name.startswith("number") else str for name in names]
        return names, [[kind(text) for kind, text in zip(kinds, row, strict=True)] for row in whole]


def in_process(bench: Bench, place: Place, requests: Path, seconds: float) -> dict[str, Any]:
    """Call the model without a server."""
    environment = environment_of(bench, place, bench.python)
    variables = [f"{name}={value}" for name, value in environment.items()]
    script = PEERS / "in_process.py"
    return json.loads(bench.run("env", *variables, bench.python, script, requests, str(seconds)))


def make_ready(system: System, work: dict[int, Work]) -> None:
    """Wait for a server, make sure that it predicts what the model does, and warm it up.

    Raises:
        SystemExit: it does not.
    """
    print(f"  starting {system.process.name}", file=sys.stderr)
    for of_size in work.values():
        bodies = of_size.files[system.form].read_bytes().splitlines()
        wait_for_answer(system, bodies[0])
        if [ask(system, body) for body in bodies] != of_size.predictions:
            sys.exit(f"error: {system.process.name} predicts something else: nothing to compare.")
    system.process.wait_until_idle()
    put_under_load(system, work[1].files[system.form], *WARM_UP)


def rounds(
    bench: Bench, place: Place, systems: dict[str, System], work: dict[int, Work]
) -> dict[Cell, Load]:
    """Load the servers by turns in every cell, each round beginning with another one."""
    loads: dict[Cell, list[Load]] = {}
    names = [IN_PROCESS, *systems]
    for number in range(bench.rounds):
        first = number * len(names) // bench.rounds
        for connections in SECONDS:
            for size in SIZES:
                for name in names[first:] + names[:first]:
                    if name == IN_PROCESS and connections > 1:
                        continue
                    cell = Cell(name, connections, size)
                    load = loaded(bench, place, systems, work, cell)
                    took = f"{1000 * load.cpu:.2f} ms of CPU"
                    print(
                        f"  {number + 1}: {connections} x {size}: {name}: {took}", file=sys.stderr
                    )
                    loads.setdefault(cell, []).append(load)
    return {cell: middle(of_cell) for cell, of_cell in loads.items()}


def loaded(
    bench: Bench, place: Place, systems: dict[str, System], work: dict[int, Work], cell: Cell
) -> Load:
    """Load one server in one cell, once."""
    files = work[cell.rows].files
    seconds = 1 if bench.quick else SECONDS[cell.connections]
    if cell.name == IN_PROCESS:
        return alone(in_process(bench, place, files["features"], seconds))
    system = systems[cell.name]
    return put_under_load(system, files[system.form], cell.connections, seconds)


def alone(loop: dict[str, Any]) -> Load:
    """Return what a loop without a server took."""
    requests = loop["requests"]
    return Load(requests, loop["cpu"] / requests, loop["p50"], loop["p99"], 0)


def wrk_version() -> str:
    """Return the name and version of the load tool; it tells them with an exit status of 1."""
    done = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()[:2])


def main() -> None:
    """Measure what the command line asks for."""
    args = arguments()
    for needed in ("git", "wrk"):
        if shutil.which(needed) is None:
            sys.exit(f"error: {needed} is not installed.")
    python = args.python.absolute()
    peers = Peers(*(path and path.absolute() for path in (args.peers, args.bentoml, args.mlflow)))
    packages = versions(python, *OWN_PACKAGES)
    if peers.plain:
        packages |= versions(peers.plain, "flask", "gunicorn")
    for name, peer in (("bentoml", peers.bentoml), ("mlflow", peers.mlflow)):
        if peer:
            packages |= {name: versions(peer, name)[name]}
    signal.signal(signal.SIGTERM, end)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        bench = Bench(python, Path(directory), 1 if args.quick else args.rounds, args.quick)
        facts = [*machine(bench.directory), wrk_version()]
        facts += [f"{name} {version}" for name, version in packages.items()]
        print(f"{', '.join(facts)}.", flush=True)
        for name in ("peers", "bentoml", "mlflow"):
            if getattr(args, name) is None:
                print(f"\nLeft out, for want of `--{name}`.", flush=True)
        for text in measured(bench, peers, args.only):
            print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main()

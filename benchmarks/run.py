"""Measure the generated project against its peers, and print the results as Markdown.

    python benchmarks/run.py --python my-model/.venv/bin/python > results.md

README.md beside this file says what is measured, and how.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import preparing
import registry
import repro
import switching
from bench import Bench
from facts import PACKAGES, machine, versions

PARTS = (*repro.PARTS, "prepare", "switch", "registry")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--python", type=Path, required=True, help="the Python of a generated project's environment"
    )
    parser.add_argument(
        "--mlflow", type=Path, help="a Python that has MLflow; without it MLflow is left out"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="the parts to run")
    parser.add_argument(
        "--rounds", type=positive, default=5, help="how often each command is timed"
    )
    parser.add_argument("--quick", action="store_true", help="one round on small data, as a trial")
    return parser.parse_args()


def positive(text: str) -> int:
    """Read a number of rounds."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def measured(bench: Bench, parts: list[str]) -> Iterator[str]:
    """Yield the tables of the chosen parts."""
    of_repro = [part for part in repro.PARTS if part in parts]
    if of_repro:
        yield from repro.tables(bench, of_repro)
    if "prepare" in parts:
        yield from preparing.tables(bench)
    if "switch" in parts:
        yield from switching.tables(bench)
    if "registry" in parts:
        yield from registry.tables(bench)


def end(*_: object) -> None:
    """Leave on the first SIGTERM as on any error, so that the temporary directory is removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit("error: terminated.")


def main() -> None:
    """Measure what the command line asks for."""
    args = arguments()
    if shutil.which("git") is None:
        sys.exit("error: Git is not installed.")
    if find_spec("cookiecutter") is None:
        sys.exit(f"error: {sys.executable} has no cookiecutter: install it, or use another Python.")
    python = args.python.absolute()
    packages = versions(python, *PACKAGES)
    mlflow = args.mlflow.absolute() if args.mlflow else None
    if mlflow:
        packages["MLflow"] = versions(mlflow, "mlflow")["mlflow"]
    rounds = 1 if args.quick else args.rounds
    signal.signal(signal.SIGTERM, end)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        bench = Bench(python, Path(directory), rounds, args.quick, mlflow)
        facts = machine(bench.directory) + [
            f"{name} {version}" for name, version in packages.items()
        ]
        print(f"{', '.join(facts)}.", flush=True)
        for text in measured(bench, args.only):
            print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main()

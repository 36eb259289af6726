"""How often drift is told where there is none, and where there is some; as Markdown.

    my-model/.venv/bin/python benchmarks/drift.py --evidently evidently/bin/python > drift.md

It runs with the Python of a generated project's environment. README.md beside this file says
what is measured, and how.
"""

import argparse
import json
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from weeks import CLASSES, CURRENT, NUMBERS, SHIFTS, pairs

from modelkeep.monitoring.drift import checks
from modelkeep.monitoring.limits import Limits
from modelkeep.monitoring.traffic import Traffic
from modelkeep_core.profiles import profile
from modelkeep_core.schema import Schema

TRAINED = (60, 258, 1_000, 10_000)
SHIFTED = (258, 10_000)
SCHEMA = Schema.model_validate(
    {
        "task": "classification",
        "target": "target",
        "missing_values": [""],
        "duplicates": True,
        "columns": {name: {"type": "number", "missing": True} for name in NUMBERS}
        | {name: {"type": "category", "missing": True} for name in CLASSES}
        | {"target": {"type": "category"}},
    }
)
DEFAULT = Limits()
# Significance alone decides, at the level that the peer has for each column
SIGNIFICANT = Limits(level=0.05, distance=0, cells=0)
OWN = {"report": DEFAULT, "significance alone": SIGNIFICANT}


def drifted(reference: pd.DataFrame, current: pd.DataFrame) -> list[set[str | None]]:
    """Return the columns that the report finds to drift, by each of `OWN`; None: predictions."""
    described = profile(reference, reference["two"].fillna("none").to_numpy(), SCHEMA)
    traffic = Traffic(described)
    cells = current.astype(object).where(current.notna(), None)
    traffic.count(
        cells[list(SCHEMA.features)].to_numpy().tolist(), list(current["two"].fillna("none"))
    )
    return [
        {check.name for check in checks(described, traffic, limits) if check.alarm}
        for limits in OWN.values()
    ]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evidently", type=Path, help="a Python that has Evidently")
    parser.add_argument(
        "--weeks", type=int, default=200, help="how many clean ones are made up (200)"
    )
    parser.add_argument("--only", choices=("clean", "power"), help="one part of it")
    return parser.parse_args()


def peer(python: Path, weeks: int, questions: list[Any]) -> Iterator[list[Any]]:
    """Yield what Evidently finds, in each week of each question."""
    ended = subprocess.run(
        [python, Path(__file__).with_name("drift_peer.py"), str(weeks)],
        input=json.dumps(questions),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    yield from map(json.loads, ended.stdout.splitlines())


def percent(weeks: list[bool]) -> str:
    """Write how many of the weeks it was."""
    return f"{100 * sum(weeks) / len(weeks):.3g} %"


def clean(weeks: int, python: Path | None) -> Iterator[str]:
    """Yield the table of false alarms."""
    headings = [f"{rows:,} trained on" for rows in TRAINED]
    yield f"| clean weeks with any alarm | {' | '.join(headings)} |"
    yield "| --- |" + " ---: |" * len(TRAINED)
    alarms = [[drifted(*pair) for pair in pairs(rows, weeks)] for rows in TRAINED]
    for place, name in enumerate(OWN):
        cells = [percent([bool(week[place]) for week in answer]) for answer in alarms]
        yield f"| {name} | {' | '.join(cells)} |"
    if python:
        asked = [(rows, {}, [*NUMBERS, *CLASSES]) for rows in TRAINED]
        answers = list(peer(python, weeks, asked))
        for name, place in (("Evidently, any column", 0), ("Evidently, half of the columns", 1)):
            cells = [percent([bool(week[place]) for week in answer]) for answer in answers]
            yield f"| {name} | {' | '.join(cells)} |"


def power(weeks: int, python: Path | None, trained: int) -> Iterator[str]:
    """Yield the tables of what is found, for so many training rows."""
    asked = [
        (trained, {kind: size}, [column])
        for kind, column, sizes in SHIFTS.values()
        for size in sizes
    ]
    answers = peer(python, weeks, asked) if python else None
    for title, (kind, column, sizes) in SHIFTS.items():
        yield f"| {trained:,} trained on: {title} | {' | '.join(map(str, sizes))} |"
        yield "| --- |" + " ---: |" * len(sizes)
        alarms = [
            [drifted(*pair) for pair in pairs(trained, weeks, **{kind: size})] for size in sizes
        ]
        for place, name in enumerate(OWN):
            cells = [percent([column in week[place] for week in answer]) for answer in alarms]
            yield f"| {name} | {' | '.join(cells)} |"
        if answers:
            cells = [percent([column in week[0] for week in next(answers)]) for _ in sizes]
            yield f"| Evidently | {' | '.join(cells)} |"
        yield ""


def main() -> None:
    """Print all tables."""
    args = arguments()
    print(
        f"{args.weeks} clean weeks and {args.weeks // 2} of each drift, of {CURRENT} rows; "
        f"SciPy {version('scipy')}, pandas {version('pandas')}.\n"
    )
    if args.only != "power":
        print(*clean(args.weeks, args.evidently), "", sep="\n", flush=True)
    for trained in SHIFTED if args.only != "clean" else ():
        print(*power(args.weeks // 2, args.evidently, trained), sep="\n", flush=True)


if __name__ == "__main__":
    main()

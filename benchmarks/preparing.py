"""Part prepare: the command of the prepare stage alone, against pandas."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench import HERE, Bench
from timing import Contender

from project import bake, stages_of

ROWS = (10_000, 1_000_000, 5_000_000)
QUICK_ROWS = (1_000, 10_000, 50_000)
READ = "import sys, pandas; pandas.read_csv(sys.argv[1])"


def tables(bench: Bench) -> Iterator[str]:
    """Measure tables of 20 columns: 14 of numbers, 5 of categories and a target of two classes."""
    project = bake(bench, "prepare-only")
    shutil.rmtree(project / "data")
    for rows in QUICK_ROWS if bench.quick else ROWS:
        bench.make_data(project / "data", rows, numeric=14, categorical=5, classes=2)
        shutil.move(project / "data" / "schema.yaml", project / "schema.yaml")
        contenders = contenders_in(bench, project)
        peers = [contender.name for contender in contenders[:-1]]
        yield bench.table(f"{rows:,} rows of 20 columns: prepare", contenders, peers)
        shutil.rmtree(project / "data")


def contenders_in(bench: Bench, project: Path) -> list[Contender]:
    """Return the stage and its peers; the stage comes last."""
    out = project / "data" / "prepared"
    csv = "data/raw/table.csv"
    script = [str(bench.python), str(HERE / "pandas_prepare.py"), csv, "schema.yaml", str(out)]
    commands = {
        "`pandas.read_csv`": [str(bench.python), "-c", READ, csv],
        "script": script,
        "script by hash": [*script, "--by-hash"],
        "stage": shlex.split(stages_of(project)[0].command),
    }

    def clear(_: int) -> None:
        shutil.rmtree(out, ignore_errors=True)

    return [Contender(name, command, project, clear) for name, command in commands.items()]

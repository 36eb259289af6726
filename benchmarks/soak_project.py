"""A project to be served and attacked: with an origin, a clone for the server, and rows to ask."""

import csv
import os
import random
import shutil
from pathlib import Path

from intrusions import Place
from mixed_load import Cells, Pool

# How many rows clients choose from
ROWS = 6_000
NUMBERS = {"number": float, "integer": int}


def prepared(project: Path, directory: Path) -> Place:
    """Copy a project: who works on it, a bare origin, a clone for the server, and one for others.

    Raises:
        SystemExit: a command fails.
    """
    environment = {
        "PATH": f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(directory / "site"),
        "PYTHONUNBUFFERED": "1",
        **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    place = Place(directory, environment)
    ignored = shutil.ignore_patterns(".venv")
    shutil.copytree(project, place.work, symlinks=True, ignore=ignored)
    place.run("dvc", "remote", "modify", "--local", "storage", "url", str(place.storage))
    place.run("dvc", "push", "--quiet", "--all-tags")
    place.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(place.origin))
    place.run("git", "remote", "add", "origin", str(place.origin))
    place.run("git", "push", "--quiet", "origin", "HEAD:main")
    place.run("git", "push", "--quiet", "--tags", "origin")
    for clone in (place.server, place.others):
        place.run("git", "clone", "--quiet", str(place.origin), str(clone))
    settings = ("remote", "modify", "--local", "storage", "url", str(place.storage))
    place.run("dvc", *settings, at=place.server)
    return place


def rows_of(place: Place, versions: tuple[str, ...]) -> Pool:
    """Draw rows cell by cell from the raw data, and let `modelkeep predict` answer them.

    Raises:
        SystemExit: a command fails.
    """
    types = _types(place.work / "schema.yaml")
    with next((place.work / "data" / "raw").glob("*.csv")).open(encoding="utf-8") as file:
        raw = list(csv.DictReader(file))
    chance = random.Random(0)
    columns = {name: [chance.choice(raw)[name] for _ in range(ROWS)] for name in types}
    lines = [",".join(cells) for cells in zip(*columns.values(), strict=True)]
    table = place.directory / "rows.csv"
    table.write_text("\n".join([",".join(types), *lines, ""]), encoding="utf-8")
    rows: list[Cells] = [
        [
            None if cell in ("", "NA") else NUMBERS.get(types[name], str)(cell)
            for name, cell in zip(types, cells, strict=True)
        ]
        for cells in zip(*columns.values(), strict=True)
    ]
    pool = Pool([*types], rows, lines, {}, {})
    for version in versions:
        package, out = place.directory / version, place.directory / f"{version}.csv"
        place.run("modelkeep", "fetch", version, str(package))
        place.run("modelkeep", "predict", str(package), str(table), "--out", str(out))
        with out.open(encoding="utf-8") as file:
            predicted = list(csv.DictReader(file))
        shares = [name for name in predicted[0] if name.startswith("probability of ")]
        pool.predictions[version] = [row["prediction"] for row in predicted]
        pool.probabilities[version] = [[float(row[name]) for name in shares] for row in predicted]
    return pool


def _types(schema: Path) -> dict[str, str]:
    """Return the type of each column that the model sees, by name."""
    import yaml

    content = yaml.safe_load(schema.read_text(encoding="utf-8"))
    return {
        name: column["type"]
        for name, column in content["columns"].items()
        if column.get("feature", True) and name != content["target"]
    }

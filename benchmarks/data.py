"""Make a synthetic table that fits a schema: `python data.py OUT --rows 10000`.

It runs in the environment of the generated project. OUT/raw/table.csv holds the rows and
OUT/schema.yaml their contract. The same arguments give the same bytes.
"""

import argparse
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
from ruamel.yaml import YAML

CHUNK_ROWS = 250_000
MISSING_SHARE = 0.02
CATEGORIES = [f"kind_{letter}" for letter in "abcdef"]


def schema_of(numeric: int, categorical: int, classes: int) -> dict[str, object]:
    """Return the content of schema.yaml; every other feature may be missing."""
    columns: dict[str, dict[str, object]] = {}
    for place in range(numeric):
        columns[f"number_{place}"] = {"type": "number", "min": -100, "max": 100}
    for place in range(categorical):
        columns[f"category_{place}"] = {"type": "category", "values": CATEGORIES}
    for column in list(columns.values())[::2]:
        column["missing"] = True
    columns["target"] = {"type": "category", "values": [f"class_{n}" for n in range(classes)]}
    return {
        "task": "classification",
        "target": "target",
        "missing_values": [""],
        "duplicates": False,
        "columns": columns,
    }


def chunks(rows: int, numeric: int, categorical: int, classes: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in parts; the target follows the first number and the first category."""
    rng = np.random.default_rng(7)
    for start in range(0, rows, CHUNK_ROWS):
        size = min(CHUNK_ROWS, rows - start)
        numbers = rng.normal(scale=10, size=(size, numeric)).clip(-100, 100).round(4)
        kinds = rng.integers(len(CATEGORIES), size=(size, categorical))
        score = numbers[:, 0] / 10 + kinds[:, 0] / 3 + rng.normal(size=size)
        target = np.digitize(score, np.linspace(-1, 2, classes + 1)[1:-1])
        columns: dict[str, pl.Series] = {}
        for place in range(numeric):
            columns[f"number_{place}"] = pl.Series(numbers[:, place])
        for place in range(categorical):
            columns[f"category_{place}"] = pl.Series(np.array(CATEGORIES)[kinds[:, place]])
        for name in list(columns)[::2]:
            empty = pl.Series(rng.random(size) < MISSING_SHARE)
            columns[name] = columns[name].set(empty, None)
        columns["target"] = pl.Series(np.array([f"class_{n}" for n in range(classes)])[target])
        yield pl.DataFrame(columns)


def write_schema(schema: dict[str, object], path: Path) -> None:
    """Write a schema as plain YAML, without the anchors of values that repeat."""
    yaml = YAML()
    yaml.representer.ignore_aliases = lambda _: True
    text = StringIO()
    yaml.dump(schema, text)
    path.write_text(text.getvalue(), encoding="utf-8")


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    for name in ("rows", "numeric", "categorical", "classes"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    shape = (args.numeric, args.categorical, args.classes)
    (args.out / "raw").mkdir(parents=True)
    write_schema(schema_of(*shape), args.out / "schema.yaml")
    with (args.out / "raw" / "table.csv").open("wb") as file:
        for place, chunk in enumerate(chunks(args.rows, *shape)):
            chunk.write_csv(file, include_header=place == 0)


if __name__ == "__main__":
    main()

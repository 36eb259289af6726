"""Raw tables → checked against the schema → data/prepared: train, test and their provenance."""

import argparse
from pathlib import Path

import polars as pl
import polars.selectors as cs

from pipeline import tables
from pipeline.files import sha256, write_json
from pipeline.params import Prepare, read_params
from pipeline.refusal import Refusal, told
from pipeline.schema import Schema, read_schema
from pipeline.split import split_column, test_rows

ROW_GROUP = 250_000


def checked_hashes(files: list[Path], schema: Schema) -> list[pl.DataFrame]:
    """Check every file against the schema and return the row hashes of each.

    Raises:
        Refusal: with all that does not hold, in one table.
    """
    problems, hashes = [], []
    for path in files:
        found, rows = tables.check(path, schema, list(schema.columns))
        problems += found
        hashes.append(rows)
    if not schema.duplicates:
        problems += tables.repeated_rows(files, hashes)
    if problems:
        raise Refusal(f"the raw data break schema.yaml:\n{tables.report(problems)}")
    return hashes


def write_split(table: pl.LazyFrame, test: pl.Series, out: Path) -> None:
    """Stream the rows into train.parquet and test.parquet; a null in `test` leaves a row out."""
    mark = "test"
    while mark in table.collect_schema():
        mark += "_"
    marked = pl.concat([table, test.to_frame(mark).lazy()], how="horizontal")
    out.mkdir(parents=True, exist_ok=True)
    sinks = [
        marked.filter(chosen)
        .drop(mark)
        .sink_parquet(out / name, row_group_size=ROW_GROUP, maintain_order=True, lazy=True)
        for name, chosen in (("train.parquet", ~pl.col(mark)), ("test.parquet", pl.col(mark)))
    ]
    pl.collect_all(sinks, engine="streaming")


def prepare(raw: Path, schema: Schema, params: Prepare, out: Path) -> None:
    """Check the tables at `raw`, split their rows, and write `out`.

    Raises:
        Refusal: the tables cannot be read, break the schema or cannot be split.
    """
    files = tables.files_of(raw)
    hashes = checked_hashes(files, schema)
    names = list(schema.columns)
    table = pl.concat(tables.convert(tables.scan(path, schema), names, schema) for path in files)
    target, by = cs.by_name(schema.target), cs.by_name(split_column(params, schema))
    keys = table.select(target=target.as_expr(), by=by.as_expr()).collect(engine="streaming")
    usable = keys["target"].is_not_null()
    test = test_rows(keys.filter(usable), params, stratify=schema.task == "classification")
    whole = pl.repeat(None, len(keys), dtype=pl.Boolean, eager=True).scatter(
        usable.arg_true(), test
    )
    write_split(table, whole, out)
    write_json(
        out / "provenance.json",
        {
            "files": [
                {"path": path.as_posix(), "sha256": sha256(path), "rows": len(rows)}
                for path, rows in zip(files, hashes, strict=True)
            ],
            "rows": {
                "read": len(keys),
                "without_target": len(keys) - len(test),
                "train": len(test) - int(test.sum()),
                "test": int(test.sum()),
            },
        },
    )


def main() -> None:
    """Run the stage as dvc.yaml calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("raw", "schema", "params", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    prepare(args.raw, read_schema(args.schema), read_params(args.params).prepare, args.out)


if __name__ == "__main__":
    with told():
        main()

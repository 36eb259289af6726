"""data/raw → data/prepared: rows that keep the rules of schema.yaml, split into train and test."""

import argparse
from pathlib import Path

from modelkeep_core import checking, split, stage, tables
from modelkeep_core.files import sha256, write_json
from modelkeep_core.params import Prepare, read_params
from modelkeep_core.schema import Schema, read_schema


def prepare(raw: Path, schema: Schema, params: Prepare, out: Path) -> None:
    """Check the tables at `raw`, split their rows, and write `out`.

    Raises:
        UserError: the tables cannot be read, break the schema or cannot be split.
    """
    files = tables.files_of(raw)
    with checking.checked_table(files, schema, out) as checked:
        table = checked.table
        # YOURS: join, clean or aggregate here; `table` is a polars LazyFrame.
        test = split.choose(table, schema, params)
        split.write(table, test, out)
    read = [
        {"path": path.as_posix(), "sha256": sha256(path), "rows": rows}
        for path, rows in zip(files, checked.rows, strict=True)
    ]
    made = {"files": read, "rows": split.counts(test), "split": split.described(params)}
    write_json(out / "provenance.json", made)


def main(args: argparse.Namespace) -> None:
    """Run the stage on the paths that dvc.yaml gives."""
    params = read_params(args.params, "prepare", Prepare)
    prepare(args.raw, read_schema(args.schema), params, args.out)


if __name__ == "__main__":
    stage.run(main, "raw", "schema", "params", "out")

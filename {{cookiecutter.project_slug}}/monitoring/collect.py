"""`collect`: write recorded inputs with their outcomes as new raw data, to be trained on."""

import argparse
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from monitoring.store import Request, Store
from monitoring.watched import Watched
from monitoring.window import Window
from pipeline import tables
from pipeline.refusal import Refusal, suggestion
from pipeline.schema import Column, Schema
from serving.records import time_of

# The value of --set that stands for the time of the request
TIME = "@time"
# Rules of a column that say how its cells are written in text
WRITING = ("decimal", "thousands", "unit", "formats", "missing_values")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("out", type=Path, metavar="OUT", help="a new file, .csv or .parquet")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="the value of a column that is not recorded, since the model does not see it; "
        f"{TIME} is the time of the request",
    )
    parser.add_argument(
        "--without",
        type=Path,
        metavar="DATA",
        help="leave out the rows that this file or directory has already, such as data/raw",
    )


def run(
    watched: Watched, store: Store, window: Window, args: argparse.Namespace
) -> tuple[Any, str, int]:
    """Write the file whole or not at all; return how many rows it has, as data and as text.

    The exit status is 2 where there is no row to write.

    Raises:
        Refusal: the file exists, a column has no value, or the rows break the package's schema.
    """
    out, schema = args.out, watched.schema
    if out.suffix not in (".csv", ".parquet"):
        raise Refusal(f"{out}: the name of the output must end in .csv or .parquet.")
    own = [name for name, column in schema.columns.items() if is_written_otherwise(column)]
    if own and out.suffix == ".csv":
        raise Refusal(
            f"schema.yaml says how '{own[0]}' is written in text files, and what is recorded is "
            "written otherwise: let the name of the output end in .parquet."
        )
    if out.exists():
        raise Refusal(f"{out} is there already: write another file beside it.")
    if not out.parent.is_dir():
        raise Refusal(f"{out.parent} is no directory: make it, or write somewhere else.")
    given = values_given(args.set, schema)
    features = store.features()
    rows, others = [], 0
    for request in store.with_outcomes(window):
        if request.inputs is None or features.get(request.model) != list(schema.features):
            others += len(request.outcomes)
        else:
            rows += rows_of(request, schema, given)
    table = pl.DataFrame(rows, schema=list(schema.columns), orient="row", infer_schema_length=None)
    found = {"rows": 0, "left_out": others, "repeated": 0}
    if rows:
        found["rows"] = _write(table, out, schema, args.without)
        found["repeated"] = len(rows) - found["rows"]
    return found, _told(out, found), 0 if found["rows"] else 2


def values_given(settings: list[str], schema: Schema) -> dict[str, str | None]:
    """Return the value of each column that is neither a feature nor the target, None if missing.

    Raises:
        Refusal: a column is no such one, or has no value and needs one.
    """
    needed = [it for it in schema.columns if it not in schema.features and it != schema.target]
    given: dict[str, str | None] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if name not in needed or not equals:
            raise Refusal(
                f"--set {setting}: it is COLUMN=VALUE, for a column that is not recorded"
                f"{suggestion(name, needed)}: {', '.join(needed) or 'there is none'}."
            )
        given[name] = value
    for name in needed:
        if name not in given and not schema.columns[name].missing:
            raise Refusal(
                f"{name} is not recorded, since the model does not see it, and schema.yaml wants "
                f"a value: give one with --set {name}=VALUE, the same for all rows of the file."
            )
        given.setdefault(name, None)
    return given


def rows_of(request: Request, schema: Schema, given: dict[str, str | None]) -> list[list[Any]]:
    """Return the rows of a request that have outcomes, as text in the order of the schema."""
    when = datetime.fromtimestamp(time_of(request.request_id)).isoformat(timespec="milliseconds")
    fixed = {name: when if value == TIME else value for name, value in given.items()}
    found = []
    for row, outcome in sorted(request.outcomes.items()):
        inputs = dict(zip(schema.features, request.inputs[row], strict=True))
        cells = inputs | fixed | {schema.target: outcome}
        found.append([None if cells[it] is None else str(cells[it]) for it in schema.columns])
    return found


def is_written_otherwise(column: Column) -> bool:
    """Say whether a text file would have to write the values of a column in a way of its own."""
    return column.type != "category" and any(getattr(column, rule) for rule in WRITING[:-1])


def plainly_written(schema: Schema) -> Schema:
    """Return the schema for cells that are not written as in the raw data, but as Python does."""
    columns = {
        name: column.model_copy(update=dict.fromkeys(WRITING))
        if column.type != "category"
        else column
        for name, column in schema.columns.items()
    }
    return schema.model_copy(update={"columns": columns})


def _write(table: pl.DataFrame, out: Path, schema: Schema, without: Path | None) -> int:
    """Write the rows in the types of the schema, and return how many there are."""
    names = list(schema.columns)
    typed = tables.convert(table.lazy(), names, plainly_written(schema)).collect()
    if not schema.duplicates:
        typed = typed.unique(maintain_order=True)
    for path in tables.files_of(without) if without else []:
        known = tables.convert(tables.scan(path, schema), names, schema).collect()
        typed = typed.join(known, on=names, how="anti", nulls_equal=True, maintain_order="left")
    if not len(typed):
        return 0
    # Hidden, so that the line does not take for data what is left of it when this is killed
    partial = out.with_name(f".{out.stem}.partial{out.suffix}")
    try:
        if out.suffix == ".csv":
            typed.write_csv(partial, null_value=next(iter(schema.missing_values), ""))
        else:
            typed.write_parquet(partial)
        problems, _ = tables.check(partial, schema, names)
        if problems:
            told = tables.report(problems).replace(partial.name, out.name)
            raise Refusal(f"what was recorded breaks schema.yaml:\n{told}")
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
    return len(typed)


def _told(out: Path, found: dict[str, int]) -> str:
    left = []
    if found["repeated"]:
        left.append(f"{found['repeated']:,} rows were there already")
    if found["left_out"]:
        left.append(f"{found['left_out']:,} rows have no recorded inputs of these features")
    also = f" ({'; '.join(left)})" if left else ""
    if not found["rows"]:
        return f"Nothing to write: no further row has inputs and an outcome{also}."
    return f"{out}: {found['rows']:,} rows{also}."

"""Actuals from a file, each for a row of a request that is recorded."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from modelkeep.intake.reading import table_at
from modelkeep.monitoring.reference import ReferencePackage
from modelkeep.monitoring.store import Store
from modelkeep.text import counted
from modelkeep_core import tables
from modelkeep_core.errors import UserError
from modelkeep_core.problems import SHOWN_ROWS, listed
from modelkeep_core.profiles import word
from modelkeep_core.schema import WORDS, Column, Schema

NEEDED = ("request_id", "actual")
# How many requests are looked up at once
LOOKED_UP = 10_000
INFINITE = {"inf", "-inf"}


def read_actuals(
    path: Path, store: Store, reference: ReferencePackage
) -> list[tuple[str, int, str]]:
    """Read a CSV or Parquet file with the columns request_id, actual and, where needed, row.

    Other columns are left alone.

    Returns:
        Request id, row (from 0) and actual, as text, of each row of the file.

    Raises:
        UserError: the file cannot be read, or a row has no request that is recorded, none of its
            rows, nothing that the model could predict, or another value for the same row.
    """
    table = _read(path, reference.schema)
    ids = table["request_id"].unique().drop_nulls().to_list()
    recorded: dict[str, tuple[str, int]] = {}
    for first in range(0, len(ids), LOOKED_UP):
        recorded |= store.rows(ids[first : first + LOOKED_UP])
    classes = reference.metadata["training"]["classes"]
    words = {word(name) for name in classes} if classes else None
    kind = reference.schema.columns[reference.schema.target].type
    wanted = f"one of {', '.join(sorted(words))}" if words else WORDS[kind]
    faults: dict[str, list[int]] = {}
    actuals: dict[tuple[str, int], str] = {}
    for number, (request_id, row, given, actual) in enumerate(table.iter_rows(), start=1):
        rows = recorded.get(request_id, ("", 0))[1]
        row = 0 if not given and rows == 1 else row
        text = None if actual is None else word(actual)
        fault = None
        if not rows:
            fault = "no such request is recorded"
        elif row is None or not 0 <= row < rows:
            fault = "no such row is in the request (row counts from 0)"
        elif text is None or (words and text not in words) or text in INFINITE:
            fault = f"actual must be {wanted}"
        elif actuals.get((request_id, row), text) != text:
            fault = "another value for the same row"
        if fault:
            faults.setdefault(fault, []).append(number)
        elif text is not None:
            actuals[request_id, row] = text
    if faults:
        reasons = "; ".join(
            f"{fault} ({counted(len(rows), 'row')}, first {listed(rows[:SHOWN_ROWS])})"
            for fault, rows in faults.items()
        )
        raise UserError(f"{path} was not taken: {reasons}.")
    return [(*key, text) for key, text in actuals.items()]


def _read(path: Path, schema: Schema) -> pl.DataFrame:
    """Return request_id, row, whether the file has something there, and actual."""
    if not path.exists():
        raise UserError(f"{path} is missing.")
    if path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{path} is neither .csv nor .parquet.")
    if path.is_dir():
        raise UserError(f"{path} is a directory: give a file.")
    target = schema.columns[schema.target]
    columns = {
        "request_id": Column(type="category", missing=True),
        "row": Column(type="integer", missing=True),
        # It is written as the target is in the raw data.
        "actual": target.model_copy(
            update={
                "missing": True,
                "feature": True,
                "values": target.values if target.type == "boolean" else None,
            }
        ),
    }
    own = Schema(
        task=schema.task,
        target="actual",
        missing_values=schema.missing_values,
        duplicates=True,
        columns=columns,
    )
    with TemporaryDirectory(prefix="actuals-") as work:
        return _converted(table_at(path, NEEDED, Path(work))[0], own, path)


def _converted(file: Path, own: Schema, path: Path) -> pl.DataFrame:
    table = tables.scan(file, own)
    names = table.collect_schema().names()
    for name in NEEDED:
        if name not in names:
            raise UserError(f"{path} has no column '{name}'; it needs {' and '.join(NEEDED)}.")
    if "row" not in names:
        table = table.with_columns(row=pl.lit(None, pl.String))
    with tables.readable(path):
        given = table.select(given=pl.col("row").is_not_null()).collect()
        read = tables.convert(table, list(own.columns), own).collect()
    return read.insert_column(2, given["given"])

"""True outcomes from a file, each for a row of a request that is recorded."""

from pathlib import Path

import polars as pl

from monitoring.store import Store
from monitoring.watched import Watched
from pipeline import tables
from pipeline.profile import word
from pipeline.refusal import Refusal
from pipeline.schema import Column, Schema

NEEDED = ("request_id", "outcome")
# How many requests are looked up at once
LOOKED_UP = 10_000
INFINITE = {"inf", "-inf"}


def read_outcomes(path: Path, store: Store, watched: Watched) -> list[tuple[str, int, str]]:
    """Read a CSV or Parquet file with the columns request_id, outcome and, where needed, row.

    Other columns are left alone.

    Returns:
        Request id, row (from 0) and outcome, as text, of each row of the file.

    Raises:
        Refusal: the file cannot be read, or a row has no request that is recorded, none of its
            rows, no outcome that the model could predict, or the row of another outcome.
    """
    table = _read(path, watched.schema)
    ids = table["request_id"].unique().drop_nulls().to_list()
    known: dict[str, tuple[str, int]] = {}
    for first in range(0, len(ids), LOOKED_UP):
        known |= store.rows(ids[first : first + LOOKED_UP])
    classes = watched.metadata["training"]["classes"]
    words = {word(name) for name in classes} if classes else None
    kind = watched.schema.columns[watched.schema.target].type
    wanted = f"one of {', '.join(sorted(words))}" if words else tables.KINDS[kind][1]
    faults: dict[str, list[int]] = {}
    found: dict[tuple[str, int], str] = {}
    for number, (request_id, row, given, outcome) in enumerate(table.iter_rows(), start=1):
        rows = known.get(request_id, ("", 0))[1]
        row = 0 if not given and rows == 1 else row
        text = None if outcome is None else word(outcome)
        fault = None
        if not rows:
            fault = "no such request is recorded"
        elif row is None or not 0 <= row < rows:
            fault = "no such row is in the request (row counts from 0)"
        elif text is None or (words and text not in words) or text in INFINITE:
            fault = f"outcome must be {wanted}"
        elif found.get((request_id, row), text) != text:
            fault = "another outcome for the same row"
        if fault:
            faults.setdefault(fault, []).append(number)
        else:
            found[request_id, row] = text
    if faults:
        told = "; ".join(
            f"{fault} ({len(rows):,} rows, first {tables.listed(rows[: tables.SHOWN_ROWS])})"
            for fault, rows in faults.items()
        )
        raise Refusal(f"{path} was not taken: {told}.")
    return [(*key, text) for key, text in found.items()]


def _read(path: Path, schema: Schema) -> pl.DataFrame:
    """Return request_id, row, whether the file has something there, and outcome."""
    if path.suffix not in (".csv", ".parquet"):
        raise Refusal(f"{path} is neither .csv nor .parquet.")
    if not path.is_file():
        raise Refusal(f"{path} is missing.")
    kind = schema.columns[schema.target].type
    columns = {"request_id": "category", "row": "integer", "outcome": kind}
    own = Schema(
        task=schema.task,
        target="outcome",
        missing_values=schema.missing_values,
        duplicates=True,
        columns={name: Column(type=it, missing=True) for name, it in columns.items()},
    )
    table = tables.scan(path, own)
    names = table.collect_schema().names()
    for name in NEEDED:
        if name not in names:
            raise Refusal(f"{path} has no column '{name}'; it needs {' and '.join(NEEDED)}.")
    if "row" not in names:
        table = table.with_columns(row=pl.lit(None, pl.String))
    with tables.readable(path):
        given = table.select(given=pl.col("row").is_not_null()).collect()
        read = tables.convert(table, list(columns), own).collect()
    return read.insert_column(2, given["given"])

"""Rows in CSV, written as the raw data are: a file of them, or what MLflow's clients send."""

import csv
import io
from typing import Any

from modelkeep.serving.rows import Problem, TooMany, Unfit
from modelkeep_core.schema import Column, Schema

# How many columns a table may have besides those of the schema
MORE = 100


def records_of(body: bytes, schema: Schema, most: int | None = None) -> list[dict[str, Any]]:
    """Return the rows of a CSV table with a header, converted as the line converts raw data.

    A cell that is not of its column's type stays text, for the contract to refuse.

    Args:
        body: the table.
        schema: the contract.
        most: how many rows there may be, or None.

    Raises:
        TooMany: it has more rows than there may be.
        Unfit: it is no such table, or has far more columns than the schema.
    """
    # They cost more to import than a server without such requests needs to start.
    import polars as pl

    from modelkeep_core.tables import typed

    widest = len(schema.columns) + MORE
    if _width(body) > widest:
        raise Unfit(Problem(None, "", f"a CSV table of at most {widest} columns", "form"))
    try:
        table = pl.read_csv(body, infer_schema=False, null_values=schema.missing_values)
    except (pl.exceptions.PolarsError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Unfit(Problem(None, "", f"a CSV table in UTF-8 ({reason})", "form")) from None
    if most is not None and table.height > most:
        raise TooMany(table.height)
    columns = {}
    for name in table.columns:
        column = schema.columns.get(name, Column(type="category"))
        # By its own name, Polars would take a column called "*" for all columns.
        cells = table.get_column(name).alias("cell")
        values = cells.to_frame().select(typed(pl.col("cell"), pl.String(), column)).to_series()
        columns[name] = _values(values.to_list(), cells.to_list(), column)
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _width(body: bytes) -> int:
    """Return how many columns the header of a table has; 0 where it cannot be read."""
    # Polars takes seconds for a header of very many columns.
    try:
        return len(next(csv.reader(io.TextIOWrapper(io.BytesIO(body), "utf-8", newline="")), []))
    except (csv.Error, UnicodeDecodeError):
        return 0


def _values(values: list[Any], cells: list[str | None], column: Column) -> list[Any]:
    """Return values as JSON has them, and the text of the cells that are none."""
    missing = {None, *(column.missing_values or ())}
    if column.type == "datetime":
        values = [value and value.isoformat() for value in values]
    return [
        cell if value is None and cell not in missing else value
        for value, cell in zip(values, cells, strict=True)
    ]

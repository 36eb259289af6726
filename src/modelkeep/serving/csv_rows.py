"""Rows in CSV, written as the raw data are: a file of them, or what MLflow's clients send.

Polars is imported before the first request: scikit-learn, which looks for it whenever a model is
called, must not meet it half imported by another thread.
"""

import csv
import io
import re
from collections import Counter
from typing import Any

import polars as pl

from modelkeep.intake.delimited import Dialect, dialect_of, fits, rows_of
from modelkeep.serving.rows import Problem, TooMany, Unfit
from modelkeep_core.cells import typed
from modelkeep_core.csv_text import NotPlain
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column, Schema
from modelkeep_core.tables import text_table
from modelkeep_core.visible import counted

# How many columns a table may have besides those of the schema
MORE = 100
# What messages call the body of a request
NAME = "the body"


def records_of(body: bytes, schema: Schema, most: int | None = None) -> list[dict[str, Any]]:
    """Return the rows of a CSV table with a header, converted as the pipeline converts raw data.

    What `modelkeep predict` reads as a table in UTF-8 is read as the same table. A cell that is not
    of its column's type stays text, for the contract to refuse.

    Args:
        body: the table.
        schema: the contract.
        most: how many rows there may be, or None.

    Raises:
        TooMany: it has more rows than there may be.
        Unfit: it is no such table, a line has another number of cells than the header, or it has
            far more columns than the schema.
    """
    widest = len(schema.columns) + MORE
    if _width(body) > widest:
        raise Unfit(Problem(None, "", f"a CSV table of at most {widest} columns", "form"))
    try:
        table = _table(body, schema)
    except (UserError, pl.exceptions.PolarsError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].removesuffix(".")
        if schema.private:
            # What is told of a line may repeat what is in it.
            line = re.search(r"line \d+", reason)
            reason = line[0] if line else "it cannot be read"
        raise Unfit(Problem(None, "", f"a CSV table in UTF-8 ({reason})", "form")) from None
    if most is not None and table.height > most:
        raise TooMany(table.height)
    columns = {}
    for cells in table.iter_columns():
        column = schema.columns.get(cells.name, Column(type="category"))
        # By its own name, Polars would take a column called "*" for all columns.
        frame = cells.alias("cell").to_frame()
        values = frame.select(typed(pl.col("cell"), pl.String(), column)).to_series()
        columns[cells.name] = _values(values.to_list(), cells.to_list(), column)
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _width(body: bytes) -> int:
    """Return how many columns the header of a table has; 0 where it cannot be read."""
    # Polars takes seconds for a header of very many columns.
    try:
        return len(next(csv.reader(io.TextIOWrapper(io.BytesIO(body), "utf-8", newline="")), []))
    except (csv.Error, UnicodeDecodeError):
        return 0


def _table(body: bytes, schema: Schema) -> pl.DataFrame:
    """Return the cells as text, null where they stand for nothing in every column.

    Raises:
        UserError: it is no table.
    """
    try:
        table, text = text_table(body, schema.missing_values)
        if fits(text.names, {*schema.features}, {*schema.columns}):
            return table.collect()
    except NotPlain as error:
        if not body.strip():
            raise UserError(str(error)) from None
    dialect = dialect_of(body, NAME, "utf-8-sig")
    _check_names(dialect, schema)
    rows = rows_of(body, NAME, dialect)
    cells = pl.DataFrame([*rows], dict.fromkeys(dialect.names, pl.String), orient="row")
    return cells.with_columns(pl.when(~pl.all().is_in(schema.missing_values)).then(pl.all()))


def _check_names(dialect: Dialect, schema: Schema) -> None:
    """Make sure that a header names every column, and no feature twice.

    A schema may count columns of one name, or have names of rows, as adopt makes it.

    Raises:
        UserError: it does not.
    """
    names, first = Counter(" ".join(cell.split()) for cell in dialect.given), dialect.names[0]
    if len(dialect.given) < dialect.width and first not in (*names, *schema.columns):
        # A decimal comma without quotation marks would move all values to the next column.
        raise UserError(
            f"line {dialect.header}: the header has {counted(len(dialect.given), 'name')}, and the "
            f"rows have {counted(dialect.width, 'cell')}"
        )
    for name in schema.features:
        if names[name] > 1 and f"{name}_2" not in schema.columns:
            raise UserError(f"its header names the column '{name}' more than once")


def _values(values: list[Any], cells: list[str | None], column: Column) -> list[Any]:
    """Return values as JSON has them, and the text of the cells that are none."""
    missing = {None, *(column.missing_values or ())}
    if column.type == "datetime":
        values = [value and value.isoformat() for value in values]
    return [
        cell if value is None and cell not in missing else value
        for value, cell in zip(values, cells, strict=True)
    ]

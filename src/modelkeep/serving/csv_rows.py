"""Rows in CSV, written as the raw data are: a file of them, or what MLflow's clients send."""

from typing import Any

from modelkeep.serving.rows import Problem, Unfit
from modelkeep_core.schema import Column, Schema


def records_of(body: bytes, schema: Schema) -> list[dict[str, Any]]:
    """Return the rows of a CSV table with a header, converted as the line converts raw data.

    A cell that is not of its column's type stays text, for the contract to refuse.

    Raises:
        Unfit: it is no such table.
    """
    # They cost more to import than a server without such requests needs to start.
    import polars as pl

    from modelkeep_core.tables import typed

    try:
        table = pl.read_csv(body, infer_schema=False, null_values=schema.missing_values)
    except (pl.exceptions.PolarsError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Unfit(Problem(None, "", f"a CSV table in UTF-8 ({reason})", "form")) from None
    columns = {}
    for name in table.columns:
        column = schema.columns.get(name, Column(type="category"))
        values = table.select(typed(pl.col(name), pl.String(), column)).to_series()
        columns[name] = _values(values.to_list(), table[name].to_list(), column)
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _values(values: list[Any], cells: list[str | None], column: Column) -> list[Any]:
    """Return values as JSON has them, and the text of the cells that are none."""
    missing = {None, *(column.missing_values or ())}
    if column.type == "datetime":
        values = [value and value.isoformat() for value in values]
    return [
        cell if value is None and cell not in missing else value
        for value, cell in zip(values, cells, strict=True)
    ]

"""Rows in CSV, as a file has them and MLflow's clients may send them."""

import csv
import io
from collections.abc import Callable
from typing import Any

from pipeline.schema import Schema
from serving.rows import Problem, Unfit

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def records_of(body: bytes, schema: Schema) -> list[dict[str, Any]]:
    """Return the rows of a CSV table with a header, in the types of the schema.

    A cell that is not of its column's type stays text, for the contract to refuse.

    Raises:
        Unfit: it is no such table.
    """
    try:
        table = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        rows = [*table]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unfit(Problem(None, "", f"a CSV table in UTF-8 ({error})", "form")) from None
    names = table.fieldnames or []
    if len(set(names)) < len(names):
        raise Unfit(Problem(None, "", "a CSV table in which each column has its name", "form"))
    uneven = [n for n, row in enumerate(rows) if None in row or None in row.values()]
    if uneven:
        raise Unfit(*(Problem(n, "", f"{len(names)} cells", "form") for n in uneven))
    readers = {name: _reader(schema, name) for name in names}
    return [{name: readers[name](cell) for name, cell in row.items()} for row in rows]


def _reader(schema: Schema, name: str) -> Callable[[str], Any]:
    """Return what makes a value of a cell."""
    column, missing = schema.columns.get(name), frozenset(schema.missing_values)
    kind = column.type if column else "category"

    def read(cell: str) -> Any:
        if cell in missing:
            return None
        if kind == "boolean":
            return BOOLEANS.get(cell.lower(), cell)
        return _number(cell) if kind in ("number", "integer") else cell

    return read


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell

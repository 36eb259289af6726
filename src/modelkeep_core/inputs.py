"""A table → the inputs of a model: its feature columns, in order, each of a settled type."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from modelkeep_core.errors import UserError
from modelkeep_core.schema import NUMERIC, Schema


def model_inputs(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the feature columns in the order of the schema, one row for each row of `table`.

    Numbers, integers and booleans become float64 with NaN where missing; datetimes, which may be
    ISO text, become datetime64 in UTC with NaT; categories become objects, text with NaN. `table`
    is not modified.

    Args:
        table: (n, columns), with at least the feature columns of the schema.
        schema: which columns are features, and of which types.

    Returns:
        (n, features), with the index of `table`.

    Raises:
        UserError: `table` lacks a feature.
        ValueError: a cell is not of the type of its column.
    """
    if lacking := [f"'{name}'" for name in schema.features if name not in table]:
        raise UserError(
            f"the rows have no column {', '.join(lacking)}, which schema.yaml has as a feature. "
            "Keep or join it where they are made, as in pipeline/prepare.py, or set "
            "feature: false there."
        )
    columns: dict[str, Any] = {}
    for name, column in schema.features.items():
        if column.type in NUMERIC:
            columns[name] = table[name].astype("float64")
        elif column.type == "datetime":
            columns[name] = moments(table[name])
        else:
            text = table[name].astype(object)
            columns[name] = text.where(text.notna(), np.nan)
    return pd.DataFrame(columns, index=table.index)


def moments(cells: Any) -> NDArray[np.datetime64]:
    """Return (n,) datetimes in UTC, in microseconds; NaT where a cell is missing.

    Args:
        cells: (n,) datetimes or ISO texts, in UTC where they name no other zone.

    Raises:
        ValueError: a cell is neither.
    """
    times = pd.to_datetime(pd.Index(cells), format="ISO8601", utc=True)
    return np.asarray(times.tz_localize(None).as_unit("us"))


def inputs_from_rows(rows: Sequence[Sequence[Any]], schema: Schema) -> pd.DataFrame:
    """Return the inputs of a model from plain rows: a value, or None, for each feature in order."""
    table = pd.DataFrame(list(rows), columns=list(schema.features), dtype=object)
    return model_inputs(table, schema)

"""A column is taken for what it is, and the reason is told."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from modelkeep.adopt.inference import read_cells, role_of, with_range
from modelkeep_core.schema import Column

ROWS = 60


def role(name, cells):
    """Return what a column of these cells is taken for."""
    return role_of(name, read_cells(pl.Series(name, cells)))


def texts(*values):
    """Return a column in which the values take turns."""
    return [values[row % len(values)] for row in range(ROWS)]


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("x", [None] * ROWS, "empty in every row"),
        ("x", [""] * ROWS, "empty in every row"),
        ("x", ["same", None] * 30, "constant: always 'same'"),
        ("x", [3.5] * ROWS, "constant: always 3.5"),
        ("x", [str(row) for row in range(ROWS)], "identifier-like: it numbers the rows"),
        ("row", list(range(1, ROWS + 1)), "identifier-like: it numbers the rows"),
        ("customer_id", [7 * row % 1009 for row in range(ROWS)], "identifier-like: its name"),
        ("passengerId", [7 * row % 1009 for row in range(ROWS)], "identifier-like: its name"),
        ("x", [10.0**row for row in range(2 * ROWS)], "numbers beyond 1e+100"),
        ("x", [f"c{row:04x}" for row in range(ROWS)], "identifier-like: 60 different texts"),
        (
            "x",
            [f"shop number {row} was not good to me at all" for row in range(ROWS)],
            "free text",
        ),
    ],
)
def test_what_cannot_be_a_feature_is_set_aside(name, cells, why):
    """Constants, names of rows and free text teach a model nothing."""
    inferred = role(name, cells)
    assert (inferred.meaning, inferred.column.feature) == ("set aside", False)
    assert inferred.why.startswith(why)


@pytest.mark.parametrize(
    ("name", "cells", "meaning"),
    [
        ("x", [row / 7 for row in range(ROWS)], "number"),
        ("paid", [row * row % 101 for row in range(ROWS)], "integer"),
        ("grid", [row * row % 1009 for row in range(ROWS)], "integer"),
        ("year", [1950 + row for row in range(ROWS)], "integer"),
        ("week", list(range(ROWS)), "integer"),
        ("x", texts("a", "b", None), "category"),
        ("store_id", [row % 5 for row in range(ROWS)], "category"),
        ("x", texts("yes", "no"), "boolean"),
        ("x", [True, False] * 30, "boolean"),
        ("x", [datetime(2024, 1, 1) + timedelta(days=row) for row in range(ROWS)], "datetime"),
        ("x", [f"{row % 28 + 1}.3.2024" for row in range(ROWS)], "datetime"),
    ],
)
def test_what_can_be_a_feature_is_one(name, cells, meaning):
    """A unique number, a year or a word is no identifier for that reason alone."""
    inferred = role(name, cells)
    assert (inferred.meaning, inferred.column.feature) == (meaning, True)


def test_a_category_of_few_values_lists_them():
    """The contract knows the values, and what stands for nothing is none of them."""
    inferred = role("x", texts("b", "a", "NA", "?"))
    assert inferred.column.values == ["a", "b"]
    assert read_cells(pl.Series(texts("b", "a", "NA", "?"))).nothing == {"NA", "?"}


def test_a_category_of_many_values_is_encoded_by_the_target():
    """Hundreds of columns for one would drown the others."""
    inferred = role("x", [f"city {row % 25}" for row in range(ROWS)])
    assert (inferred.column.encoding, inferred.column.values) == ("target", None)


def test_texts_that_stand_for_nothing_belong_to_their_column():
    """A word that is no number in one column may be a value of another."""
    inferred = role("x", [*map(str, range(ROWS)), "none"])
    assert inferred.column.missing_values == ["none"]


@pytest.mark.parametrize(
    ("kind", "values", "limits"),
    [
        ("integer", [0, 1], (0, 1)),
        ("integer", [2007, 2009], (2006, 2010)),
        ("integer", [0, 90], (0, 135)),
        ("number", [0.1, 0.9], (0.0, 1.0)),
        ("number", [32.1, 59.6], (18, 74)),
        ("number", [-2.0, 2.0], (-4.0, 4.0)),
        ("number", [-8.0, -2.0], (-11.0, 0.0)),
        ("number", [5.0, 5.0], (2.5, 7.5)),
        ("number", [1e308, -1e308], (None, None)),
        ("integer", [-(2**63), 2**63 - 1], (None, None)),
    ],
)
def test_a_range_leaves_room_and_keeps_its_sign(kind, values, limits):
    """Rows like the known ones pass, a wrong unit or sign does not."""
    column = with_range(Column(type=kind), pl.Series(values))
    assert (column.min, column.max) == limits
    assert column.min is None or column.min <= min(values) <= max(values) <= column.max

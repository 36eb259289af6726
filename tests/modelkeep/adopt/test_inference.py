"""A column is taken for what it is, and the reason is told."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from modelkeep.adopt.inference import as_box, holds, is_mark, read_cells, role_of, with_range
from modelkeep.adopt.reading import Hints
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
        ("Unnamed: 0", [7 * row % 1009 for row in range(ROWS)], "identifier-like: its name"),
        ("__index_level_0__", [str(3 * row) for row in range(ROWS)], "identifier-like: its name"),
        ("Unnamed: 0", [row % 20 for row in range(ROWS)], "identifier-like: its name"),
        ("Unnamed: 0", [float(row % 50) for row in range(ROWS)], "identifier-like: its name"),
        ("__index_level_0__", [row**2 % 97 for row in range(ROWS)], "identifier-like: its name"),
        ("x", [f"+4930{7 * row:07}" for row in range(ROWS)], "identifier-like: 60 different"),
        ("x", [10**18 + 7 * row for row in range(ROWS)], "identifier-like: 19 digits"),
        ("x", [str(10**19 + 7 * row) for row in range(ROWS)], "identifier-like: 60 different"),
        ("x", [f"{row}E{row % 30:02}" for row in range(ROWS)], "identifier-like: 60 different"),
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
        ("Unnamed: 0", [row // 10 for row in range(ROWS)], "integer"),
        ("X", [row % 20 for row in range(ROWS)], "integer"),
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


def test_the_null_of_databases_is_an_empty_cell():
    r"""What databases write for nothing, \N, is no value of a category and no stray number."""
    assert read_cells(pl.Series(texts("red", "blue", "\\N"))).empty == {"\\N": ROWS // 3}
    cells = read_cells(pl.Series(texts("1.5", "\\N")))
    assert (cells.column.type, cells.reading.odd, cells.values.null_count()) == ("number", (), 30)


def test_an_index_with_gaps_is_the_first_column():
    """Rows that were left out leave gaps; elsewhere, numbers in order may be anything."""
    gaps = read_cells(pl.Series([3 * row + row % 2 for row in range(ROWS)]))
    assert role_of("x", gaps, first=True).why == "identifier-like: it numbers the rows, with gaps"
    assert role_of("x", gaps).meaning == "integer"
    assert role_of("year", gaps, first=True).meaning == "integer"


def test_empty_cells_are_told_by_their_texts():
    """How many there are, and what stands in them; a word in capitals and small letters is one."""
    inferred = role("x", [*texts("K", "Na", "NA", "", None), "?"])
    assert inferred.why == "2 different values; 37 empty ('NA' 12, '?' 1)"
    assert inferred.column.values == ["K", "Na"]


def test_a_category_of_what_look_like_numbers_says_so():
    """Points here and commas there, as of two files, are not read as numbers."""
    why = "4 different values; text: numbers with other signs, such as '0,5', are not read"
    assert role("x", texts("0.5", "1.5", "0,5", "1,5")).why == why
    assert role("x", texts("red", "blue")).why == "2 different values"


def test_a_person_says_what_is_empty():
    """Texts that are kept are values; numbers and days that stand for nothing are none."""
    kept = read_cells(pl.Series(texts("a", "NA")), hints=Hints(keep=frozenset(["NA"])))
    assert kept.values.unique().sort().to_list() == ["NA", "a"]
    word = read_cells(pl.Series(texts("1", "2", "3", "ICU")), hints=Hints(keep=frozenset(["ICU"])))
    assert word.column.type == "category"
    for cells, text in (
        (texts("-999.0", "1.5"), "-999"),
        (texts(-999, 1), "-999"),
        (texts(-999.0, 1.5), "-999"),
        (texts("9999-12-31", "2024-01-01"), "9999-12-31"),
        (texts(datetime(9999, 12, 31), datetime(2024, 1, 1)), "9999-12-31"),
    ):
        read = read_cells(pl.Series(cells), hints=Hints(empty=frozenset([text])))
        assert (read.values.null_count(), read.distinct) == (30, 1)
        assert sum(read.empty.values()) == 30
        assert holds(pl.Series(cells), text)
    assert not holds(pl.Series(["a", None]), "b")


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (texts("X", ""), ["", "x"]),
        (texts("x", None, "X "), ["", "x"]),
        (texts("NA", "yes"), ["na", "yes"]),
        (texts(True, None), ["", "true"]),
        (texts(1, None), ["", "1"]),
        (texts("✓", ""), ["", "✓"]),
    ],
)
def test_a_box_that_is_ticked_or_not_is_a_boolean(cells, values):
    """A mark or nothing is no constant, and no cell is empty any more."""
    written = pl.Series(cells)
    box = as_box(written, read_cells(written))
    assert (box.column.type, box.column.values) == ("boolean", values)
    assert box.values.sum() == sum(str(cell).strip().lower() == values[1] for cell in cells)
    assert (box.values.null_count(), is_mark(values[1])) == (0, True)
    assert role_of("x", box).meaning == "boolean"


@pytest.mark.parametrize("cells", [texts("no", ""), texts("x", "NA", ""), texts("x", "y", "")])
def test_what_is_no_box_is_none(cells):
    """A word for false, two ways to be empty, two values."""
    assert as_box(pl.Series(cells), read_cells(pl.Series(cells))) is None


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


def test_a_range_holds_its_values_however_close_they_are():
    """Twelve digits would part them from it."""
    values = pl.Series([0.12345678901234567 + place * 1e-15 for place in range(60)])
    column = with_range(Column(type="number"), values)
    assert column.min <= values.min() < values.max() <= column.max


def test_whole_numbers_that_floats_cannot_tell_apart_are_a_category():
    """As numbers, two of them would be one."""
    cells = read_cells(pl.Series([2**53 + place % 7 for place in range(140)]))
    column = role_of("account", cells).column
    assert (column.type, column.codes, column.feature) == ("category", True, True)


def test_codes_with_gaps_that_programs_store_as_floats_are_codes():
    """A column of whole numbers becomes one of floats where a cell is empty."""
    few = [float(row % 9) if row % 10 else None for row in range(200)]
    column = role_of("store_id", read_cells(pl.Series(few))).column
    assert (column.type, column.codes) == ("category", True)
    unique = [float(7 * row) if row % 10 else None for row in range(200)]
    assert not role_of("customer_id", read_cells(pl.Series(unique))).column.feature
    assert role_of("price", read_cells(pl.Series(few))).column.type == "number"
    assert role_of("store_id", read_cells(pl.Series([0.5, 1.0] * 50))).column.type == "number"

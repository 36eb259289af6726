"""What could be read otherwise is told once, with the option that decides."""

from datetime import datetime

import polars as pl
import pytest

from modelkeep.adopt.doubts import (
    differ,
    one_class,
    sentinels,
    spellings,
    strays,
    unclear,
    words_for_nothing,
)
from modelkeep.adopt.inference import read_cells

ROWS = 200


def doubts(cells):
    """Return what is unclear in a column "x" of these cells."""
    written = pl.Series("x", cells)
    return [*unclear("x", read_cells(written), written)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([-999, *range(8, 34), -999], [(-999, 2)]),
        ([-999.9, 1.5, 2.5, 3.5, -999.9], [(-999.9, 2)]),
        ([99, 99, *range(19)], [(99, 2)]),
        ([-1, -1, *range(40)], [(-1, 2)]),
        ([-888, -999, -888, -999, *range(9)], [(-999, 2), (-888, 2)]),
        ([2147483647, 2147483647, 1, 2], [(2147483647, 2)]),
        ([datetime(9999, 12, 31)] * 3 + [datetime(2024, 1, day) for day in (1, 9)], [(None, 3)]),
        ([datetime(1900, 1, 1)] * 2 + [datetime(2024, 1, day) for day in (1, 9)], [(None, 2)]),
        ([0, 0, *range(100, 140)], [(0, 2)]),
        ([-9, -9, *range(7)], [(-9, 2)]),
        ([88, 88, *range(1, 6)], [(88, 2)]),
        ([998, 998, *range(40)], [(998, 2)]),
        ([1e20, 1e20, *map(float, range(40))], [(1e20, 2)]),
        ([0, 0, *range(40)], []),
        ([0, 0, *range(20, 90)], []),
        ([-9, -9, -8, -3, 0, 4], []),
        ([500, 500, *range(40)], []),
        ([*range(100), 99], []),
        ([-999, -999, *range(0, 90000, 300)], [(-999, 2)]),
        ([-999, -999, *range(-300, 90000, 300)], []),
        ([-999, *range(9)], []),
        ([-1, -1, 0, 1, 1], []),
        ([*range(0, 1200, 3), 999, 999], []),
        ([datetime(year, 12, 31) for year in range(1890, 1910)] * 2, []),
        ([1.0, 1.0], []),
        ([None], []),
    ],
)
def test_numbers_and_dates_that_stand_for_nothing_are_asked_about(cells, expected):
    """They lie far from all others, and there is more than one; a usual 99 is none of them."""
    doubts = sentinels(pl.Series(cells))
    assert [rows for _, rows in doubts] == [rows for _, rows in expected]
    assert all(value in (None, doubts[place][0]) for place, (value, _) in enumerate(expected))


def test_each_doubt_names_the_option_that_decides():
    """As it is typed in a shell."""
    (sentinel,) = doubts(["-999"] * 3 + [f"{row % 30}" for row in range(ROWS)])
    assert sentinel == (
        "'x' is -999 in 3 of 203 rows, far from all other values: if it stands for nothing, "
        "--empty x=-999"
    )
    (bound,) = doubts(["<5"] * 2 + [f"{row % 90 + 5}" for row in range(ROWS)])
    assert "in 2 cells, and reads '<5' as 5: --empty 'x=<5' makes them empty, --keep " in bound
    (unit,) = doubts([f"{row % 100}%" if row % 2 else f"0.{row % 100:02}" for row in range(ROWS)])
    assert unit.startswith("'x': 100 cells have the unit '%', and 100, such as '0.00', have none")
    (order,) = doubts(["1/2/2024", "1/3/2024", "1/4/2024"])
    assert order.endswith("could be %d/%m/%Y too: --format x=%d/%m/%Y is the other way")
    assert doubts([f"{row % 30}" for row in range(ROWS)]) == []


def test_texts_among_numbers_are_told_with_their_choice():
    """Whether they are kept or count as empty."""
    written = pl.Series("ward", ["1", "2", "3", "4"] * 24 + ["ICU"] * 4)
    cells = read_cells(written)
    kept = strays("ward", cells, written, True, "died")
    assert kept == (
        "'ward' has 'ICU' among its numbers, in 4 cells, and 'died' is different there, so the "
        "column is a category: --empty ward=ICU makes them empty cells"
    )
    assert strays("ward", cells, written, False, "died").endswith(
        "which count as empty: --keep ward=ICU makes it a category"
    )
    assert "whose rows are left out" in strays("ward", cells, written, False, "ward")


def test_rows_that_differ_in_the_target_are_told_from_others():
    """Classes and numbers, beyond chance, and only where there are rows enough."""
    some = pl.Series([row % 10 == 0 for row in range(ROWS)])
    same, other = (pl.Series([row % 3 for row in range(ROWS)]), some.cast(pl.Int64))
    assert differ(some, other, "classification")
    assert not differ(some, same, "classification")
    assert differ(some, other * 5.0 + pl.Series([row % 7 for row in range(ROWS)]), "regression")
    assert not differ(some, same * 1.5, "regression")
    few = pl.Series([row < 4 for row in range(ROWS)])
    assert not differ(few, few.cast(pl.Int64), "classification")


def test_texts_for_nothing_are_told_once_for_all_columns():
    """NA may be Namibia; in one column the option names it."""
    notes = [*words_for_nothing({"country": {"": 3, "NA": 50}, "b": {"NA": 2, "null": 1, "-": 4}})]
    assert notes == [
        "cells that say 'NA' count as empty in 'country' (50), 'b' (2): where that is a value, "
        "--keep NA",
        "cells that say 'null' count as empty in 'b' (1): where that is a value, --keep b=null",
    ]


def test_values_that_differ_in_capitals_or_blanks_alone_are_told():
    """They stay different values."""
    note = spellings("region", pl.Series(["Nord", "nord", "Bad  Ems", "Bad Ems", "Ost", None]))
    assert note == (
        "'region' has values that differ in capitals or blanks alone: 'Bad  Ems' and 'Bad Ems'; "
        "'Nord' and 'nord'"
    )
    assert spellings("region", pl.Series(["Nord", "Ost"])) == ""
    assert spellings("region", pl.Series(["Nord", "Nord\t"])) == (
        "'region' has values that differ in capitals or blanks alone: 'Nord' and 'Nord\\t'"
    )
    assert spellings("income", pl.Series([">50K", ">50K.", "<=50K", "A", "A+"])) == (
        "'income' has values that differ in capitals, blanks or marks at the end alone: '>50K' and "
        "'>50K.'"
    )


def test_values_that_look_alike_are_written_so_that_they_do_not():
    """An u with dots may be one letter or two, and a blank may have no width."""
    note = spellings("town", pl.Series(["Z\u00fcrich", "Zu\u0308rich", "Bern", "Bern\u200b"]))
    assert note == (
        "'town' has values that differ in capitals, blanks or code points alone: 'Bern' and "
        "'Bern\\u200b'; 'Zu\\u0308rich' and 'Z\\xfcrich'"
    )


def test_texts_of_a_target_that_are_one_class_are_told():
    """Words for true in two spellings, and a number with and without a point."""
    truths, numbers = pl.Series([True, False, True]), pl.Series([1, 2, 1])
    assert one_class("y", truths, pl.Series(["yes", "no", "Yes "])) == (
        "in 'y', each of these is one class: 'Yes ' and 'yes'"
    )
    assert one_class("y", numbers, pl.Series(["1", "2", "1.0"])).endswith(": '1' and '1.0'")
    assert one_class("y", truths, pl.Series(["yes", "no", "yes"])) == ""
    assert one_class("y", numbers, numbers) == ""

"""Numbers in a column whose name says a date are told, with the option that reads them."""

import polars as pl
import pytest

from modelkeep.adopt.doubts import unclear
from modelkeep.adopt.inference import read_cells


def doubts(name, cells):
    """Return what is unclear in a column of these cells."""
    written = pl.Series(name, cells)
    return [*unclear(name, read_cells(written), written)]


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("OrderDate", range(43831, 43931), "--format OrderDate=excel"),
        ("datum", [43831.5, 43832.25, 43840.0], "--format datum=excel"),
        ("created_at", range(1577836800, 1577936800, 999), "--format created_at=%s"),
        ("timestamp", range(1577836800123, 1577936800123, 999999), "--format timestamp=%s%3f"),
        ("sales", range(43831, 43931), ""),
        ("created_at", range(100), ""),
        ("date", [43831, 99999], ""),
    ],
)
def test_numbers_that_may_be_moments_are_told(name, numbers, expected):
    """They stay numbers; those that can be no dates of our time, or have no such name, do not."""
    told = doubts(name, [str(number) for number in numbers])
    assert len(told) == bool(expected)
    assert all(expected in sentence and "2020-01-0" in sentence for sentence in told)


def test_stored_numbers_are_made_dates_in_the_file():
    """A format is of text alone."""
    (told,) = doubts("created_at", list(range(1577836800, 1577936800, 999)))
    assert told.endswith("where they are, make them dates in the file")

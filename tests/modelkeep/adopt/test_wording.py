"""Texts are read as people meant them, and what is taken for what is written into the schema."""

import polars as pl
import pytest

from modelkeep.adopt.wording import read_texts
from modelkeep_core.cells import typed
from modelkeep_core.schema import Column


def reading(*texts, comma=False):
    """Return what texts are taken for."""
    counts = pl.Series("text", texts, dtype=pl.String).value_counts(name="rows", sort=True)
    return read_texts(counts, comma)


def rules(*texts, comma=False):
    """Return the rules of the column that texts are taken for."""
    column = reading(*texts, comma=comma).column.model_dump(exclude_defaults=True)
    return {key: value for key, value in column.items() if value is not None}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "2", "-3"], {"type": "integer"}),
        (["0", "1"], {"type": "integer"}),
        (["5.0", "6.0"], {"type": "integer"}),
        (["1.5", "2", "1e5", ".5"], {"type": "number"}),
        (["99999999999999999999", "1"], {"type": "number"}),
        (["1,5", "2,25"], {"type": "number", "decimal": ","}),
        (["1.234,5", "12"], {"type": "number", "decimal": ",", "thousands": "."}),
        (["1,234", "5,678,901", "3"], {"type": "integer", "thousands": ","}),
        (["1,234.5", "5"], {"type": "number", "thousands": ","}),
        (["1 234,5", "12"], {"type": "number", "decimal": ",", "thousands": " "}),
        (["1\u202f234", "12"], {"type": "integer", "thousands": " "}),
        (["1'234.5", "2'000"], {"type": "number", "thousands": "'"}),
        (["$1,200.50", "-$3"], {"type": "number", "thousands": ",", "unit": "$"}),
        (["12 %", "3,5 %"], {"type": "number", "decimal": ",", "unit": "%"}),
        (["3 kg", "4.5 kg"], {"type": "number", "unit": "kg"}),
        (["007", "012"], {"type": "category"}),
        (["192.168.1.1", "10.0.0.1"], {"type": "category"}),
        (["12:30", "13:45"], {"type": "category"}),
        (["1-2", "2-3"], {"type": "category"}),
        (["A1", "A2"], {"type": "category"}),
        (["1e400", "2e400"], {"type": "category"}),
        (["0,125", "0,250"], {"type": "number", "decimal": ","}),
        (["0,125", "1,250"], {"type": "number", "decimal": ","}),
        (["1e+05", "2.5E+07"], {"type": "integer"}),
        (["1e5", "2e7"], {"type": "integer"}),
        (["1E05", "10E04", "12E12"], {"type": "category"}),
        (["1234", "1E05", "2207"], {"type": "category"}),
        (["12345678901234567890", "12345678901234567891"], {"type": "category"}),
        (["1234567890123456", "1234567890123457"], {"type": "category"}),
        (["10000000000000000", "100000000000000000000", "1"], {"type": "number"}),
    ],
)
def test_numbers_in_any_spelling(texts, expected):
    """Marks and units become rules of the column; what only looks like a number is text."""
    assert rules(*texts) == expected


def test_one_mark_between_three_digits_means_what_it_means_elsewhere_in_the_file():
    """1.234 is a fraction, unless other columns write a decimal comma."""
    assert rules("1.234", "5.678") == {"type": "number"}
    assert rules("1.234", "5.678", comma=True) == {"type": "integer", "thousands": "."}
    assert rules("1,234", "5,678") == {"type": "integer", "thousands": ","}
    assert rules("1,234", "5,678", comma=True) == {"type": "number", "decimal": ","}


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["yes", "No", "Y"], ["no", "yes"]),
        (["TRUE", "false"], None),
        (["t", "f"], ["f", "t"]),
        (["ja", "Nein"], ["nein", "ja"]),
        (["oui", "non"], ["non", "oui"]),
    ],
)
def test_booleans_in_any_spelling(texts, values):
    """Words for true and false are booleans, in some languages."""
    column = reading(*texts).column
    assert (column.type, column.values) == ("boolean", values)


@pytest.mark.parametrize(
    "texts", [("T", "F", "N"), ("yes", "no", "f"), ("on", "no"), ("1", "0", "n"), ("ja", "Ja", "x")]
)
def test_words_of_two_families_stay_apart(texts):
    """F is false and N is no, but in one column they are two answers."""
    assert reading(*texts).column.type == "category"


def test_words_that_become_one_are_told():
    """Nothing that the file tells apart is merged in silence."""
    read = reading("Y", "yes", "no")
    assert read.why == "words for true and false: 'Y', 'yes' and 'no'"
    assert reading("TRUE", "FALSE").why == "words for true and false"


@pytest.mark.parametrize(
    ("text", "number"),
    [("90+", 90), ("<18", 18), (">= 95", 95), ("≤2", 2), ("60 or more", 60), ("80 und mehr", 80)],
)
def test_a_number_at_least_or_at_most_is_read_at_its_bound(text, number):
    """The greatest ages are not unknown ones, which would become the median."""
    numbers = [*map(str, range(20, 60)), text]
    read = reading(*numbers)
    assert (read.column.type, read.column.texts, read.strays) == ("integer", {text: number}, ())
    cells = pl.DataFrame({"text": numbers})
    assert cells.select(typed(pl.col("text"), pl.String(), read.column))["text"][-1] == number


def test_bands_of_numbers_are_classes():
    """Where most cells are no numbers, or only a few numbers are there, a bound is a class."""
    assert reading("<18", "18-25", "26-64", "65+").column.type == "category"
    assert reading(*["1", "2", "3"] * 9, *["4+"] * 5).column.type == "category"


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (["2024-01-31", "2024-02-01T10:30:00", "2024-01-31 10:30:00.5"], None),
        (["31.12.2024", "1.2.2024"], ["%d.%m.%Y"]),
        (["13/2/2024", "1/3/2024"], ["%d/%m/%Y"]),
        (["2/13/2024", "1/3/2024"], ["%m/%d/%Y"]),
        (["01/02/24 10:30 PM", "11/22/23 1:05 AM"], ["%m/%d/%y %I:%M %p"]),
        (["3-Jan-84", "5-Feb-85"], ["%d-%b-%y"]),
        (["January 5, 2024", "March 6, 2024"], ["%B %d, %Y"]),
        (["2024-01", "2024-02"], ["%Y-%m"]),
        (["Jan 2024", "Feb 2024"], ["%b %Y"]),
        (["20240131", "20240201"], ["%Y%m%d"]),
        (["2024-01-31T10:00:00Z"], ["%Y-%m-%dT%H:%M:%S%.fZ"]),
        (["2024-01-31T10:00:00+02:00"], ["%Y-%m-%dT%H:%M:%S%.f%z"]),
        (["2024-01-31", "01.02.2024"], ["%Y-%m-%d", "%d.%m.%Y"]),
    ],
)
def test_dates_in_any_format(texts, formats):
    """The format is found, written down, and reads every text."""
    read = reading(*texts)
    assert (read.column.type, read.column.formats, read.strays) == ("datetime", formats, ())
    cells = pl.DataFrame({"text": texts})
    assert cells.select(typed(pl.col("text"), pl.String(), read.column).is_not_null().all()).item()


def test_days_and_months_are_told_apart_by_the_dates_that_lie_close():
    """Four days in a row are more likely than one day of four months, and the doubt is said."""
    read = reading("1/2/2024", "1/3/2024", "1/4/2024", "1/5/2024")
    assert read.column.formats == ["%m/%d/%Y"]
    assert read.why == "dates written %m/%d/%Y, which could be %d/%m/%Y too"


@pytest.mark.parametrize("stray", ["unknown", "-", "Null", "ICU", "#DIV/0!", "inf"])
def test_a_few_texts_among_numbers_stand_for_nothing(stray):
    """One text in a hundred does not make a column of numbers text."""
    read = reading(*map(str, range(100)), stray)
    assert read.column.type == "integer"
    assert read.strays == (stray,)


def test_more_texts_among_numbers_make_the_column_text():
    """Where a person means something else than a number, nothing is thrown away."""
    assert reading(*map(str, range(50)), "many", "few", "none at all", "some").column == Column(
        type="category"
    )
    assert reading("yes", "no", "maybe").column.type == "category"

"""Rows that are none are told with their number, and stay until a person deletes them."""

import polars as pl
import pytest

from modelkeep.adopt.rows import strange_rows

ROWS = [f"{number},{number / 7:.2f},red,a" for number in range(40)]


def said(tmp_path, *lines, header="id,x,colour,y"):
    """Return what is told of a table with these lines below its header."""
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return [*strange_rows([path])]


@pytest.mark.parametrize("units", [",mm,,", "(no),(mm),(name),(class)", "-,kg/m3,-,-"])
def test_a_line_of_units_is_told(tmp_path, units):
    """It stands below the header, and makes text of numbers."""
    assert len(sentences := said(tmp_path, units, *ROWS)) == 1
    assert sentences[0].startswith("row 1 says '")
    assert sentences[0].endswith(": if it is a line of units, delete it from the file")


def test_a_row_in_the_place_of_the_header_is_told(tmp_path):
    """Its words are values of the columns that they would name."""
    rows = ["old,red,yes", "young,blue,no"] * 3
    (told,) = said(tmp_path, *rows, header="old,red,no")
    assert told.startswith("the header names columns 'old' and 'red', as rows below say there: ")
    assert not said(tmp_path, *rows, header="age,red,member")
    assert not said(tmp_path, *["1,2,yes", "2,3,no"] * 3, header="1,2,3")


def test_two_more_lines_of_a_header_are_told(tmp_path):
    """Surveys have the questions and identifiers below the names."""
    assert said(tmp_path, "How old are you?,,Which?,", "QID1,QID2,QID3,QID4", *ROWS) == [
        "rows 1 to 2 say 'How old are you?' in 'id', where other rows hold numbers: if they are "
        "more lines of the header, delete them from the file"
    ]
    assert not said(tmp_path, *["a,b,red,c"] * 3, *ROWS)


@pytest.mark.parametrize("word", ["Total", "Summe", "TOTAL:", "Average", "Grand total"])
def test_a_sum_of_the_rows_is_told(tmp_path, word):
    """It would be the greatest of all rows."""
    assert said(tmp_path, *ROWS, f"{word},999,,") == [
        f"row 41 says '{word}': if it sums up the others, delete it from the file"
    ]


def test_a_row_that_adds_up_the_others_is_told(tmp_path):
    """It has no word for a sum, and its numbers are those of the others together."""
    sums = f",{sum(number / 7 for number in range(40)):.1f},,"
    rows = [f"{number * 5},{number / 7},red,a" for number in range(40)]
    assert said(tmp_path, *rows, f"3900{sums}") == [
        "row 41 sums up the others in 'id' and 'x': if it is no row of its own, delete it from the "
        "file"
    ]
    assert said(tmp_path, *rows, f"200{sums}") == []
    assert said(tmp_path, *(["0,0,red,a"] * 40)) == []


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("5.1,3.5,1.4,setosa", "the header names a column '5.1': where that is the first row, put"),
        ("0,1,-3,x", "the header names a column '-3'"),
        ("400.5,401,401.5,y", ""),
        ("1990,1991,1992,y", ""),
        ("a,b,1.5,y", ""),
    ],
)
def test_a_header_that_is_a_row_is_told(tmp_path, header, note):
    """Fractions and negative numbers name no columns, but where they rise as wave lengths do."""
    notes = said(tmp_path, *ROWS, header=header)
    assert [sentence[: len(note)] for sentence in notes] == ([note] if note else [])


def test_a_footer_is_told(tmp_path):
    """Its other cells are empty."""
    assert said(tmp_path, *ROWS, "Source: Office of Statistics,,,") == [
        "row 41 says 'Source: Office of Statistics' and nothing else: if it is a footer, delete it "
        "from the file"
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ROWS,
        [*ROWS, "40,,,"],
        ["0,?,red,a", *ROWS],
        [*(f"{number},1,total,a" for number in range(40))],
        ROWS[:2],
    ],
    ids=["plain", "empty cells", "a word among numbers", "totals of their own", "few"],
)
def test_ordinary_rows_are_not_told(tmp_path, lines):
    """A row with a number of its own, and a word that many rows have."""
    assert said(tmp_path, *lines) == []


def test_each_of_several_files_is_looked_at(tmp_path):
    """And named; what is stored as numbers holds no words."""
    said(tmp_path, *ROWS, "Total,999,,")
    pl.DataFrame({"id": range(9), "y": ["a"] * 9}).write_parquet(tmp_path / "more.parquet")
    pl.DataFrame({"id": range(9)}).write_parquet(tmp_path / "numbers.parquet")
    files = [tmp_path / name for name in ("rows.csv", "more.parquet", "numbers.parquet")]
    assert [*strange_rows(files)] == [
        "rows.csv, row 41 says 'Total': if it sums up the others, delete it from the file"
    ]


def test_names_that_mean_more_to_polars_are_names(tmp_path):
    """A column may be called as a pattern is."""
    path = tmp_path / "rows.csv"
    rows = [f"{number},{number}" for number in range(40)]
    lines = ["^v.*$,*", "kg,m", *rows, "Total,7"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert [sentence.partition(":")[0] for sentence in strange_rows([path])] == [
        "row 1 says 'kg' in '^v.*$', where other rows hold numbers",
        "row 42 says 'Total'",
    ]

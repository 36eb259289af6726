"""Text tables are read however they are written, and a broken line is named."""

import csv
import io

import pytest

from modelkeep.intake.delimited import dialect_of, named, rows_of
from modelkeep_core.errors import UserError

ROWS = [["name", "größe"], ["Zoë", "1,5"], ['a "b"; c', "2\t3"], ["x|y", ""]]


def file_of(tmp_path, text, encoding="utf-8"):
    """Write a text and return its path."""
    path = tmp_path / "rows.txt"
    path.write_bytes(text.encode(encoding))
    return path


def read(path):
    """Return the names and the rows of a table."""
    dialect = dialect_of(path, path.name)
    return dialect.names, list(rows_of(path, path.name, dialect))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", ":", "~", "\x01", "\x1f"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_encoding_and_line_end_make_no_difference(tmp_path, delimiter, encoding, end):
    """The same cells come out of every dialect."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator=end).writerows(ROWS)
    names, rows = read(file_of(tmp_path, buffer.getvalue(), encoding))
    assert [names, *rows] == ROWS


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("a b\n1 2\n3 4\n", ["a", "b"], [["1", "2"], ["3", "4"]]),
        ("sep=;\na;b\n1;2\n", ["a", "b"], [["1", "2"]]),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ["a", "b"], [["1,5", "2,5"], ["3,5", "4,5"]]),
        ("a,b\n1,2\n\n3,4\n\n", ["a", "b"], [["1", "2"], ["3", "4"]]),
        ("a,b\nx,1,2\ny,3,4\n", ["column_1", "a", "b"], [["x", "1", "2"], ["y", "3", "4"]]),
        ("a,b\n1,2,\n3,4,\n", ["a", "b", "column_3"], [["1", "2", ""], ["3", "4", ""]]),
        ('a,b\n"1\n2",3\n', ["a", "b"], [["1\n2", "3"]]),
        ('a,b\n"say \\"x\\"",3\n', ["a", "b"], [['say "x"', "3"]]),
        ('a,b\n5" pipe,3\n', ["a", "b"], [['5" pipe', "3"]]),
        ('a, b\n1, "x, y"\n2, z\n', ["a", "b"], [["1", "x, y"], ["2", "z"]]),
        ("a,b\n'x, y',1\n'z',2\n", ["a", "b"], [["x, y", "1"], ["z", "2"]]),
        ("a,b\n1, x\n2,y\n", ["a", "b"], [["1", " x"], ["2", "y"]]),
        ("a,b\nx's,1\ny's,2\n", ["a", "b"], [["x's", "1"], ["y's", "2"]]),
        ("a,b\n1,x\n\ufeff2,y\n", ["a", "b"], [["1", "x"], ["2", "y"]]),
        ("only\n1\n2\n", ["only"], [["1"], ["2"]]),
        ("time\n9:30\n10:30\n", ["time"], [["9:30"], ["10:30"]]),
        ("at n\n9:30 1\n9:45 2\n", ["at", "n"], [["9:30", "1"], ["9:45", "2"]]),
        ('"a","b"\n"1",2,3\n"2",4,5\n', ["column_1", "a", "b"], [["1", "2", "3"], ["2", "4", "5"]]),
        ("a,b\n1,2,.5\n2,4,5\n", ["column_1", "a", "b"], [["1", "2", ".5"], ["2", "4", "5"]]),
        ("a,b\n", ["a", "b"], []),
        ("sep=\t\na\tb\n1\t2\n", ["a", "b"], [["1", "2"]]),
        (
            'a;b;c\n"\\"x\\"";\\N;\\N\n\\N;N;"c:\\\\d"\n',
            ["a", "b", "c"],
            [['"x"', "\\N", "\\N"], ["\\N", "N", "c:\\d"]],
        ),
    ],
    ids=[
        *("spaces", "sep=", "decimal commas", "empty lines", "row names", "delimiter at the end"),
        *("line end in a cell", "escaped quotes", "open quote in a cell", "blanks", "strokes"),
        *("a blank in a cell", "apostrophes", "files put together", "one column", "times"),
        *("times between blanks", "numbers of rows", "numbers of rows and points", "no rows"),
        *("sep= and a tab", "nulls of databases"),
    ],
)
def test_habits_of_other_programs_are_understood(tmp_path, text, names, rows):
    """What spreadsheets, R and databases write is read as they meant it."""
    assert read(file_of(tmp_path, text)) == (names, rows)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a_2", "a", "a"], ["a_2", "a", "a_3"]),
        (["", " ", "x"], ["column_1", "column_2", "x"]),
        ([" a  b ", "c\nd", "\ufeffe"], ["a b", "c d", "e"]),
        (["select", "1st", "größe", "汉字", "😀"], ["select", "1st", "größe", "汉字", "😀"]),
    ],
)
def test_every_column_has_a_name_of_its_own(header, names):
    """Names stay as they are where they can; empty, equal and padded ones become others."""
    assert named(header) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n4,5\n", r"rows\.txt, line 3: 1 cell, where the header has 2"),
        ("a,b\n1,2\n3,4,5\n6,7\n", r"rows\.txt, line 3: 3 cells"),
        ('a,b\n"1\n2",3\n4\n', r"rows\.txt, line 4: 1 cell"),
        ('a,b\n1,2\n3,"4\n5,6\n', r"rows\.txt, line 3: a quotation mark is opened and not closed"),
        ('a,b\n1,2\n"3"x,4\n', r"rows\.txt, line 3: "),
        ("a,b\n1,2\n\x1a", r"rows\.txt, line 3: the control character 0x1a \(Ctrl-Z\)"),
        (
            "a,b\n1,5,2\n1,7,3\n",
            r"rows\.txt, line 1: the header has 2 names, and the rows have 3 cells",
        ),
        ("a,b\n1,5,2\n3,7,3\n", r"line 1: .* of which '1,5' may be one number with a comma in it"),
        ("id,b\nx,3,14\ny,2,71\n", r"line 1: .* of which '3,14' may be one number"),
        ("id,b\nx,3,1\ny,2,71\n", r"line 1: .* of which '3,1' may be one number"),
        ("a,b,,\n1,2,,\n3,4\n5,6,7,\n", r"rows\.txt, line 3: 2 cells, where the header has 4"),
        ("a,b,c,d\n1,2,3,4\n5,6,7\n8,9,1\n", r"line 3: 3 cells, where the header has 4"),
        ("a,b\n1,2\nNote: x\n", r"line 3: 1 cell, .*Where it is a title or a footer, delete it"),
        ("id,b\nx,3,14\ny,2,05\n", r"line 1: .* of which '3,14' may be one number"),
        ("a;b\n1;2\n3;4\x1a\r\n", r"rows\.txt, line 3: the control character 0x1a \(Ctrl-Z\)"),
    ],
)
def test_a_broken_line_is_told_with_its_number(tmp_path, text, message):
    """The line is the one that an editor shows."""
    with pytest.raises(UserError, match=message) as refused:
        read(file_of(tmp_path, text))
    assert "\n" not in str(refused.value)


def test_marks_of_one_stroke_around_all_cells_of_a_column_are_quotation_marks(tmp_path):
    """They part no commas; where some cells have none, they are part of a name."""
    quoted = "a,b\n'1',x\n'2',\n'3',z\n"
    assert read(file_of(tmp_path, quoted))[1] == [["1", "x"], ["2", ""], ["3", "z"]]
    some = "a,b\n'tis',x\ntwo,y\n"
    assert read(file_of(tmp_path, some))[1] == [["'tis'", "x"], ["two", "y"]]


def test_empty_cells_behind_the_header_are_left_out(tmp_path):
    """Spreadsheets write them in the first rows alone; where all rows have them, they stay."""
    assert read(file_of(tmp_path, "a,b,,\n1,2,,\n3,4\n5,6, \n")) == (
        ["a", "b"],
        [["1", "2"], ["3", "4"], ["5", "6"]],
    )
    names, rows = read(file_of(tmp_path, "a,b,,\n1,2,,\n3,4,,\n"))
    assert (names, rows[0]) == (["a", "b", "column_3", "column_4"], ["1", "2", "", ""])


def test_names_of_rows_beside_whole_numbers_are_names(tmp_path):
    """Whole numbers have more or fewer digits and end with zeros, which fractions do not."""
    rows = "".join(f"x{number},{number},{number * 5}\n" for number in range(1, 30))
    assert read(file_of(tmp_path, "a,b\n" + rows))[0] == ["column_1", "a", "b"]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(tmp_path, text):
    """Without a header there is no table."""
    with pytest.raises(UserError, match=r"rows\.txt is empty"):
        dialect_of(file_of(tmp_path, text), "rows.txt")


def test_only_a_plain_file_may_stay_as_it_is(tmp_path):
    """UTF-8 with commas and names that can stay is usual; everything else is not."""
    usual = {
        text: dialect_of(file_of(tmp_path, text), "x").usual
        for text in ("a,b\n1,2\n", "\ufeffa,b\n1,2\n", "a;b\n1;2\n", "a,a\n1,2\n", "a\nx,2\n")
    }
    assert list(usual.values()) == [True, False, False, False, False]


def test_a_header_that_comes_again_is_named(tmp_path):
    """Files that were put one after another have it in their middle, and it is no row."""
    for again in ("\ufeffa;b", '"a";"b"', "a; b", '"a"; "b"'):
        path = file_of(tmp_path, f"a;b\n1;2\n{again}\n3;4\n")
        with pytest.raises(UserError, match=r"^rows\.txt, line 3: the header is there again"):
            read(path)

"""Tables are taken in so that the pipeline reads them, cell by cell; plain ones stay as bytes."""

import gzip
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from modelkeep.intake.reading import scan, table_at, take_in
from modelkeep_core.errors import UserError


def taken(source, tmp_path):
    """Take in tables and return the files by their paths in data/raw, and what was said."""
    files, notes = take_in(source, tmp_path / "raw", tmp_path / "work")
    return {file.relative_to(tmp_path / "raw").as_posix(): file for file in files}, notes


def written(path, content):
    """Write bytes and return the path."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"a,b\n1,x\n,\n", b'a,b\r\n1,"x, y"\r\n'])
def test_a_plain_file_stays_byte_for_byte(tmp_path, content):
    """The hash of a table in the lineage is that of the file that a person gave."""
    files, notes = taken(written(tmp_path / "rows.csv", content), tmp_path)
    assert files["rows.csv"].read_bytes() == content
    assert notes == []


def test_a_plain_parquet_file_stays_byte_for_byte(tmp_path):
    """So does a file of columns that the schema has types for."""
    path = tmp_path / "rows.pq"
    pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [date(2024, 1, 1)] * 2}).write_parquet(path)
    files, notes = taken(path, tmp_path)
    assert files["rows.parquet"].read_bytes() == path.read_bytes()
    assert notes == []


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ("a;b\n1,5;é\n".encode("cp1252"), [("1,5", "é")]),
        ("\ufeffa\tb\n1\tx\n".encode("utf-16"), [("1", "x")]),
        (b'a,b\n1,say ""x""\n', [("1", 'say ""x""')]),
        (b"a,b\r1,2\r3,4\r", [("1", "2"), ("3", "4")]),
        (b"a,b\n1,2\n\n3,4\n", [("1", "2"), ("3", "4")]),
        (b'a,b\nx"y,z"w\n', [('x"y', 'z"w')]),
        (b'a|b\n"x\ny"|"p,q"\n', [("x\ny", "p,q")]),
        (b"a,b\n  1 ,NA\n", [("  1 ", "NA")]),
    ],
)
def test_other_text_becomes_csv_with_the_same_cells(tmp_path, content, cells):
    """What the pipeline reads is what stood in the file, cell by cell."""
    files, _ = taken(written(tmp_path / "rows.txt", content), tmp_path)
    assert scan(files["rows.csv"]).collect().rows() == cells


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("a,a,\n1,2,3\n", "the same name or none: column 2 is called 'a_2', column 3 is called 'c"),
        ("a,b\nx,1,2\ny,3,4\n", "has 2 names in its header and 3 cells in a row: the first column"),
        ("\ufeffa,b\n1,2\n", "is read without the byte order mark at its beginning"),
        ("a,b\n5'10\",2\n", "is read as UTF-8 with commas, though its quotation marks or line"),
        ("a, b\n1, x\n2, y\n", "is read as UTF-8 with commas and blanks behind them"),
        ("x^2,b\n1,2\n", "is read as text, though it begins with 'x^2', as packed data may"),
        ("a^b\n1^2\n", "is read as UTF-8 with carets"),
        ("a,b,c\n1,'x,y',3\n2,'z',4\n", "is read as UTF-8 with commas and single quotation marks"),
    ],
)
def test_what_is_not_as_in_the_file_is_said(tmp_path, text, note):
    """Names that columns get, and marks and blanks that are no part of cells."""
    _, notes = taken(written(tmp_path / "rows.csv", text.encode()), tmp_path)
    assert len(notes) == 1
    assert note in notes[0]


def test_what_was_rewritten_is_said(tmp_path):
    """A person is told why the bytes are others."""
    path = written(tmp_path / "rows.tsv", "a\tü\n1\t2\n".encode("cp1252"))
    _, notes = taken(path, tmp_path)
    assert notes == [
        "rows.tsv is read as cp1252 with tabs; where letters are wrong, name its encoding with "
        "--encoding"
    ]


def test_parquet_columns_of_other_types_become_plain(tmp_path):
    """Types that the schema has no word for are converted; what cannot be a column is left out."""
    path = tmp_path / "rows.parquet"
    table = pl.DataFrame(
        {
            "kind": pl.Series(["a", "b"], dtype=pl.Categorical),
            "money": [Decimal("1.50"), None],
            "took": [timedelta(minutes=1), None],
            "at": [time(9, 30), None],
            "when": pl.Series([datetime(2024, 1, 1), None]).dt.replace_time_zone("Europe/Berlin"),
            "share": [float("inf"), 0.5],
            "tags": [["x"], []],
            "raw": [b"x", b"y"],
            "big": pl.Series([2**64 - 1, 1], dtype=pl.UInt64),
        }
    )
    table.write_parquet(path)
    files, notes = taken(path, tmp_path)
    rows = scan(files["rows.parquet"]).collect()
    assert rows.rows()[0] == (
        *("a", 1.5, 60.0, "09:30:00", datetime(2023, 12, 31, 23), None, str(2**64 - 1)),
    )
    assert notes == [
        "rows.parquet has durations in column 'took', which are kept in seconds",
        "rows.parquet has times of Europe/Berlin in column 'when', which are kept in UTC",
        "rows.parquet has lists or bytes in column 'tags', which is left out",
        "rows.parquet has lists or bytes in column 'raw', which is left out",
        "rows.parquet has infinite numbers in column 'share', which are empty cells now: 1",
    ]


def test_types_of_one_program_are_left_out(tmp_path):
    """Periods of pandas are no column of a table, and the others are read."""
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"a": [1, 2], "p": pd.period_range("2024-01", periods=2, freq="M")})
    table.to_parquet(tmp_path / "x.parquet")
    files, notes = taken(tmp_path / "x.parquet", tmp_path)
    assert scan(files["x.parquet"]).collect().rows() == [(1,), (2,)]
    assert notes == ["x.parquet has a type of its own program in column 'p', which is left out"]


def test_names_are_mended_in_both_kinds(tmp_path):
    """A header is told apart before the schema names its columns."""
    pl.DataFrame({" a ": [1], "": [2]}).write_parquet(tmp_path / "x.parquet")
    files, notes = taken(tmp_path / "x.parquet", tmp_path)
    assert scan(files["x.parquet"]).collect_schema().names() == ["a", "column_2"]
    assert notes == [
        "x.parquet has columns with the same name or none: column 2 is called 'column_2'"
    ]


def test_the_files_of_a_directory_have_names_of_their_own(tmp_path):
    """Two tables that differ only in their kind of file do not overwrite each other."""
    data = tmp_path / "data"
    written(data / "x.csv", b"a,b\n1,2\n")
    written(data / "x.tsv", b"b\ta\n3\t4\n")
    written(data / "x.csv.gz", gzip.compress(b"a,b\n5,6\n", mtime=0))
    written(data / "notes.md", b"x")
    files, notes = taken(data, tmp_path)
    assert sorted(files) == ["x-2.csv", "x-3.csv", "x.csv"]
    assert "files in data that are no tables and left out: 1" in notes


def test_tables_of_other_columns_are_refused(tmp_path):
    """Files that do not belong together are told by the first column that differs."""
    written(tmp_path / "data" / "x.csv", b"a,b\n1,2\n")
    written(tmp_path / "data" / "y.csv", b"a,c\n1,2\n")
    with pytest.raises(UserError, match=r"x\.csv and y\.csv differ: only one has a column 'b'"):
        taken(tmp_path / "data", tmp_path)


def test_a_broken_parquet_file_is_refused(tmp_path):
    """What the reader says is told with the name of the file."""
    with pytest.raises(UserError, match=r"rows\.parquet cannot be read as parquet"):
        taken(written(tmp_path / "rows.parquet", b"PAR1 nothing"), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "cells"),
    [
        ("x.csv", b'a,b\n1,"x ""y"""\n\n,\n', [("1", 'x "y"')]),
        ("x.csv", b"a,b\n5'10\",x\n", [("5'10\"", "x")]),
        ("x.csv", b'a,b\n"say \\"x, y\\"",2\n', [('say "x, y"', "2")]),
        ("x.csv", b"a;b\n1;2\n ; \n", [("1", "2")]),
        ("x.csv", b"a,b\r1,2\r\r3,4\r", [("1", "2"), ("3", "4")]),
        ("x", gzip.compress(b"a,b\n1,2\n", mtime=0), [("1", "2")]),
    ],
)
def test_one_table_is_read_whatever_it_is_in(tmp_path, name, content, cells):
    """A door that takes one table reads the cells that `adopt` reads; a plain file stays."""
    path = written(tmp_path / name, content)
    file, notes = table_at(path, ["a", "b"], tmp_path / "work")
    assert [row[:2] for row in scan(file).collect().rows()] == cells
    assert (file == path) is (content.startswith(b'a,b\n1,"x'))
    assert (notes == []) is (content.startswith((b'a,b\n1,"x', b"\x1f")))


def test_a_name_with_quotation_marks_is_kept(tmp_path):
    """In the file that stays byte for byte, and in one that is written anew."""
    for end in ("", "\n5'10\",2"):
        path = written(tmp_path / "x.csv", f'"5"" pipe",b\n1,2{end}\n'.encode())
        files, _ = take_in(path, tmp_path / f"raw{len(end)}", tmp_path / "work")
        assert scan(files[0]).collect_schema().names() == ['5" pipe', "b"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("", [1, 2]),
        (" x ", [1, 2]),
        ("x", [[1], [2]]),
        ("x", [b"1", b"2"]),
        ("x", [{"z": 1}, {"z": 2}]),
        ("x", [float("inf"), 1.0]),
        ("x", [timedelta(hours=1), None]),
    ],
)
def test_new_rows_are_read_as_those_that_were_adopted(tmp_path, column, values):
    """Names and cells that adopt changes are changed in the same way, though the rest is there."""
    path = tmp_path / "rows.parquet"
    pl.DataFrame({column: values, "a": [1, 2]}).write_parquet(path)
    adopted, _ = take_in(path, tmp_path / "raw", tmp_path / "work")
    there = scan(adopted[0]).collect()
    again, _ = table_at(path, ["a"], tmp_path / "again", None, there.columns)
    assert scan(again).collect().equals(there)


def test_a_name_that_the_schema_has_stays_as_it_is(tmp_path):
    """Whoever wrote the schema by hand may have names that adopt would not give."""
    path = written(tmp_path / "x.csv", b" a ,b\n1,2\n")
    assert table_at(path, ["b"], tmp_path / "one", None, ["b", " a "]) == (path, [])
    file, _ = table_at(path, ["b"], tmp_path / "two", None, ["a", "b"])
    assert scan(file).collect_schema().names() == ["a", "b"]


def test_names_of_files_are_no_patterns(tmp_path):
    """Brackets and stars in a name stand for themselves."""
    path = written(tmp_path / "x[1].csv", b"a,b\n1,2\n")
    files, _ = take_in(path, tmp_path / "raw", tmp_path / "work")
    assert scan(files[0]).collect().rows() == [("1", "2")]
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "y[1].parquet")
    assert table_at(tmp_path / "y[1].parquet", ["a"], tmp_path / "work")[1] == []


def test_the_encoding_that_a_person_names_is_used(tmp_path):
    """And no guess is told."""
    path = written(tmp_path / "x.csv", "Łódź,b\nŻory,1\n".encode("cp1250"))
    file, notes = table_at(path, ["Łódź"], tmp_path / "work", "cp1250")
    assert scan(file).collect().rows() == [("Żory", "1")]
    assert notes == ["x.csv is read as cp1250 with commas"]


def test_what_is_packed_is_named_by_what_a_person_gave(tmp_path):
    """A message names the archive, and what in it."""
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("0.npy", b"\x93NUMPY\x01\0v\0")
    with pytest.raises(UserError, match=r"^x\.npz: 0\.npy is an array of NumPy"):
        table_at(tmp_path / "x.npz", ["a"], tmp_path / "work")
    path = written(tmp_path / "y.csv.gz", gzip.compress(b"a,b\n1,2\n3\n", mtime=0))
    with pytest.raises(UserError, match=r"^y\.csv\.gz, line 3: 1 cell"):
        table_at(path, ["a"], tmp_path / "work2")

"""What people take for a table is named for what it is, with what helps."""

import pytest

from modelkeep.intake.delimited import dialect_of, rows_of
from modelkeep_core.errors import UserError

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
RECORDS = "".join(f'{{"a": {number}, "y": "b"}}\n' for number in range(30))
HOUSING = "".join(f" {number:8.5f}  {1:5.2f}   {2:2d}\n" for number in range(30))
PAGE = "\n<!DOCTYPE html><html><body>\n" + "<p>sign in, please; now</p>\n" * 30


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (LFS, "a pointer of Git LFS, not the file itself: `git lfs pull`"),
        ("outs:\n- md5: 4d7a.dir\n  path: raw\n", "a file of DVC, not the data: `dvc pull`"),
        ("/annex/objects/SHA256E-s5--4d7a.csv\n", "a pointer of git-annex: `git annex get`"),
        (PAGE, "an HTML page, such as a sign-in page"),
        ("<table><tr><td>1</td></tr></table>", r"an HTML page: save .* pandas\.read_html\(path\)"),
        ('<?xml version="1.0"?>\n<rows/>\n', "XML, not a table"),
        ("<Error><Code>AccessDenied</Code></Error>", "XML, not a table"),
        ("{\\rtf1\\ansi a,b\\par 1,2}", r"a document \(RTF\), not CSV: convert it to CSV first"),
        ("a & b \\\\\n\\hline\n1 & 2 \\\\\n", "a table in LaTeX"),
        ("- a: 1\n  b: 2\n", "YAML, not CSV"),
        (f"HEADER RECORD{7 * '*'}LIBRARY HEADER", r"a SAS file, .* pandas\.read_sas\(path\)"),
        ('[{"a": 1}\n,{"a": 2}]', r"JSON, not a table: .* pandas\.read_json\(path\)"),
        ("# exported by tool\na\tx\n1\t2\n3\t4\n", r"line 1: '# exported by tool' is a comment"),
        (RECORDS, r"JSON Lines, not a table: .* pandas\.read_json\(path, lines=True\)"),
        ('[\n  {"a": 1},\n  {"a": 2}\n]\n', r"JSON, not a table: .* pandas\.read_json\(path\)"),
        ('{\n  "a": [1, 2]\n}\n', "JSON, not a table"),
        ("[[1, 2], [3, 4]]", "JSON, not a table"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "a table in Markdown, not CSV: convert it"),
        ("+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n+---+---+\n", "a table drawn with lines"),
        (" a | b \n---+---\n 1 | 2 \n(1 row)\n", "a table drawn with lines, not CSV: convert it"),
        ("┌───┬───┐\n│ a │ b │\n├───┼───┤\n│ 1 │ 2 │\n└───┴───┘\n", "a table drawn with lines"),
        ("% made\n@RELATION a\n@attribute x numeric\n@data\n1\n", "an ARFF file"),
        ("1 1:0.5 3:2\n-1 2:1e-3\n", "in the format of LIBSVM"),
        ("-- a\nINSERT INTO t VALUES (1, 2);\n", "SQL, not CSV"),
        (HOUSING, r"parted by runs of blanks\. Save it with commas and a header"),
        ("a  b\n1  2\n3  4\n", "parted by runs of blanks"),
        ("# exported by tool\na,x,y\n1,2,3\n4,5,6\n", r"line 1: '# exported by tool' is a comment"),
        ("\n// a\na,x,y\n1,2,3\n4,5,6\n", r"line 2: '// a' is a comment.* on line 3: delete the"),
        ("Report of sales;;\n;;\na;x;y\n1;2;3\n", r"line 1: 'Report of sales' is a title.*line 3"),
        (
            "Sales, all\n\na,b,c,d\n1,2,3,4\n4,5,6,7\n",
            "line 1: 'Sales all' is a title.*line 3",
        ),
    ],
)
def test_a_text_that_is_no_table_is_named(text, sentence):
    """Instead of counting its cells, the message says what it is and what to do."""
    with pytest.raises(UserError, match=rf"^rows\b.*{sentence}") as refused:
        dialect_of(text.encode(), "rows")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "is a picture (PNG), neither text nor Parquet"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF, neither"),
        (b"\x93NUMPY\x01\0v\0", "is an array of NumPy, neither"),
        (b"SQLite format 3\0", "is a database (SQLite), neither"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old spreadsheet or document"),
        (b"\x80\x04\x95", "is a pickle of Python, neither"),
        (b"<stata_dta><header>\0", "is a Stata file, neither"),
        (b"\x1f\x8b\x08\0", "is packed by gzip once more, neither"),
        (b"rows.csv".ljust(257, b"\0") + b"ustar\x0000", "is a tar archive, neither"),
        (
            b"\x28\xb5\x2f\xfd\0",
            "is packed by Zstandard, neither text nor Parquet: unpack it first",
        ),
        (b"\x04\x22\x4d\x18\xff", "is packed by LZ4, neither"),
        (b"\xff\xff\xff\xff\x10\0", "is a stream of Arrow, neither"),
        (b"X\n\0\0\0\x03", "is a file of R, neither text nor Parquet: convert it to CSV first"),
        (b"r\x01\x01\0\x05", "is a Stata file, neither"),
        (bytes(12) + b"\xc2\xea\x81\x60", "is a SAS file, neither"),
        (bytes(8) + b"DUCK\x40\0", "is a database (DuckDB), neither"),
        (
            b"ARROW1\0\0\xff",
            "is an Arrow (Feather) file, neither text nor Parquet: convert it to Parquet or CSV "
            "first, for example with pandas.read_feather(path).to_parquet('table.parquet').",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1",
            "is an old spreadsheet or document (such as .xls), neither text nor Parquet: save the "
            "sheet as CSV first, in its program or with pandas.read_excel(path).to_csv('table",
        ),
    ],
)
def test_a_file_of_bytes_is_named(start, kind):
    """By how it begins, and with what helps."""
    with pytest.raises(UserError) as refused:
        dialect_of(start, "rows")
    assert str(refused.value).startswith(f"rows {kind}")


@pytest.mark.parametrize(
    "header",
    [
        *("#,name", "# id,name", "{a},b", "[a],b", '"[x]",y', "BZh,a", "version https,a"),
        *("outs:,a", "a,b  c", "<DATE>,<TIME>", "a & b,c", "- a: 1,b"),
    ],
)
def test_a_table_with_a_strange_header_is_a_table(header):
    """Nothing is refused for a sign in a name."""
    text = f"{header}\n1,2\n3,4\n".encode()
    assert list(rows_of(text, "rows", dialect_of(text, "rows"))) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("name", ["ORCID", "RDX", "BZh", "GIF87", "MATLAB"])
def test_a_header_that_begins_as_other_files_do_is_one(name):
    """Some kinds of files begin with letters alone, and the table has others than of English."""
    assert dialect_of(f"{name},größe\n1,2\n".encode(), "rows").names == [name, "größe"]
    assert dialect_of(f"{name},größe\n1,2\n".encode("cp1252"), "rows").names == [name, "größe"]


def test_a_column_of_words_is_a_table():
    """Two blanks in a sentence do not part cells."""
    text = b"a\nsome  words\nothers\n"
    assert list(rows_of(text, "rows", dialect_of(text, "rows"))) == [["some  words"], ["others"]]

"""A CSV file is proven to be read alike by every program, or refused with the number of a line."""

import csv
import io
import random

import pytest

from modelkeep_core import csv_text, tables
from modelkeep_core.csv_text import BLANK, NotPlain, examine

# What stands in files of people: cells, and pieces that break a file where they are put
CELLS = ("a", "", "é", '"q"', "x,y", "l\nm", " ", "NA", "1", "\r", 'a"b', "\\")
PIECES = ('"', '""', ",", "\n", "\r", "\r\n\r\n", " ", '\\"', '"",""\n', "5'", ",,\n", '"a\nb"')


def examined(text):
    """Examine a text, or bytes."""
    return examine(io.BytesIO(text if isinstance(text, bytes) else text.encode()))


@pytest.mark.parametrize(
    ("text", "names", "rows", "blank"),
    [
        ("a,b\n1,2\n3,4", ["a", "b"], 2, 0),
        ("\ufeffa,b\r\n1,2\r\n", ["a", "b"], 1, 0),
        ("\n\r\na,b\n1,2\n", ["a", "b"], 1, 0),
        ('"5"" pipe","x, y","two\nlines"\n1,2,3\n', ['5" pipe', "x, y", "two\nlines"], 1, 0),
        ("a,b\n1,2\n\n  \n,\n\"\",' '\n3,4\n\r\n", ["a", "b"], 3, 4),
        ('a\n1\n""\n\n2\n', ["a"], 2, 2),
        ('a,b\n"1\n\n2","3,4"\n"\r",x\n', ["a", "b"], 2, 0),
        ("a,b", ["a", "b"], 0, 0),
    ],
)
def test_names_and_lines_are_counted(text, names, rows, blank):
    """A cell may hold commas and lines; a line of blanks, commas and empty cells is no row."""
    assert examined(text) == (names, rows, blank)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        (" , \n1,2\n", "line 1: names of columns are missing"),
        ("a,b,a\n", "line 1: the header names the column 'a' more than once"),
        ("a,b\n1,2\n3\n", "line 3: 1 cell, where the header has 2"),
        ("a,b\n1,2,3\n4\n", "line 2: 3 cells, where the header has 2"),
        ("a,b\n\n1,2\n,,\n", "line 4: 3 cells, where the header has 2"),
        ('a,b\n"1\n2",3\n4\n', "line 4: 1 cell, where the header has 2"),
        ("a,b\n1,2\n5'10\",x\n", "line 3: a quotation mark inside a cell that does not begin with"),
        ('a,b\n1,"2"x\n', "line 2: a quotation mark inside a cell that is not doubled"),
        ('a,b\n1,"say \\"x\\""\n', "line 2: a quotation mark inside a cell that is not doubled"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quotation mark is opened and not closed"),
        ('a,"b\n', "line 1: a quotation mark is opened and not closed"),
        ("a,b\r1,2\r", "line 1: a carriage return without a line feed"),
        ("a,b\n1,2\n3,\0\n", "line 3: a zero byte"),
        ("a,b\n1,2\n\x1a", "line 3: the control character 0x1a"),
        ("a,b\n1,2\n3,4\x1a\r\n", "line 3: the control character 0x1a"),
        (b"a,b\n1,2\n\n3,\xe9\n", "line 4: the byte 0xe9 is no text in UTF-8"),
        ("x^2,y\n1,2\n", "line 1: it begins with 'x^', as packed data do: quote the name"),
        ("x\x01y\n1,2\n", "line 1: it begins with 'x\\x01', as packed data do"),
    ],
)
def test_what_programs_read_differently_is_refused_with_its_line(text, reason):
    """The line is the one that an editor shows."""
    with pytest.raises(NotPlain) as refused:
        examined(text)
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize("chunk", [1, 7, 1 << 22])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\na,b\n", "line 3: the header is there again"),
        ("a,b\na,b\n1,2\n", "line 2: the header is there again"),
        ('"a","b"\n1,2\na,b\n', "line 3: the header is there again"),
        ('a,b\r\n1,2\r\n"a","b"\r\n', "line 3: the header is there again"),
        ("a,b\n1,2\na, b\na,b\n", "line 3: the header is there again: delete this line$"),
        ("0,1.5\n1,2\n0,1.5\n", "line 3: .*, or put the names of the columns above the first line"),
        ("a,b\n1,é\n\ufeff2,3\n", "line 3: a byte order mark"),
    ],
)
def test_files_that_were_put_one_after_another_are_refused(monkeypatch, chunk, text, reason):
    """A header in the middle is no row, and a mark before a number makes it a text."""
    monkeypatch.setattr(csv_text, "CHUNK", chunk)
    with pytest.raises(NotPlain, match=f"^{reason}"):
        examined(text)
    assert examined("b,a,b2\n1,a,b\n") == (["b", "a", "b2"], 1, 0)
    assert examined("y\ny\nn\n") == (["y"], 2, 0)


@pytest.mark.parametrize("chunk", [1, 7, 1 << 22])
def test_how_much_is_read_at_once_makes_no_difference(monkeypatch, chunk):
    """Cells, marks and lines may lie on both sides of where a file is cut."""
    monkeypatch.setattr(csv_text, "CHUNK", chunk)
    text = 'a,b\n1,"x\n""y"", z"\n\n"",\r\n"é",2\n' * 3
    assert examined(text[: text.index("a,b", 4)]) == (["a", "b"], 2, 2)
    with pytest.raises(NotPlain, match=r"line 4: 1 cell"):
        examined('a,b\n1,"x\ny"\n3\n')


def test_a_mark_that_is_never_closed_does_not_fill_the_memory(monkeypatch):
    """A stray mark at the beginning of a cell would make one cell of the rest of the file."""
    monkeypatch.setattr(csv_text, "CHUNK", 8)
    monkeypatch.setattr(csv_text, "LONGEST", 100)
    file = io.BytesIO(b'a,b\n1,"2\n' + b"3,4\n" * 10_000)
    with pytest.raises(NotPlain, match=r"line 2: a quotation mark is opened and not closed"):
        examine(file)
    assert file.tell() < 1_000


def test_what_is_not_refused_is_read_as_python_reads_it(tmp_path, monkeypatch):
    """Polars and Python's csv give the same cells for every file that passes, and as many rows."""
    draw, read = random.Random(5), 0
    for number in range(400):
        path = tmp_path / f"{number}.csv"
        monkeypatch.setattr(csv_text, "CHUNK", draw.choice([1, 5, 16, 1 << 22]))
        text = drawn(draw)
        path.write_bytes(text.encode())
        try:
            table = tables.scan_as_given(path).collect()
        except tables.UserError:
            continue
        header, *rows = (
            row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row
        )
        whole = [row for row in rows if any(cell.strip(BLANK) for cell in row)]
        assert (table.columns, table.fill_null("").rows()) == (header, [*map(tuple, whole)]), text
        read += 1
    assert read > 100


def drawn(draw):
    """Return a text as a program writes it, perhaps with blank lines and a piece too much."""
    width = draw.randint(1, 3)
    buffer = io.StringIO()
    end = draw.choice(["\n", "\r\n"])
    writer = csv.writer(buffer, lineterminator=end, quoting=draw.choice([0, 1]))
    writer.writerow([f"c{place}" for place in range(width)])
    for _ in range(draw.randrange(5)):
        writer.writerow([draw.choice(CELLS) for _ in range(width)])
        buffer.write(draw.choice(["", "", "", end, f" {end}", f"{',' * (width - 1)}{end}"]))
    text = buffer.getvalue()
    if draw.random() < 0.4:
        place = draw.randrange(len(text))
        text = text[:place] + draw.choice(PIECES) + text[place:]
    return text

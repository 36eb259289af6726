"""Text tables as people have them: any common encoding, delimiter and header, read row by row."""

import csv
import io
import sys
from _csv import Reader
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from modelkeep.intake.encodings import CHUNK, Source, encoding_of, opened_text
from modelkeep.intake.foreign import check_blanks, check_header, check_text
from modelkeep_core.csv_text import BLANK
from modelkeep_core.errors import UserError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
SAMPLE_ROWS = 200
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Attributes:
        encoding, delimiter: by their Python names.
        escape: the mark before a quotation mark in a cell, or None where it is doubled.
        names: the columns, each with a name of its own.
        header: the line in which the header begins.
        width: the cells of each row.
        usual: whether it is UTF-8 with commas, and a header that can stay.
    """

    encoding: str
    delimiter: str
    escape: str | None
    names: list[str]
    header: int
    width: int
    usual: bool


def dialect_of(source: Source, name: str, encoding: str | None = None) -> Dialect:
    """Find out how a table is written.

    Args:
        source: the table.
        name: what messages call it.
        encoding: the encoding that a person says it has.

    Raises:
        UserError: it is no table, and for what it is; or it is empty.
    """
    encoding = encoding_of(source, name, encoding)
    with opened_text(source, encoding) as file:
        text = file.read(CHUNK)
        whole = not file.read(1)
    check_text(text, name)
    first = text.partition("\n")[0].strip()
    stated = first[4:] if first[:4].lower() == "sep=" else ""
    if stated:
        text = text.partition("\n")[2]
    delimiters = [stated] if stated in DELIMITERS else [*DELIMITERS]
    escapes = [None, "\\"] if '\\"' in text else [None]
    parsed = {way: _sample(text, *way, whole) for way in product(delimiters, escapes)}
    usable = {way: sample for way, sample in parsed.items() if sample[0]}
    if not usable:
        raise UserError(f"{name} is empty.")
    cells = {way: ([row for _, row in rows], end) for way, (rows, end) in usable.items()}
    delimiter, escape = max(usable, key=lambda way: _fit(*cells[way], way[0]))
    rows, width = cells[delimiter, escape][0], _width(cells[delimiter, escape][0])
    if delimiter == " " or width == 1:
        check_blanks(text if whole else text.rpartition("\n")[0], name)
    lines = [(line + bool(stated), row) for line, row in usable[delimiter, escape][0]]
    check_header(lines, width, name)
    header = rows[0]
    if len(header) == width - 1 and width > 1:
        # R leaves the column of the row names without a name; others end each row with a delimiter.
        trailing = all(row[-1] == "" for row in rows[1:] if len(row) == width)
        header = [*header, ""] if trailing else ["", *header]
    names = named(header)
    usual = (encoding, delimiter, escape, stated) == ("utf-8", ",", None, "")
    usual = usual and names == rows[0]
    return Dialect(encoding, delimiter, escape, names, lines[0][0], len(header), usual)


def named(header: list[str]) -> list[str]:
    """Return a name for each column: none is empty, none has blanks around, no two are equal."""
    names: list[str] = []
    for place, cell in enumerate(header, start=1):
        name = base = " ".join(cell.replace("\ufeff", "").split()) or f"column_{place}"
        number = 2
        while name in names:
            name, number = f"{base}_{number}", number + 1
        names.append(name)
    return names


def fits(header: list[str], names: set[str], others: set[str]) -> bool:
    """Say whether a header can stay as it is: it has `names`, and adopt would rename no other.

    Args:
        header: the names in a file.
        names: columns that are needed.
        others: columns that may be there, whatever they are called.
    """
    given = {*header}
    return names <= given and (given <= names | others or named(header) == header)


def rows_of(source: Source, name: str, dialect: Dialect) -> Iterator[list[str]]:
    """Yield the cells of each row; lines without content are left out.

    Raises:
        UserError: a row has more or fewer cells than the header, or a quotation mark is not closed.
    """
    with opened_text(source, dialect.encoding) as file:
        line = 1
        try:
            for line, row in _lines(_reader(file, dialect.delimiter, dialect.escape)):
                if line > dialect.header:
                    if len(row) != dialect.width:
                        raise UserError(
                            f"{name}, line {line}: {len(row)} cells, where the header has "
                            f"{dialect.width}."
                        )
                    yield row
        except _Broken as broken:
            raise UserError(f"{name}, line {broken.line}: {broken}.") from None


class _Broken(Exception):
    """A row that cannot be read, in the line where it begins."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


def _lines(reader: Reader) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with content, each with the line where it begins.

    Raises:
        _Broken: a row cannot be read.
    """
    line = 1
    try:
        for row in reader:
            if any(cell.strip(BLANK) for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        open_quote = "unexpected end" in str(error)
        reason = "a quotation mark is opened and not closed" if open_quote else str(error)
        raise _Broken(reason, line) from None


def _reader(file: io.TextIOBase | io.StringIO, delimiter: str, escape: str | None) -> Reader:
    return csv.reader(
        file, delimiter=delimiter, doublequote=escape is None, escapechar=escape, strict=True
    )


def _sample(
    text: str, delimiter: str, escape: str | None, whole: bool
) -> tuple[list[tuple[int, list[str]]], bool]:
    """Return the first rows with content, with their lines, and whether they can be read."""
    rows: list[tuple[int, list[str]]] = []
    try:
        for line, row in _lines(_reader(io.StringIO(text, newline=""), delimiter, escape)):
            rows.append((line, row))
            if len(rows) > SAMPLE_ROWS:
                return rows, True
    except _Broken:
        return rows, False
    return rows if whole else rows[:-1], True


def _width(rows: list[list[str]]) -> int:
    return Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]


def _fit(rows: list[list[str]], readable: bool, delimiter: str) -> tuple[float, ...]:
    """Say how well a delimiter fits: more than one cell, the same in each row and the header."""
    width = _width(rows)
    same = sum(len(row) == width for row in rows[1:]) / max(len(rows) - 1, 1)
    header = len(rows[0])
    if header not in (width, width - 1):
        same = 0.0
    # Blanks stand in every text; they part cells only where nothing else does.
    return width > 1 and delimiter != " ", readable, same, header == width, width

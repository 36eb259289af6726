"""Text tables as people have them: any common encoding, delimiter and header, read row by row."""

import csv
import io
import sys
from _csv import Reader
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from modelkeep.intake.encodings import CHUNK, encoding_of
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
        skipped: the lines before the first row.
        width: the cells of each row.
        usual: whether it is UTF-8 with commas, and a header that can stay.
    """

    encoding: str
    delimiter: str
    escape: str | None
    names: list[str]
    skipped: int
    width: int
    usual: bool


def dialect_of(path: Path, name: str) -> Dialect:
    """Find out how the table at `path`, which messages call `name`, is written.

    Raises:
        UserError: it is no text, or it is empty.
    """
    encoding = encoding_of(path, name)
    with path.open(encoding=encoding, newline="") as file:
        text = file.read(CHUNK)
        whole = not file.read(1)
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
    delimiter, escape = max(usable, key=lambda way: _fit(*usable[way], way[0]))
    rows = usable[delimiter, escape][0]
    header, width = rows[0], _width(rows)
    if len(header) == width - 1 and width > 1:
        # R leaves the column of the row names without a name; others end each row with a delimiter.
        trailing = all(row[-1] == "" for row in rows[1:] if len(row) == width)
        header = [*header, ""] if trailing else ["", *header]
    names = named(header)
    usual = (encoding, delimiter, escape, stated) == ("utf-8", ",", None, "")
    usual = usual and names == rows[0]
    return Dialect(encoding, delimiter, escape, names, 1 + bool(stated), len(header), usual)


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


def rows_of(path: Path, name: str, dialect: Dialect) -> Iterator[list[str]]:
    """Yield the cells of each row; lines without any are left out.

    Raises:
        UserError: a row has more or fewer cells than the header, or a quotation mark is not closed.
    """
    with path.open(encoding=dialect.encoding, newline="") as file:
        reader = _reader(file, dialect.delimiter, dialect.escape)
        line = 1
        try:
            for number, row in enumerate(reader):
                if number >= dialect.skipped and row:
                    if len(row) != dialect.width:
                        raise UserError(
                            f"{name}, line {line}: {len(row)} cells, where the header has "
                            f"{dialect.width}."
                        )
                    yield row
                line = reader.line_num + 1
        except csv.Error as error:
            open_quote = "unexpected end" in str(error)
            reason = "a quotation mark is opened and not closed" if open_quote else str(error)
            raise UserError(f"{name}, line {line}: {reason}.") from None


def _reader(file: io.TextIOBase | io.StringIO, delimiter: str, escape: str | None) -> Reader:
    return csv.reader(
        file, delimiter=delimiter, doublequote=escape is None, escapechar=escape, strict=True
    )


def _sample(
    text: str, delimiter: str, escape: str | None, whole: bool
) -> tuple[list[list[str]], bool]:
    """Return the first rows that are whole, without empty lines, and whether they can be read."""
    rows: list[list[str]] = []
    reader = _reader(io.StringIO(text, newline=""), delimiter, escape)
    try:
        for row in reader:
            rows += [row] if row else []
            if len(rows) > SAMPLE_ROWS:
                return rows, True
    except csv.Error:
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

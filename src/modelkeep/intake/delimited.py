"""Text tables as people have them: any common encoding, delimiter and header, read row by row."""

import csv
import io
import re
import sys
from _csv import Reader
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product, zip_longest
from typing import NamedTuple

from modelkeep.intake.foreign import check_blanks, check_header, check_text
from modelkeep.intake.row_names import no_row_names
from modelkeep.intake.text_encoding import CHUNK, Source, encoding_of, opened_text
from modelkeep_core.csv_text import BLANK, END, ENDED, repeated
from modelkeep_core.errors import UserError
from modelkeep_core.visible import counted

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
DELIMITERS |= {"\x01": "the control character 0x01", "\x1f": "the control character 0x1f"}
# What part cells where it does so in every line, and nothing else does
RARE = {"^": "carets", "~": "tildes", ":": "colons"}
DELIMITERS |= RARE
SAMPLE_ROWS = 200
MARK = "\ufeff"
# A cell in quotation marks of one stroke, and no mark of two anywhere
STROKES = re.compile(r"(?:^|[,;\t|])[ ]*'[^'\n]*'[ ]*(?:[,;\t|]|$)", re.MULTILINE)
# A cell with such marks around it
STROKE = re.compile(r"'[^']*'")
# How many columns are named that are called otherwise than in the file
SHOWN = 3
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class Way(NamedTuple):
    """How the cells of a line are told apart.

    Attributes:
        delimiter: what stands between them.
        escape: the mark before a quotation mark in a cell, or None where it is doubled.
        quote: the quotation mark.
        blanks: whether blanks behind a delimiter are no part of a cell.
    """

    delimiter: str
    escape: str | None = None
    quote: str = '"'
    blanks: bool = False


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Attributes:
        encoding: by its Python name.
        way: how the cells of a line are told apart.
        given: the header as it is in the file.
        names: the columns, each with a name of its own.
        header: the line in which the header begins.
        width: the cells of each row.
        tail: whether some rows have empty cells behind those, and others have not.
        usual: whether it is UTF-8 with commas, and a header that can stay.
        renamed: which columns are called otherwise than in the file, in a sentence; or nothing.
    """

    encoding: str
    way: Way
    given: list[str]
    names: list[str]
    header: int
    width: int
    tail: bool
    usual: bool
    renamed: str


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
    first = text.partition("\n")[0].strip("\r ")
    stated = first[4:] if first[:4].lower() == "sep=" else ""
    if stated:
        text = text.partition("\n")[2]
    delimiters = [stated] if stated in DELIMITERS else [*DELIMITERS]
    parsed = {way: _sample(text, way, whole) for way in _ways(text, delimiters)}
    usable = {way: sample for way, sample in parsed.items() if sample[0]}
    if not usable:
        raise UserError(f"{name} is empty.")
    cells = {way: ([row for _, row in rows], end) for way, (rows, end) in usable.items()}
    way = _best(cells)
    if (bare := way._replace(blanks=True)) in usable and _all_begin_blank(cells[way][0]):
        way = bare
    strokes = way._replace(quote="'")
    if strokes in usable and _fit(*cells[strokes], way.delimiter) == _fit(
        *cells[way], way.delimiter
    ):
        way = strokes if _in_strokes(cells[way][0]) else way
    rows, tail = _without_tail(cells[way][0])
    width = _width(rows)
    if way.delimiter == " " or width == 1:
        check_blanks(text if whole else text.rpartition("\n")[0], name)
    numbers = [line + bool(stated) for line, _ in usable[way][0]]
    lines = [*zip(numbers, rows, strict=True)]
    check_header(lines, width, name)
    header, short = rows[0], ""
    if len(header) == width - 1 and width > 1:
        # R leaves the column of the row names without a name; others end each row with a delimiter.
        below = [row for row in rows[1:] if len(row) == width]
        trailing = all(row[-1] == "" for row in below)
        quoted = sum(line.startswith(way.quote) for line in text.splitlines()[1 : len(rows)])
        why = "" if trailing else no_row_names(below, way.delimiter, quoted > len(below) / 2)
        if why:
            raise UserError(
                f"{name}, line {numbers[0]}: the header has {counted(len(header), 'name')}, and "
                f"the rows have {width} cells, {why}. Name every column, and put cells that hold "
                "a comma into quotation marks."
            )
        header = [*header, ""] if trailing else ["", *header]
        short = "last" if trailing else "first"
    names = named(header)
    usual = (encoding, way, stated) == ("utf-8", Way(","), "") and names == rows[0] and not tail
    called = renamed(header, names, short)
    return Dialect(encoding, way, rows[0], names, numbers[0], len(header), tail, usual, called)


def _ways(text: str, delimiters: list[str]) -> list[Way]:
    """Return the ways to tell cells apart that a text could be written in, the usual one first."""
    escapes = [None, "\\"] if '\\"' in text else [None]
    quotes = ['"', "'"] if '"' not in text and STROKES.search(text) else ['"']
    blanks = [False, True] if re.search("[,;|] ", text) else [False]
    return [
        Way(*way)
        for way in product(delimiters, escapes, quotes, blanks)
        # In quotation marks that are escaped or of one stroke, nothing else is unusual.
        if way[0] in ",;|" or not way[3]
    ]


def _all_begin_blank(rows: list[list[str]]) -> bool:
    """Say whether a blank is behind every delimiter, so that it is no part of the cells."""
    behind = [cell for row in rows for cell in row[1:] if cell]
    return bool(behind) and all(cell.startswith(" ") for cell in behind)


def _in_strokes(rows: list[list[str]]) -> bool:
    """Say whether quotation marks of one stroke stand around all cells of some column."""
    columns = zip_longest(*rows[1:], fillvalue="")
    filled = ([cell.strip() for cell in cells if cell.strip()] for cells in columns)
    return any(cells and all(map(STROKE.fullmatch, cells)) for cells in filled)


def renamed(header: list[str], names: list[str], short: str = "") -> str:
    """Say which columns are called otherwise than in the file; blanks around a name do not count.

    Args:
        header: the names in the file.
        names: those of the columns.
        short: "first" or "last" where the header has no name for that column.
    """
    if short:
        called = names[0 if short == "first" else -1]
        return (
            f"has {counted(len(names) - 1, 'name')} in its header and {len(names)} cells in a row: "
            f"the {short} column is called '{called}'"
        )
    changes = [
        f"column {place} is called '{name}'"
        for place, (cell, name) in enumerate(zip(header, names, strict=True), start=1)
        if name != " ".join(cell.replace(MARK, "").split())
    ]
    more = f" and {len(changes) - SHOWN} more are renamed" if len(changes) > SHOWN else ""
    why = "has columns with the same name or none"
    return f"{why}: {', '.join(changes[:SHOWN])}{more}" if changes else ""


def named(header: list[str]) -> list[str]:
    """Return a name for each column: none is empty, none has blanks around, no two are equal."""
    names: list[str] = []
    for place, cell in enumerate(header, start=1):
        name = base = " ".join(cell.replace(MARK, "").split()) or f"column_{place}"
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
    header = [cell.strip(BLANK) for cell in dialect.given]
    with opened_text(source, dialect.encoding) as file:
        line = 1
        try:
            for line, row in _lines(_reader(file, dialect.way)):
                if line > dialect.header:
                    if dialect.tail and not any(cell.strip() for cell in row[dialect.width :]):
                        row = row[: dialect.width]
                    if len(row) > 1 and [cell.strip(BLANK) for cell in row] == header:
                        raise UserError(f"{name}, line {line}: {repeated(header)}.")
                    if row[-1].endswith(END):
                        raise UserError(f"{name}, line {line}: {ENDED}.")
                    if len(row) != dialect.width:
                        footer = " Where it is a title or a footer, delete it."
                        raise UserError(
                            f"{name}, line {line}: {counted(len(row), 'cell')}, where the "
                            f"header has {dialect.width}.{footer if len(row) == 1 else ''}"
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


def _reader(file: io.TextIOBase | io.StringIO, way: Way) -> Reader:
    # A file that was put behind another one begins with a mark of its own.
    lines = (line.lstrip(MARK) for line in file)
    if way.escape:
        # What databases write for nothing would be the letter N without this.
        between = re.escape(way.delimiter)
        null = re.compile(rf"(^|{between})\\N(?=$|[\r\n]|{between})")
        lines = (null.sub(r"\1\\\\N", line) for line in lines)
    return csv.reader(
        lines,
        delimiter=way.delimiter,
        doublequote=way.escape is None,
        escapechar=way.escape,
        quotechar=way.quote,
        skipinitialspace=way.blanks,
        strict=True,
    )


def _sample(text: str, way: Way, whole: bool) -> tuple[list[tuple[int, list[str]]], bool]:
    """Return the first rows with content, with their lines, and whether they can be read."""
    rows: list[tuple[int, list[str]]] = []
    try:
        for line, row in _lines(_reader(io.StringIO(text, newline=""), way)):
            rows.append((line, row))
            if len(rows) > SAMPLE_ROWS:
                return rows, True
    except _Broken:
        return rows, False
    return rows if whole else rows[:-1], True


def _without_tail(rows: list[list[str]]) -> tuple[list[list[str]], bool]:
    """Leave out empty cells behind the last name of the header, where not all rows have them.

    Spreadsheets write them in the first rows, and not in those further down.

    Returns:
        The rows, and whether some cells are left out.
    """
    width = len(rows[0])
    while width and not rows[0][width - 1].strip():
        width -= 1
    empty = not any(cell.strip() for row in rows for cell in row[width:])
    if width > 1 and empty and any(width <= len(row) < len(rows[0]) for row in rows):
        return [row[:width] for row in rows], True
    return rows, False


def _width(rows: list[list[str]]) -> int:
    return Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]


def _best(cells: dict[Way, tuple[list[list[str]], bool]]) -> Way:
    """Return the way that fits best: a rare one where no other has a cell for each name."""
    usual = [way for way in cells if way.delimiter not in RARE]
    best = max(usual or cells, key=lambda way: _fit(*cells[way], way.delimiter))
    rows = cells[best][0]
    if best.delimiter != " " and len(rows[0]) == _width(rows) > 1:
        return best
    return next((way for way in cells if way.delimiter in RARE and _alike(*cells[way])), best)


def _alike(rows: list[list[str]], readable: bool) -> bool:
    """Say whether all rows have as many cells as the header, which are more than one."""
    return readable and len(rows[0]) > 1 and len({*map(len, rows)}) == 1


def _fit(rows: list[list[str]], readable: bool, delimiter: str) -> tuple[float, ...]:
    """Say how well a delimiter fits: more than one cell, the same in each row and the header."""
    width = _width(rows)
    same = sum(len(row) == width for row in rows[1:]) / max(len(rows) - 1, 1)
    header = len(rows[0])
    if header not in (width, width - 1):
        same = 0.0
    # Blanks stand in every text; they part cells only where nothing else does.
    return width > 1 and delimiter != " ", readable, same, header == width, width

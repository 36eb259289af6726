"""CSV files that every reader reads alike (RFC 4180): proven line by line before Polars reads them.

Polars fills up a row that was cut off, takes a blank line for a row of nothing, and guesses at
quotation marks inside a cell. Such a file is refused with the number of the line.
"""

import csv
import io
import re
from collections.abc import Callable
from typing import IO, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from modelkeep_core.visible import counted

# How much of a file is in memory at once, and at most for a cell that goes on over many lines
CHUNK, LONGEST = 1 << 22, 1 << 26
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What a line without content is made of
BLANK = ' \t\r\n",'
COMMA, LINE_END, RETURN, QUOTE = b',\n\r"'
REPEATED = "the header is there again: delete this line"
NO_HEADER = ", or put the names of the columns above the first line, if that is a row as well"
# How a text begins that readers take for one that zlib has packed
PACKED = (b"x^", b"x\x01")
# What some programs write at the end of a file, as old systems did
END = "\x1a"
ENDED = "the control character 0x1a (Ctrl-Z), with which some programs end a file: delete it"

Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]


class CsvText(NamedTuple):
    """What a CSV file holds.

    Attributes:
        names: the columns, as the header has them.
        rows: how many lines below the header have content.
        blank: how many have none, but blanks and commas: they are no rows.
    """

    names: list[str]
    rows: int
    blank: int


class NotPlain(Exception):
    """A file that is no plain CSV, though it may be a table: the line, and what is wrong there."""


def examine(
    file: IO[bytes], ended: Callable[[int, int], object] = lambda place, rows: None
) -> CsvText:
    """Read a CSV file to its end, and make sure that each line has a cell for each column.

    Empty lines may come before the header.

    Args:
        file: the file, opened at its beginning.
        ended: called where the header ends, and then where each of the parts ends that are read at
            once: with the place in bytes, and how many rows are before it.

    Raises:
        NotPlain: it is empty or no text in UTF-8, or a line has another number of cells than the
            header, or quotation marks elsewhere than around whole cells; or the header comes again.
    """
    lines = _Lines()
    first = file.readline()
    if first.startswith(PACKED):
        begins = first[:2].decode()
        lines.refuse(f"it begins with {begins!r}, as packed data do: quote the name of the column")
    header = lines.records(file, first.removeprefix(BYTE_ORDER_MARK))
    while header and not header.strip(b"\r\n"):
        lines.before += 1
        header = lines.records(file, file.readline())
    if not header:
        raise NotPlain("it is empty")
    if not header.strip(BLANK.encode()):
        lines.refuse("names of columns are missing")
    lines.separators(header)
    names = next(csv.reader(io.StringIO(header.decode(), newline="")))
    if len({*names}) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        lines.refuse(f"the header names the column '{twice}' more than once")
    lines.before += header.count(b"\n")
    lines.headers = _spellings(header, names) if len(names) > 1 else []
    lines.repeated = repeated(names)
    rows = blank = 0
    ended(file.tell(), 0)
    while text := lines.records(file, file.read(CHUNK)):
        with_content, without = lines.counted(text, len(names))
        rows, blank = rows + with_content, blank + without
        lines.before += text.count(b"\n")
        ended(file.tell(), rows)
    return CsvText(names, rows, blank)


def repeated(names: list[str]) -> str:
    """Say that a header is there again; one with numbers in it may be a row that has a twin."""
    numbers = [name for name in names if re.fullmatch(r"[-+]?\d*\.?\d+", name.strip())]
    return REPEATED + (NO_HEADER if numbers else "")


def _spellings(header: bytes, names: list[str]) -> list[bytes]:
    """Return a header as it stands there, and with quotation marks, without, and with blanks."""
    end = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    spelt = [",".join(names), ", ".join(names), ",".join(f'"{name}"' for name in names)]
    return list(dict.fromkeys([header, *(text.encode() + end for text in spelt)]))


class _Lines:
    """The lines of a file, some at a time.

    Attributes:
        before: how many came before those.
        headers: the line that must not come again, in its spellings; none where it may.
        repeated: what is said where it does.
    """

    def __init__(self) -> None:
        self.before = 0
        self.headers: list[bytes] = []
        self.repeated = REPEATED

    def refuse(self, reason: str, text: bytes = b"", place: int = 0) -> NoReturn:
        """Refuse the file for what is at a place of a text."""
        line = self.before + text.count(b"\n", 0, place) + 1
        raise NotPlain(f"line {line}: {reason}")

    def records(self, file: IO[bytes], text: bytes) -> bytes:
        """Return a text with what follows up to a line end that is in no quotation marks."""
        if not text:
            return text
        parts, marks, size = [text], text.count(b'"'), len(text)
        while not parts[-1].endswith(b"\n") or marks % 2:
            line = file.readline(LONGEST)
            size += len(line)
            if not line or size > LONGEST + CHUNK:
                break
            parts.append(line)
            marks += line.count(b'"')
        text = b"".join(parts)
        text = text if text.endswith(b"\n") else text + b"\n"
        if marks % 2:
            self.separators(text)
            last = text.rindex(b'"')
            self.refuse("a quotation mark is opened and not closed", text, last)
        return text

    def check_header(self, text: bytes) -> None:
        """Make sure that no line is the header again, as where files were put one after another."""
        # So that one at the beginning follows a line end as well, and has the place of that.
        lines = b"\n" + text
        places = [place for header in self.headers if (place := lines.find(b"\n" + header)) >= 0]
        if places:
            self.refuse(self.repeated, text, min(places))

    def separators(self, text: bytes) -> tuple[Bytes, Places]:
        """Return the bytes of whole records, and the places of what parts their cells and lines.

        Every character is checked; quotation marks must stand around whole cells.
        """
        if b"\0" in text:
            self.refuse("a zero byte, which is in no text", text, text.index(0))
        if not text.isascii():
            place = (b"\n" + text).find(b"\n" + BYTE_ORDER_MARK)
            if place >= 0:
                self.refuse("a byte order mark, which belongs before the header", text, place)
            try:
                text.decode()
            except UnicodeDecodeError as error:
                reason = f"the byte 0x{text[error.start]:02x} is no text in UTF-8"
                self.refuse(reason, text, error.start)
        cells = np.frombuffer(text, dtype=np.uint8)
        places = np.flatnonzero((cells == COMMA) | (cells == LINE_END) | (cells == QUOTE))
        marks = np.empty(0, dtype=np.intp)
        if b'"' in text:
            is_mark = cells[places] == QUOTE
            marks = places[is_mark]
            self._check_marks(text, cells, marks)
            inside = np.cumsum(is_mark, dtype=np.uint8) & 1
            places = places[~is_mark & (inside == 0)]
        if b"\r" in text:
            returns = np.flatnonzero(cells == RETURN)
            alone = returns[cells[returns + 1] != LINE_END]
            alone = alone[np.searchsorted(marks, alone) % 2 == 0]
            if len(alone):
                self.refuse("a carriage return without a line feed", text, int(alone[0]))
        return cells, places

    def _check_marks(self, text: bytes, cells: Bytes, marks: Places) -> None:
        opening, closing = marks[::2], marks[1::2]
        before, after = cells[opening - 1], cells[closing + 1]
        begins = (opening == 0) | (before == COMMA) | (before == LINE_END) | (before == QUOTE)
        ends = (after == COMMA) | (after == LINE_END) | (after == RETURN) | (after == QUOTE)
        strange = [
            (int(places[~fits][0]), how)
            for places, fits, how in (
                (opening, begins, "that does not begin with one"),
                (closing, ends, "that is not doubled"),
            )
            if not fits.all()
        ]
        if strange:
            place, how = min(strange)
            self.refuse(f"a quotation mark inside a cell {how}", text, place)

    def counted(self, text: bytes, width: int) -> tuple[int, int]:
        """Return how many lines of a text have content, and how many have none.

        Those with content must have `width` cells, those without at most so many.
        """
        if any(header in text for header in self.headers):
            self.check_header(text)
        if text[-3:].rstrip(b"\r\n").endswith(END.encode()):
            self.refuse(ENDED, text, len(text.rstrip()) - 1)
        cells, places = self.separators(text)
        ends = places[cells[places] == LINE_END]
        starts = np.concatenate([[0], ends[:-1] + 1])
        blank = self._blank(text, cells, starts, ends)
        last = np.arange(1, len(ends) + 1) * width - 1
        regular = len(places) == len(ends) * width and (places[last] == ends).all()
        if not regular:
            commas = np.searchsorted(places, ends) - np.arange(len(ends))
            counts = np.diff(commas, prepend=0) + 1
            strange = (counts != width) & ~(blank & (counts < width))
            if strange.any():
                place = int(strange.argmax())
                reason = f"{counted(int(counts[place]), 'cell')}, where the header has {width}"
                self.refuse(reason, text, int(starts[place]))
        return len(ends) - int(blank.sum()), int(blank.sum())

    def _blank(self, text: bytes, cells: Bytes, starts: Places, ends: Places) -> NDArray[np.bool]:
        """Say which lines have no content."""
        content = np.ones(256, dtype=bool)
        characters = BLANK.encode()
        content[list(characters)] = False
        # Nearly every line has content at one of its ends.
        likely = ~(content[cells[starts]] | content[cells[np.minimum(starts + 1, ends)]])
        for place in np.flatnonzero(likely).tolist():
            likely[place] = not text[starts[place] : ends[place]].strip(characters)
        return likely

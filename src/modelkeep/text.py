"""What people read: tables within a terminal, numbers, dates, shortened hashes."""

import json
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from modelkeep_core.visible import counted as counted
from modelkeep_core.visible import in_line, is_hidden, visible

WIDTH = 80
GAP = "  "
HASH = 7
WIDEST_NAME = 30
NARROWEST = 4
# What begins a mention, a reference to an issue, and an address, in text that was escaped
_REFERENCE = re.compile(r"(?i)[@#!](?=\w)|\bgh-(?=\d)|:(?=//)|\bwww(?=\.)")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], yielding: Sequence[str]) -> str:
    """Return a table of left-aligned columns that fits the terminal.

    Cells are text from outside: what acts on a terminal is made visible.

    Args:
        header: the names of the columns.
        rows: a cell for each column.
        yielding: the columns that are cut, with "…", where the terminal is too narrow, in this
            order.
    """
    cells = [[in_line(" ".join(cell.split())) for cell in row] for row in (header, *rows)]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    wide = screen()
    for name in yielding if wide else ():
        place = list(header).index(name)
        excess = sum(widths) + len(GAP) * (len(widths) - 1) - wide
        widths[place] = max(widths[place] - max(excess, 0), min(widths[place], NARROWEST))
    lines = [
        GAP.join(fitted(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join(lines)


def screen() -> int:
    """Return how many columns the terminal has that is printed to; 0 for a file or a program.

    Those are given everything: what is cut, nobody finds by `grep`.
    """
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def fitted(text: str, width: int) -> str:
    """Cut or pad a text to a width in columns."""
    if text.isascii() and len(text) <= width:
        return text.ljust(width)
    if columns(text) > width:
        end, used = 0, 0
        while (used := used + columns(text[end])) < width:
            end += 1
        text = text[:end] + "…"
    return text + " " * (width - columns(text))


def signed(value: float) -> str:
    """Write a difference with its sign."""
    return f"{value:+.4g}" if value else "0"


def interval(headline: dict[str, Any]) -> str:
    """Write a metric and its interval: "0.981 (0.952 to 1)"."""
    value, low, high = (_three_digits(headline[key]) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def day(when: datetime) -> str:
    """Write a date in the reader's time zone."""
    return when.astimezone().date().isoformat()


def minute(when: datetime) -> str:
    """Write date and time in the reader's time zone."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def short(digest: str | None) -> str:
    """Return the beginning of a hash or commit id."""
    return digest[:HASH] if digest else "-"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; what Markdown would take for markup in the cells is escaped.

    Where it is posted, no cell calls a person, refers to an issue, or becomes a link.
    """
    lines = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(cell: str) -> str:
    cell = in_line(" ".join(cell.split()))
    for sign in "\\`*_|<>[]#~$&":
        cell = cell.replace(sign, f"\\{sign}")
    # What GitHub and GitLab look for in the text that is shown, a backslash does not stop.
    return _REFERENCE.sub(r"\g<0><!-- -->", cell)


def as_json(data: Any) -> str:
    """Return data as indented JSON, in which what acts on a terminal is escaped."""
    written = json.dumps(data, indent=2, ensure_ascii=False)
    if not any(sign != "\n" and is_hidden(sign) for sign in {*written}):
        return written
    return "".join(
        json.dumps(sign)[1:-1] if sign != "\n" and is_hidden(sign) else sign for sign in written
    )


def aligned(pairs: Sequence[tuple[str, str]]) -> str:
    """Return "name  value" lines with the values below each other, long ones wrapped.

    A name of more than 30 columns has a line of its own. What acts on a terminal is made visible.
    """
    pairs = [(in_line(name), visible(value)) for name, value in pairs]
    width = max((columns(name) for name, _ in pairs if columns(name) <= WIDEST_NAME), default=0)
    lines = []
    for name, value in pairs:
        if columns(name) > width:
            lines.append(name)
            name = ""
        folded = textwrap.wrap(
            value, WIDTH - width - len(GAP), break_long_words=False, break_on_hyphens=False
        )
        for part in folded or [""]:
            lines.append(f"{fitted(name, width)}{GAP}{part}".rstrip())
            name = ""
    return "\n".join(lines)

"""Small pictures as inline SVG: how reference rows and current rows are distributed."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelkeep.text import counted

WIDTH, HEIGHT = 340, 110
BARS = 20
# Room for the axis below, and the height of a class with its two bars
AXIS, CLASS = 18, 30
NAME = 110


def picture(part: dict[str, Any]) -> str:
    """Draw one column of a report."""
    return _numbers(part) if "ends" in part else _classes(part)


def days(counts: Sequence[tuple[str, int]]) -> str:
    """Draw how many rows each day had, given as pairs of its name and its rows."""
    most = max(count for _, count in counts)
    wide = WIDTH / len(counts)
    bars = [
        _bar("current", place * wide, 0.9 * wide, count / most, f"{day}: {counted(count, 'row')}")
        for place, (day, count) in enumerate(counts)
    ]
    ends = [counts[0][0], counts[-1][0] if len(counts) > 1 else ""]
    return _svg(HEIGHT, "rows a day", [*bars, *_axis(*ends)])


def shares(part: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the ends of bars of equal width, (n + 1,), and what share lies in each, (2, n + 2).

    The first share lies below all bars and the last one above. Within a bin, numbers count as
    evenly spread.
    """
    ends = np.array(part["ends"])
    counts = np.array([part["reference"]["counts"], part["current"]["counts"]])
    of_all = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    low, high = ends[0], ends[-1]
    if part["type"] == "integer" and high - low <= BARS + 1:
        grid = np.arange(np.floor(low), high + 1)
    else:
        grid = np.linspace(low, high, BARS + 1)
    below = np.cumsum(of_all, axis=1)[:, :-1]
    inside = [np.diff(np.interp(grid, ends, side)) for side in below]
    return grid, np.column_stack([of_all[:, :1], inside, of_all[:, -1:]])


def _numbers(part: dict[str, Any]) -> str:
    if not part["ends"]:
        return "<p>No training row had a value.</p>"
    grid, sides = shares(part)
    most, wide = sides.max() or 1.0, WIDTH / sides.shape[1]
    bars = []
    for place, (reference, current) in enumerate(sides.T):
        outside = place in (0, sides.shape[1] - 1)
        where = f"{grid[max(place - 1, 0)]:.4g} to {grid[min(place, len(grid) - 1)]:.4g}"
        name = "out of range" if outside else where
        title = f"{name}: {reference:.1%} in the reference, {current:.1%} currently"
        kind = "outside" if outside else "current"
        bars.append(_bar("reference", place * wide, wide - 1, reference / most, title))
        bars.append(_bar(kind, (place + 0.25) * wide, wide / 2, current / most, title))
    return _svg(HEIGHT, "distribution", [*bars, *_axis(f"{grid[0]:.4g}", f"{grid[-1]:.4g}")])


def _classes(part: dict[str, Any]) -> str:
    counts = np.array([part["reference"]["counts"], part["current"]["counts"]])
    sides = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    most, parts = sides.max() or 1.0, []
    lines = [
        (name, reference, current)
        for name, reference, current in zip([*part["names"], "(others)"], *sides, strict=True)
        if name != "(others)" or reference or current
    ]
    for place, (name, reference, current) in enumerate(lines):
        top = place * CLASS
        for kind, share, y in (
            ("reference", reference, top + 3),
            ("current" if reference else "outside", current, top + 15),
        ):
            wide = share / most * (WIDTH - NAME - 50)
            parts.append(f'<rect class="{kind}" x="{NAME}" y="{y}" width="{wide:.1f}" height="9"/>')
            parts.append(f'<text x="{NAME + wide + 4:.1f}" y="{y + 8}">{share:.1%}</text>')
        short = name if len(name) <= 16 else f"{name[:15]}…"
        parts.append(
            f'<text x="{NAME - 6}" y="{top + 18}" text-anchor="end">{escape(short)}'
            f"<title>{escape(name)}</title></text>"
        )
    return _svg(len(lines) * CLASS, "shares of the classes", parts, axis=0)


def _bar(kind: str, x: float, wide: float, share: float, title: str) -> str:
    tall = share * (HEIGHT - 4)
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{HEIGHT - tall:.1f}" width="{wide:.1f}" '
        f'height="{tall:.1f}"><title>{escape(title)}</title></rect>'
    )


def _axis(first: str, last: str) -> list[str]:
    return [
        f'<line x1="0" y1="{HEIGHT}" x2="{WIDTH}" y2="{HEIGHT}"/>',
        f'<text x="0" y="{HEIGHT + 14}">{escape(first)}</text>',
        f'<text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">{escape(last)}</text>',
    ]


def _svg(tall: int, label: str, parts: Sequence[str], axis: int = AXIS) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {tall + axis}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )

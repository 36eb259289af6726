"""A cell more than the header has: the name of a row, as R writes it, or half of a number."""

import re
from itertools import pairwise

WHOLE, FRACTION = re.compile(r"[+-]?\d+"), re.compile(r"[+-]?\d*\.\d+")
# What follows a decimal mark, and begins no whole number
BEHIND = re.compile(r"0\d+")


def no_row_names(rows: list[list[str]], delimiter: str, quoted: bool) -> str:
    """Say why the first cells are no names of rows, to be read after a comma; "" if they are.

    A decimal comma without quotation marks makes two cells of a number as well.

    Args:
        rows: those with a cell more than the header.
        delimiter: what parts their cells.
        quoted: whether quotation marks stand around the first cells: then they are no halves.
    """
    if len({row[0] for row in rows}) < len(rows):
        return "of which the first are no names of rows, since some are equal"
    columns = [[cell.strip() for cell in cells] for cells in zip(*rows, strict=True)]
    pairs = [
        (left, right)
        for left, right in pairwise(columns)
        if all(map(WHOLE.fullmatch, left)) and all(map(str.isdecimal, right))
    ]
    if delimiter != "," or not pairs:
        return ""
    in_points = any(FRACTION.fullmatch(cell) for cells in columns for cell in cells)
    numbers = all(map(WHOLE.fullmatch, columns[0]))
    for left, right in pairs:
        unclear = not quoted and not in_points and (numbers or _as_behind_a_mark(right))
        if unclear or any(map(BEHIND.fullmatch, right)):
            return f"of which '{left[0]},{right[0]}' may be one number with a comma in it"
    return ""


def _as_behind_a_mark(digits: list[str]) -> bool:
    """Say whether digits look like those behind decimal marks: as many each, or no zero at the end.

    Among whole numbers, some have more digits than others, and some end with a zero. Single digits
    may be both.
    """
    lengths = {*map(len, digits)}
    if lengths == {1}:
        return False
    return len(lengths) == 1 or not any(cell.endswith("0") and cell != "0" for cell in digits)

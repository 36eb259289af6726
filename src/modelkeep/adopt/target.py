"""The column to predict → the task, its rules, and what speaks against it."""

import re
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from modelkeep.adopt.inference import HUGE, Cells, read_cells, with_range
from modelkeep.adopt.reading import Hints, is_no_value
from modelkeep.adopt.scalars import bounds
from modelkeep.text import counted
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column

Task = Literal["classification", "regression"]
LEAST_ROWS, FEW_ROWS = 20, 200
# More whole numbers than this are values to be predicted, fewer are classes
MOST_CLASSES = 10
RARE_ROWS = 10
# The most classes that the contract lists
LISTED = 50


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    Attributes:
        name, column: which column, and its rules.
        task: classification or regression.
        why: how the task was found.
        rows, left_out: how many rows have it, and have it not.
        empty: in how many cells each text that stands for nothing is.
        classes: the rows of each class by its name, the most frequent first; empty for values.
        warnings: what a person should know, in sentences.
    """

    name: str
    column: Column
    task: Task
    why: str
    rows: int
    left_out: int
    empty: dict[str, int]
    classes: dict[str, int]
    warnings: list[str]


def read_target(name: str, cells: Cells, written: pl.Series, task: Task | None) -> Target:
    """Decide on the task, and whether the column can be predicted at all.

    Args:
        name: of the column.
        cells: the column as it was read.
        written: the same cells as they are in the file.
        task: what a person said, or None.

    Raises:
        UserError: there is nothing to be learnt: too few rows, one class, only names of rows.
    """
    values, column = cells.values.drop_nulls(), cells.column
    rows, distinct = len(values), cells.distinct
    if rows < LEAST_ROWS:
        raise UserError(
            f"'{name}' is there in {counted(rows, 'row')}: a model needs {LEAST_ROWS} at the very "
            "least."
        )
    if distinct < 2:
        empty = len(cells.values) - rows
        others = f" It is empty in {counted(empty, 'row')}: if that means something, write a word."
        raise UserError(
            f"'{name}' is {values[0]!r} in every row: there is nothing to predict."
            f"{others if empty else ''}"
        )
    if cells.nothing:
        written = written.set(written.is_in(cells.nothing), None)
    number = column.type in ("number", "integer")
    if column.type == "datetime":
        raise UserError(f"'{name}' holds dates, which are neither classes nor numbers to predict.")
    if task == "regression" and not number:
        raise UserError(
            f"regression predicts a number, and '{name}' holds {column.type} cells"
            f"{_not_numbers(values)}."
        )
    whole = number and values.cast(pl.Float64).is_close(values.cast(pl.Float64).round()).all()
    if task is None:
        few = not number or (whole and distinct <= MOST_CLASSES)
        task = "classification" if few else "regression"
        why = f"{distinct} different {'numbers' if number else 'values'}"
    else:
        why = "as you said"
    if task == "classification":
        column = _of_classes(column, written, whole)
        classes = _classes(cells, written, column)
    else:
        if max(map(abs, bounds(values))) > HUGE:
            raise UserError(
                f"'{name}' holds numbers beyond {HUGE:g}, which cannot be computed with."
            )
        column, classes = with_range(column, values), {}
    if len(classes) > rows / 2:
        raise UserError(
            f"'{name}' has {len(classes)} different values in {rows} rows: it names rows, "
            f"and a model learns from rows that share a value{_not_numbers(values)}."
        )
    left_out = len(cells.values) - rows
    listed = column.type == "category" and len(classes) <= LISTED
    rules = {"missing": left_out > 0, "values": sorted(classes) if listed else column.values}
    column = column.model_copy(update=rules)
    warned = _warnings(rows, classes)
    return Target(name, column, task, why, rows, left_out, cells.empty, classes, warned)


def with_all_classes(cells: Cells, written: pl.Series, task: Task | None, hints: Hints) -> Cells:
    """Read a target of classes so that no text of it is lost but those that stand for nothing.

    Args:
        cells: the column as it was read.
        written: the same cells as they are in the file.
        task: what a person said, or None.
        hints: what a person says of the column.
    """
    number = cells.column.type in ("number", "integer")
    if task == "regression" or (task is None and number and cells.distinct > MOST_CLASSES):
        return cells
    bounds, strays = cells.column.texts or {}, cells.reading.strays
    # A word among classes is a class, a dash or an error of a spreadsheet is none.
    classes = {*bounds, *(text for text in strays if not is_no_value(text) or _is_word(text))}
    if not classes:
        return cells
    hints = replace(
        hints,
        keep=hints.keep | {text.strip() for text in classes},
        empty=hints.empty | {text.strip() for text in strays if text not in classes},
    )
    return read_cells(written, hints=hints)


def _not_numbers(values: pl.Series) -> str:
    """Say of texts, most of which are numbers, how many are none; "" of others."""
    if values.dtype != pl.String:
        return ""
    others = values.filter(values.str.strip_chars().cast(pl.Float64, strict=False).is_null())
    if not 0 < len(others) < len(values) / 2:
        return ""
    return (
        f"; {len(others)} of {len(values)} cells, such as '{others[0]}', hold no number: correct "
        "the file, or name with --empty what stands for nothing"
    )


def _is_word(text: str) -> bool:
    return re.fullmatch(r"[^\W\d_][\w\s.]*", text.strip()) is not None


def _of_classes(column: Column, written: pl.Series, whole: bool) -> Column:
    """Return classes as people wrote them, but for whole numbers and words of many spellings."""
    if column.type in ("number", "integer") and whole:
        return column.model_copy(update={"type": "integer"})
    words = written.dtype == pl.String and column.type == "boolean"
    if column.type == "boolean" and not (words and _spelt_alike(written)):
        return column
    codes = True if column.type in ("number", "integer") else None
    return Column(type="category", missing_values=column.missing_values, codes=codes)


def _spelt_alike(written: pl.Series) -> bool:
    """Say whether two words stand for two classes, and are not just "true" and "false"."""
    spelt = written.drop_nulls().unique()
    return len(spelt) == 2 and set(spelt.str.to_lowercase()) != {"true", "false"}


def _classes(cells: Cells, written: pl.Series, column: Column) -> dict[str, int]:
    values = cells.values
    if column.type == "category":
        values = written.cast(pl.String)
        if column.missing_values:
            values = values.set(values.is_in(column.missing_values), None)
    counts = values.drop_nulls().alias("class").value_counts(sort=True, name="rows")
    return {str(name): rows for name, rows in counts.iter_rows()}


def _warnings(rows: int, classes: dict[str, int]) -> list[str]:
    warnings = []
    if rows < FEW_ROWS:
        warnings.append(f"only {rows} rows: what is measured on so few is uncertain")
    rare = {name: count for name, count in classes.items() if count < RARE_ROWS}
    if rare:
        name = min(rare, key=lambda name: rare[name])
        more = counted(len(rare) - 1, "more class", "more classes")
        others = f", and so {'is' if len(rare) == 2 else 'are'} {more}" if len(rare) > 1 else ""
        why = f"too rare to learn or to test ({counted(rare[name], 'row')}){others}"
        warnings.append(f"class '{name}' is {why}")
    elif classes and min(classes.values()) < rows / 100:
        name = min(classes, key=lambda name: classes[name])
        warnings.append(f"class '{name}' is rare: {classes[name]} of {rows} rows")
    return warnings

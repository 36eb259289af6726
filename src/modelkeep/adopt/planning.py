"""Tables that were taken in, and what a person said of them → schema.yaml, with reasons."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import polars.selectors as cs

from modelkeep.adopt.doubts import differ, one_class, spellings, strays, unclear, words_for_nothing
from modelkeep.adopt.inference import Cells, Inferred, as_box, holds, is_mark, read_cells, role_of
from modelkeep.adopt.options import Options
from modelkeep.adopt.reading import is_no_value
from modelkeep.adopt.target import Target, read_target, with_all_classes
from modelkeep.intake.reading import scan
from modelkeep.scoring.answers import UNSEEN
from modelkeep.text import fitted
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column, Schema
from modelkeep_core.visible import in_line

# How many cells are in memory at once
CELLS = 20_000_000
# What is said where one name has signs in it; and how long a name may be in messages
OTHER_SIGN = (
    " Where its cells are parted by another sign than a tab, a blank or one of , ; | : ~ ^, save "
    "it with commas first, for example with pandas.read_csv(path, sep='...').to_csv('table.csv', "
    "index=False)."
)
WIDEST = 40
# What is an empty cell in every column; other texts are of the columns that they are in
MISSING = [""]


@dataclass(frozen=True)
class Plan:
    """What becomes of a table.

    Attributes:
        schema: the contract of its rows.
        target: what is predicted.
        columns: what each column is taken for.
        notes, warnings: what a person should know of the columns, and look at, in sentences.
    """

    schema: Schema
    target: Target
    columns: dict[str, Inferred]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def plan(files: list[Path], options: Options) -> Plan:
    """Infer the schema of the tables in `files`, which have the same columns.

    Raises:
        UserError: what a person said cannot be done with these tables.
    """
    header = list(scan(files[0]).collect_schema())
    if len(header) < 2:
        name = fitted(in_line(header[0]), WIDEST).rstrip()
        remedy = OTHER_SIGN if re.search(r"[^\w\s]", header[0]) else ""
        raise UserError(
            f"the table has one column only, '{name}': nothing to predict it from.{remedy}"
        )
    options = options.in_terms_of(header)
    written = next(columns_of(files, [options.target]))
    cells = _read(options.target, written, options, comma=False)
    cells = with_all_classes(cells, written, options.task, options.hints(options.target))
    target = read_target(options.target, cells, written, options.task)
    predicted = _Predicted(target, cells, written)
    read = _inferred(files, header, options, predicted, comma=False)
    if any(column.inferred.column.decimal == "," for column in read.values()):
        read = _inferred(files, header, options, predicted, comma=True)
    why = f"{target.task}: {target.why}"
    own = Inferred(target.column, "target", why)
    if not any(column.inferred.column.feature for column in read.values()):
        reasons = "; ".join(
            f"'{name}' is set aside ({column.inferred.why})" for name, column in read.items()
        )
        raise UserError(f"no column is left to predict '{options.target}' from: {reasons}.")
    shown_target = _column(options.target, own, cells, written, options, predicted.warnings)
    if target.classes and not shown_target.note:
        merged = one_class(options.target, cells.values, written)
        shown_target = replace(shown_target, note=merged)
    read[options.target] = shown_target
    _check_said(options, read)
    shown = {name: read[name] for name in header if read[name].inferred.meaning != "set aside"}
    schema = Schema(
        task=target.task,
        target=options.target,
        missing_values=[*MISSING],
        duplicates=True,
        columns={name: _ruled(files, read[name].inferred.column) for name in header},
    )
    return Plan(
        schema,
        target,
        {name: read[name].inferred for name in header},
        [
            *words_for_nothing({name: read[name].words for name in shown if name != target.name}),
            *(column.note for column in shown.values() if column.note),
        ],
        [
            *(
                f"'{name}' is what `predict` calls a column of its own, so that it refuses rows "
                "that have it: rename it in the file"
                for name in sorted(_of_predictions(target) & {*header})
            ),
            *(warning for column in shown.values() for warning in column.warnings),
        ],
    )


def _of_predictions(target: Target) -> set[str]:
    """Return the names of the columns that `predict` adds to a table."""
    return {"prediction", UNSEEN, *(f"probability of {name}" for name in target.classes)}


def columns_of(files: list[Path], names: list[str]) -> Iterator[pl.Series]:
    """Yield the cells of each of the columns, those of all files one after the other."""
    tables = [scan(file) for file in files]
    types = [table.collect_schema() for table in tables]
    rows = sum(table.select(pl.len()).collect(engine="streaming").item() for table in tables)
    at_once = max(CELLS // max(rows, 1), 1)
    for start in range(0, len(names), at_once):
        chosen = names[start : start + at_once]
        alike = {name: len({kinds[name] for kinds in types}) == 1 for name in chosen}
        parts = [
            table.select(
                cell if alike[name] else cell.cast(pl.String)
                for name in chosen
                for cell in [cs.by_name(name).as_expr()]
            )
            for table in tables
        ]
        for column in pl.concat(parts).collect(engine="streaming").iter_columns():
            # Some names, such as "*", have a meaning of their own.
            yield column.alias("cells")


@dataclass(frozen=True)
class _Predicted:
    """The target, with its cells as they were read and as they are in the file."""

    target: Target
    cells: Cells
    written: pl.Series

    @property
    def warnings(self) -> list[str]:
        """What a person should look at in its cells."""
        name, odd = self.target.name, self.cells.reading.odd
        warnings = [*unclear(name, self.cells, self.written)] if self.classes is None else []
        if odd:
            warnings.append(strays(name, self.cells, self.written, False, name))
        return warnings

    @property
    def classes(self) -> pl.Series | None:
        """Its classes; None where it is a number."""
        return None if self.target.task == "regression" else self.written

    def differs(self, some: pl.Series) -> bool:
        """Say whether the target of some rows differs from that of the others."""
        values = self.cells.values if self.classes is None else self.classes
        return differ(some, values, self.target.task)


@dataclass(frozen=True)
class _Column:
    """What a column is taken for, and what a person should know of it; its cells are not kept.

    Attributes:
        inferred: what it is taken for.
        words: in how many cells of a category each text that stands for nothing is.
        named: the texts named in options that are in it.
        note, warnings: what a person should know, and look at.
    """

    inferred: Inferred
    words: dict[str, int]
    named: frozenset[str]
    note: str
    warnings: list[str]


def _column(
    name: str,
    inferred: Inferred,
    cells: Cells,
    written: pl.Series,
    options: Options,
    warnings: list[str],
) -> _Column:
    """Return what is to be known of a column."""
    texts = [text for _, column, text in options.texts if column in (name, "")]
    category = cells.column.type == "category"
    return _Column(
        inferred,
        cells.empty if category else {},
        frozenset(text for text in texts if holds(written, text)),
        spellings(name, cells.values) if category else "",
        warnings,
    )


def _inferred(
    files: list[Path], header: list[str], options: Options, predicted: _Predicted, comma: bool
) -> dict[str, _Column]:
    """Return what each column but the target is taken for."""
    names = [name for name in header if name != options.target]
    columns = {}
    for name, written in zip(names, columns_of(files, names), strict=True):
        cells = _read(name, written, options, comma)
        warnings: list[str] = []
        if name not in options.drop:
            cells, warnings = _with_strays(name, written, cells, options, predicted)
            cells = _as_box(written, cells, predicted)
        inferred = _role(name, cells, options, predicted.cells, first=name == header[0])
        rules = {"missing": cells.values.null_count() > 0}
        inferred = replace(inferred, column=inferred.column.model_copy(update=rules))
        if inferred.meaning != "group":
            warnings = [*unclear(name, cells, written), *warnings]
        columns[name] = _column(name, inferred, cells, written, options, warnings)
    return columns


def _read(name: str, written: pl.Series, options: Options, comma: bool) -> Cells:
    """Read a column as it is, or as a person says."""
    hints = options.hints(name)
    cells = read_cells(written, comma, hints, name)
    kept = {*options.kept_everywhere}
    if cells.column.type != "category":
        # A text that is kept everywhere makes no category of numbers for its sake.
        kept = {text for text in kept if not is_no_value(text)}
    if kept & {text.strip() for text in (*cells.empty, *(cells.column.texts or ()))}:
        cells = read_cells(written, comma, replace(hints, keep=hints.keep | kept), name)
    return cells


def _with_strays(
    name: str, written: pl.Series, cells: Cells, options: Options, predicted: _Predicted
) -> tuple[Cells, list[str]]:
    """Keep texts among numbers as values where their rows differ in the target; say which."""
    odd = cells.reading.odd
    if not odd:
        return cells, []
    hints, kept = options.hints(name), cells
    if predicted.differs(written.is_in([*odd]).fill_null(False)):
        keep = hints.keep | {text.strip() for text in odd}
        whole = read_cells(written, hints=replace(hints, keep=keep), name=name)
        kept = whole if role_of(name, whole).column.feature else cells
    warning = strays(name, cells, written, kept is not cells, predicted.target.name)
    return kept, [warning]


def _as_box(written: pl.Series, cells: Cells, predicted: _Predicted) -> Cells:
    """Read a column of one value as a box, where that is a mark or its rows differ."""
    if cells.distinct != 1 or not cells.empty:
        return cells
    mark = str(cells.values.drop_nulls()[0])
    if is_mark(mark) or predicted.differs(cells.values.is_null()):
        return as_box(written, cells) or cells
    return cells


def _ruled(files: list[Path], column: Column) -> Column:
    """Leave out of a column's texts for nothing what is empty in text files anyway."""
    words = column.missing_values or []
    if all(file.suffix == ".csv" for file in files):
        words = [text for text in words if text not in MISSING]
    return column.model_copy(update={"missing_values": words or None})


def _check_said(options: Options, columns: dict[str, _Column]) -> None:
    """Make sure that texts which a person names are there.

    Raises:
        UserError: one is not.
    """
    everywhere = {text for column in columns.values() for text in column.named}
    for option, name, text in options.texts:
        if text not in (columns[name].named if name else everywhere):
            where = f"'{name}'" if name else "any column"
            raise UserError(f"{option}: no cell of {where} says '{text}'.")


def _role(name: str, cells: Cells, options: Options, target: Cells, first: bool) -> Inferred:
    aside = cells.column.model_copy(update={"feature": False})
    if name in options.drop:
        return Inferred(aside, "set aside", "as you said")
    if name == options.time:
        if cells.column.type not in ("datetime", "number", "integer"):
            reason = f" ({cells.why})" if cells.why != "text" else ""
            raise UserError(
                f"--time: '{name}' holds {cells.column.type} cells, which have no order{reason}."
            )
        why = "the latest rows test the model"
        dated = f"; {cells.why}" if cells.column.type == "datetime" else ""
        return Inferred(aside, "time", f"{why}{dated}")
    if name == options.group:
        return Inferred(aside, "group", f"whole groups of {cells.distinct} test the model")
    if _copies(cells.values, target.values):
        return Inferred(aside, "set aside", f"a copy of the target '{options.target}'")
    return role_of(name, cells, first)


def _copies(values: pl.Series, target: pl.Series) -> bool:
    """Say whether a column repeats the target wherever both have a cell, in most of the rows."""
    numbers = values.dtype.is_numeric() and target.dtype.is_numeric()
    if values.dtype != target.dtype and not numbers:
        return False
    if values.dtype == pl.String:
        values, target = values.str.strip_chars(), target.str.strip_chars()
    same = (values == target).drop_nulls()
    return len(same) > len(target) / 2 and bool(same.all())

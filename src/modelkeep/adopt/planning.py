"""Tables that were taken in, and what a person said of them → schema.yaml, with reasons."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import polars.selectors as cs

from modelkeep.adopt.inference import Cells, Inferred, read_cells, role_of
from modelkeep.adopt.target import Target, Task, read_target
from modelkeep.intake.delimited import named
from modelkeep.intake.reading import scan
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.schema import Schema

# How many cells are in memory at once
CELLS = 20_000_000
MISSING = ["", "NA"]


@dataclass(frozen=True)
class Options:
    """What a person says of their data; a column may be named as it stands in the file."""

    target: str
    task: Task | None = None
    drop: list[str] = field(default_factory=list)
    time: str | None = None
    group: str | None = None

    def in_terms_of(self, header: list[str]) -> "Options":
        """Return the same with the names of the columns as they are in the header.

        Raises:
            UserError: there is no such column, or one is to be two things.
        """
        roles = {"--target": [self.target], "--drop": self.drop}
        roles |= {"--time": [self.time or ""], "--group": [self.group or ""]}
        columns: dict[str, list[str]] = {}
        for option, names in roles.items():
            columns[option] = [_in_header(name, header, option) for name in names if name]
        given = [name for names in columns.values() for name in dict.fromkeys(names)]
        for name in given:
            if given.count(name) > 1:
                raise UserError(
                    f"'{name}' cannot be two things at once: name it in one option only."
                )
        if self.time and self.group:
            raise UserError(
                "rows are split by time or by group, not by both: leave one of them out."
            )
        return replace(
            self,
            target=columns["--target"][0],
            drop=columns["--drop"],
            time=next(iter(columns["--time"]), None),
            group=next(iter(columns["--group"]), None),
        )


@dataclass(frozen=True)
class Plan:
    """What becomes of a table: its schema, and what each column is taken for."""

    schema: Schema
    target: Target
    columns: dict[str, Inferred]


def plan(files: list[Path], options: Options) -> Plan:
    """Infer the schema of the tables in `files`, which have the same columns.

    Raises:
        UserError: what a person said cannot be done with these tables.
    """
    header = list(scan(files[0]).collect_schema())
    if len(header) < 2:
        raise UserError(
            f"the table has one column only, '{header[0]}': nothing to predict it from."
        )
    options = options.in_terms_of(header)
    written = next(columns_of(files, [options.target]))
    cells = read_cells(written)
    target = read_target(options.target, cells, written, options.task)
    columns, nothing = _inferred(files, header, options, cells, comma=False)
    if any(inferred.column.decimal == "," for inferred in columns.values()):
        columns, nothing = _inferred(files, header, options, cells, comma=True)
    columns[options.target] = Inferred(target.column, "target", f"{target.task}: {target.why}")
    others = {name: inferred for name, inferred in columns.items() if name != options.target}
    if not any(inferred.column.feature for inferred in others.values()):
        reasons = "; ".join(
            f"'{name}' is set aside ({inferred.why})" for name, inferred in others.items()
        )
        raise UserError(f"no column is left to predict '{options.target}' from: {reasons}.")
    schema = Schema(
        task=target.task,
        target=options.target,
        missing_values=[*MISSING, *sorted(nothing - {*MISSING})],
        duplicates=True,
        columns={name: columns[name].column for name in header},
    )
    return Plan(schema, target, {name: columns[name] for name in header})


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


def _inferred(
    files: list[Path], header: list[str], options: Options, target: Cells, comma: bool
) -> tuple[dict[str, Inferred], set[str]]:
    """Return what each column but the target is taken for, and all texts that stand for nothing."""
    names = [name for name in header if name != options.target]
    in_text = any(file.suffix == ".csv" for file in files)
    columns, nothing = {}, {*target.nothing}
    for name, written in zip(names, columns_of(files, names), strict=True):
        cells = read_cells(written, comma)
        inferred = _role(name, cells, options, target)
        rules: dict[str, object] = {"missing": cells.values.null_count() > 0}
        if in_text:
            nothing |= cells.nothing
        elif cells.nothing:
            own = inferred.column.missing_values or []
            rules["missing_values"] = [*own, *sorted(cells.nothing)]
        columns[name] = replace(inferred, column=inferred.column.model_copy(update=rules))
    return columns, nothing


def _role(name: str, cells: Cells, options: Options, target: Cells) -> Inferred:
    aside = cells.column.model_copy(update={"feature": False})
    if name in options.drop:
        return Inferred(aside, "set aside", "as you said")
    if name == options.time:
        if cells.column.type not in ("datetime", "number", "integer"):
            raise UserError(
                f"--time: '{name}' holds {cells.column.type} cells, which have no order."
            )
        return Inferred(aside, "time", "the latest rows test the model")
    if name == options.group:
        return Inferred(aside, "group", f"whole groups of {cells.distinct} test the model")
    if _copies(cells.values, target.values):
        return Inferred(aside, "set aside", f"a copy of the target '{options.target}'")
    return role_of(name, cells)


def _copies(values: pl.Series, target: pl.Series) -> bool:
    """Say whether a column repeats the target wherever both have a cell, in most of the rows."""
    numbers = values.dtype.is_numeric() and target.dtype.is_numeric()
    if values.dtype != target.dtype and not numbers:
        return False
    if values.dtype == pl.String:
        values, target = values.str.strip_chars(), target.str.strip_chars()
    same = (values == target).drop_nulls()
    return len(same) > len(target) / 2 and bool(same.all())


def _in_header(name: str, header: list[str], option: str) -> str:
    for spelling in (name, *named([name])):
        if spelling in header:
            return spelling
    shown = ", ".join(header[:12]) + (", ..." if len(header) > 12 else "")
    raise UserError(
        f"{option}: there is no column '{name}'{suggestion(name, header)}, but {shown}."
    )

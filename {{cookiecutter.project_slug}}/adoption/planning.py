"""Tables that were taken in, and what a person said of them → schema.yaml, with reasons."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import polars.selectors as cs

from adoption.inference import Cells, Found, read_cells, role_of
from adoption.target import Target, read_target
from pipeline.delimited import named
from pipeline.reading import scan
from pipeline.refusal import Refusal, suggestion
from pipeline.schema import Schema

# How many cells are in memory at once
CELLS = 20_000_000
MISSING = ["", "NA"]


@dataclass(frozen=True)
class Wishes:
    """What a person says of their data; a column may be named as it stands in the file."""

    target: str
    task: str | None = None
    drop: list[str] = field(default_factory=list)
    time: str | None = None
    group: str | None = None

    def in_terms_of(self, header: list[str]) -> "Wishes":
        """Return the same with the names of the columns as they are in the header.

        Raises:
            Refusal: there is no such column, or one is to be two things.
        """
        roles = {"--target": [self.target], "--drop": self.drop}
        roles |= {"--time": [self.time or ""], "--group": [self.group or ""]}
        found: dict[str, list[str]] = {}
        for option, names in roles.items():
            found[option] = [_known(name, header, option) for name in names if name]
        given = [name for names in found.values() for name in dict.fromkeys(names)]
        for name in given:
            if given.count(name) > 1:
                raise Refusal(f"'{name}' cannot be two things at once: name it in one option only.")
        if self.time and self.group:
            raise Refusal("rows are split by time or by group, not by both: leave one of them out.")
        time, group = found["--time"] or [None], found["--group"] or [None]
        return replace(
            self, target=found["--target"][0], drop=found["--drop"], time=time[0], group=group[0]
        )


@dataclass(frozen=True)
class Plan:
    """What becomes of a table: its schema, and what each column is taken for."""

    schema: Schema
    target: Target
    found: dict[str, Found]


def plan(files: list[Path], wishes: Wishes) -> Plan:
    """Infer the schema of the tables in `files`, which have the same columns.

    Raises:
        Refusal: what a person said cannot be done with these tables.
    """
    header = list(scan(files[0]).collect_schema())
    if len(header) < 2:
        raise Refusal(f"the table has one column only, '{header[0]}': nothing to predict it from.")
    wishes = wishes.in_terms_of(header)
    written = next(columns_of(files, [wishes.target]))
    cells = read_cells(written)
    target = read_target(wishes.target, cells, written, wishes.task)
    found, nothing = _found(files, header, wishes, cells, comma=False)
    if any(one.column.decimal == "," for one in found.values()):
        found, nothing = _found(files, header, wishes, cells, comma=True)
    found[wishes.target] = Found(target.column, "target", f"{target.task}: {target.why}")
    if not any(one.column.feature for name, one in found.items() if name != wishes.target):
        del found[wishes.target]
        reasons = "; ".join(f"'{name}' is set aside ({one.why})" for name, one in found.items())
        raise Refusal(f"no column is left to predict '{wishes.target}' from: {reasons}.")
    schema = Schema(
        task=target.task,
        target=wishes.target,
        missing_values=[*MISSING, *sorted(nothing - {*MISSING})],
        duplicates=True,
        columns={name: found[name].column for name in header},
    )
    return Plan(schema, target, {name: found[name] for name in header})


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


def _found(
    files: list[Path], header: list[str], wishes: Wishes, target: Cells, comma: bool
) -> tuple[dict[str, Found], set[str]]:
    """Return what each column but the target is taken for, and all texts that stand for nothing."""
    names = [name for name in header if name != wishes.target]
    in_text = any(file.suffix == ".csv" for file in files)
    found, nothing = {}, {*target.nothing}
    for name, written in zip(names, columns_of(files, names), strict=True):
        cells = read_cells(written, comma)
        one = _role(name, cells, wishes, target)
        rules: dict[str, object] = {"missing": cells.values.null_count() > 0}
        if in_text:
            nothing |= cells.nothing
        elif cells.nothing:
            own = one.column.missing_values or []
            rules["missing_values"] = [*own, *sorted(cells.nothing)]
        found[name] = replace(one, column=one.column.model_copy(update=rules))
    return found, nothing


def _role(name: str, cells: Cells, wishes: Wishes, target: Cells) -> Found:
    aside = cells.column.model_copy(update={"feature": False})
    if name in wishes.drop:
        return Found(aside, "set aside", "as you said")
    if name == wishes.time:
        if cells.column.type not in ("datetime", "number", "integer"):
            raise Refusal(f"--time: '{name}' holds {cells.column.type} cells, which have no order.")
        return Found(aside, "time", "the latest rows test the model")
    if name == wishes.group:
        return Found(aside, "group", f"whole groups of {cells.distinct} test the model")
    if _copies(cells.values, target.values):
        return Found(aside, "set aside", f"a copy of the target '{wishes.target}'")
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


def _known(name: str, header: list[str], option: str) -> str:
    for known in (name, *named([name])):
        if known in header:
            return known
    shown = ", ".join(header[:12]) + (", ..." if len(header) > 12 else "")
    raise Refusal(f"{option}: there is no column '{name}'{suggestion(name, header)}, but {shown}.")

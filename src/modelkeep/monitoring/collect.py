"""`collect`: write recorded inputs with their actuals as new data, to be trained on."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from modelkeep.appearing import appearing
from modelkeep.monitoring.command import TIME
from modelkeep.monitoring.reference import ReferencePackage
from modelkeep.monitoring.store import Request, Store
from modelkeep.monitoring.window import Window
from modelkeep.scoring.ledger import unwritable
from modelkeep.serving.records import time_of
from modelkeep.text import counted
from modelkeep_core import tables
from modelkeep_core.checking import check
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.problems import report
from modelkeep_core.schema import Column, Schema

# Rules of a column that say how its cells are written in text
WRITING = ("decimal", "thousands", "unit", "texts", "formats", "latest_year", "missing_values")


def run(
    reference: ReferencePackage, store: Store, window: Window, args: argparse.Namespace
) -> tuple[Any, str, int]:
    """Write the file whole or not at all; return how many rows it has, as data and as text.

    The exit status is 2 where there is no row to write.

    Raises:
        UserError: the file exists, a column has no value, or the rows break the package's schema.
    """
    out, schema = args.out, reference.schema
    if out.suffix not in (".csv", ".parquet"):
        raise UserError(f"{out}: the name of the output must end in .csv or .parquet.")
    own = [name for name, column in schema.columns.items() if is_written_otherwise(column)]
    if own and out.suffix == ".csv":
        raise UserError(
            f"schema.yaml says how '{own[0]}' is written in text files, and what is recorded is "
            "written otherwise: let the name of the output end in .parquet."
        )
    if out.exists():
        raise UserError(f"{out} is there already: write another file beside it.")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent} is no directory: make it, or write somewhere else.")
    if hidden := schema.private.intersection(schema.features):
        raise UserError(
            f"'{min(hidden)}' is private, so that its values are not recorded: take new rows "
            "from where the data come from."
        )
    given = values_given(args.set, schema)
    features = store.features()
    rows, others = [], 0
    for request in store.with_actuals(window):
        if request.inputs is None or features.get(request.model) != list(schema.features):
            others += len(request.actuals)
        else:
            rows += rows_of(request, schema, given)
    table = pl.DataFrame(rows, schema=list(schema.columns), orient="row", infer_schema_length=None)
    counts = {"rows": 0, "left_out": others, "repeated": 0}
    if rows:
        counts["rows"] = _write(table, out, schema, args.without)
        counts["repeated"] = len(rows) - counts["rows"]
    return counts, _in_words(out, counts), 0 if counts["rows"] else 2


def values_given(settings: list[str], schema: Schema) -> dict[str, str | None]:
    """Return the value of each column that is neither a feature nor the target, None if missing.

    Raises:
        UserError: a column is no such one, or has no value and needs one.
    """
    needed = [
        name for name in schema.columns if name not in schema.features and name != schema.target
    ]
    given: dict[str, str | None] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if name not in needed or not equals:
            raise UserError(
                f"--set {setting}: it is COLUMN=VALUE, for a column that is not recorded"
                f"{suggestion(name, needed)}: {', '.join(needed) or 'there is none'}."
            )
        given[name] = value
    for name in needed:
        if name not in given and not schema.columns[name].missing:
            raise UserError(
                f"{name} is not recorded, since the model does not see it, and schema.yaml wants "
                f"a value: give one with --set {name}=VALUE, the same for all rows of the file."
            )
        given.setdefault(name, None)
    return given


def rows_of(request: Request, schema: Schema, given: dict[str, str | None]) -> list[list[Any]]:
    """Return the rows of a request that have actuals, as text in the order of the schema."""
    when = datetime.fromtimestamp(time_of(request.request_id)).isoformat(timespec="milliseconds")
    fixed = {name: when if value == TIME else value for name, value in given.items()}
    rows = []
    for row, actual in sorted(request.actuals.items()):
        inputs = dict(zip(schema.features, (request.inputs or [])[row], strict=True))
        cells = inputs | fixed | {schema.target: actual}
        texts = (cells[name] for name in schema.columns)
        rows.append([None if cell is None else str(cell) for cell in texts])
    return rows


def is_written_otherwise(column: Column) -> bool:
    """Say whether a text file would have to write the values of a column in a way of its own."""
    return column.type != "category" and any(getattr(column, rule) for rule in WRITING[:-1])


def plainly_written(schema: Schema) -> Schema:
    """Return the schema for cells that are not written as in the raw data, but as Python does."""
    columns = {
        name: column.model_copy(update=dict.fromkeys(WRITING))
        if column.type != "category"
        else column
        for name, column in schema.columns.items()
    }
    return schema.model_copy(update={"columns": columns})


def _write(table: pl.DataFrame, out: Path, schema: Schema, without: Path | None) -> int:
    """Write the rows in the types of the schema, and return how many there are."""
    names = list(schema.columns)
    typed = tables.convert(table.lazy(), names, plainly_written(schema)).collect()
    if not schema.duplicates:
        typed = typed.unique(maintain_order=True)
    for path in tables.files_of(without) if without else []:
        present = tables.convert(tables.scan(path, schema), names, schema).collect()
        typed = typed.join(present, on=names, how="anti", nulls_equal=True, maintain_order="left")
    if not len(typed):
        return 0
    # What is left of it when this is killed is hidden: the pipeline does not take it for data.
    try:
        with appearing(out) as partial:
            if out.suffix == ".csv":
                typed.write_csv(partial, null_value=next(iter(schema.missing_values), ""))
            else:
                typed.write_parquet(partial)
            problems, _ = check(partial, schema, names)
            if problems:
                broken = report(problems).replace(partial.name, out.name)
                raise UserError(f"what was recorded breaks schema.yaml:\n{broken}")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise unwritable(out, error) from None
    return len(typed)


def _in_words(out: Path, counts: dict[str, int]) -> str:
    left = []
    if counts["repeated"]:
        left.append(f"{counted(counts['repeated'], 'row was', 'rows were')} there already")
    if counts["left_out"]:
        without = counted(counts["left_out"], "row has", "rows have")
        left.append(f"{without} no recorded inputs of these features")
    also = f" ({'; '.join(left)})" if left else ""
    if not counts["rows"]:
        return f"Nothing to write: no further row has inputs and its actual value{also}."
    return f"{out}: {counted(counts['rows'], 'row')}{also}."

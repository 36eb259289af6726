"""A package and a table → the table with the model's predictions."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from modelkeep.intake.archives import missing
from modelkeep.intake.reading import table_at
from modelkeep.unseen import Unseen, learned_values, unseen
from modelkeep_core import tables
from modelkeep_core.errors import UserError
from modelkeep_core.inputs import model_inputs
from modelkeep_core.intervals import interval_of
from modelkeep_core.packaged import Packaged, open_package
from modelkeep_core.predictions import predict

# The column that says of which columns a row has a category that no training row had
UNSEEN = "unseen categories"


def warn(sentence: str) -> None:
    """Tell a person on standard error."""
    print(sentence, file=sys.stderr)


def predict_file(
    package: Path,
    source: Path,
    out: Path,
    trust_code: bool = False,
    encoding: str | None = None,
    explained: bool = False,
    say: Callable[[str], object] = warn,
) -> int:
    """Score every row of a table and write it with the predictions.

    Besides CSV and Parquet, the table may be in any file that `modelkeep adopt` takes.
    The output has the columns of the input and "prediction"; where the model gives
    probabilities, also "probability of CLASS" for each class, and where it has intervals, "lower"
    and "upper". Where a row has a category that no training row had, "unseen categories" names its
    column. The output appears whole or not at all.

    Args:
        package: the directory of a package.
        source: the table, with at least the feature columns of the package's schema.
        out: the file to write, .csv or .parquet.
        trust_code: whether code of a project that the package carries may run.
        encoding: the encoding that a person says the table has.
        explained: whether to add what each feature contributes to each prediction, and the base
            to which that adds up.
        say: takes what a person should know, in a line.

    Returns:
        The number of rows.

    Raises:
        UserError: the package or the file cannot be used, or rows break the package's schema.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise UserError(f"{out}: the name of the output must end in .csv or .parquet.")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent} is no directory: make it, or write somewhere else.")
    if out.resolve() == source.resolve():
        raise UserError(f"{out} is the file to score: write the predictions somewhere else.")
    if not source.is_file():
        raise missing(source)
    opened = open_package(package, trust_code)
    names = list(opened.schema.features)
    with tempfile.TemporaryDirectory(prefix="predict-") as work:
        table, notes = table_at(source, names, Path(work), encoding, opened.schema.columns)
        problems, _ = tables.check(table, opened.schema, names, source.name)
        if problems:
            raise UserError(f"{source} breaks {package}/schema.yaml:\n{tables.report(problems)}")
        scored, strange = _scored(opened, table, names, source, explained)
    partial = out.with_name(out.name + ".partial")
    try:
        if out.suffix == ".csv":
            scored.write_csv(partial)
        else:
            scored.write_parquet(partial)
        os.replace(partial, out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UserError(f"{out} cannot be written: {error.strerror or error}.") from None
    for note in notes:
        say(f"note: {note}")
    for column in strange:
        say(f"{'warning' if column.all else 'note'}: {column}.")
    return len(scored)


def _scored(
    package: Packaged, table: Path, names: list[str], source: Path, explained: bool
) -> tuple[pl.DataFrame, list[Unseen]]:
    """Return a table with its predictions, and the categories that no training row had."""
    converted = tables.convert(tables.scan(table, package.schema), names, package.schema)
    rows = converted.collect().to_pandas()
    inputs = model_inputs(rows, package.schema)
    model = package.model
    predictions, chances = predict(model, inputs) if len(inputs) else (np.empty(0), None)
    added = {"prediction": pl.Series(predictions)}
    if interval := interval_of(package.metadata):
        added |= {end: pl.Series(ends) for end, ends in interval.bounds(predictions).items()}
    if hasattr(model, "predict_proba"):
        classes = model.classes_
        chances = np.empty((0, len(classes))) if chances is None else chances
        added |= {
            f"probability of {name}": pl.Series(column)
            for name, column in zip(classes, chances.T, strict=True)
        }
    if explained:
        from modelkeep_core.explain import explain

        why = explain(model, inputs)
        cells = zip(why.names, why.contributions.T, strict=True)
        added |= {f"contribution of {name}": pl.Series(column) for name, column in cells}
        added["base"] = pl.Series(why.base)
    learned = learned_values(model, package.schema)
    columns = ((name, rows[name].tolist()) for name in learned)
    strange = unseen(columns, learned, package.schema.private)
    if strange:
        added[UNSEEN] = _marked(len(rows), strange)
    as_given = tables.scan_as_given(table)
    for name in added:
        if name in as_given.collect_schema():
            raise UserError(f"{source} has a column '{name}' already, which is one of the output.")
    return as_given.collect().with_columns(**added), strange


def _marked(rows: int, strange: list[Unseen]) -> pl.Series:
    """Name, for each row, the columns of which it has an unseen category; null for none."""
    named: dict[int, list[str]] = {}
    for column in strange:
        for row in column.rows:
            named.setdefault(row, []).append(column.column)
    return pl.Series([", ".join(named[row]) if row in named else None for row in range(rows)])

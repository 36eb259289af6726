"""A package and a table → the table with the model's predictions."""

import os
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from modelkeep.intake.encodings import encoding_of
from modelkeep.intake.reading import take_in
from modelkeep_core import tables
from modelkeep_core.errors import UserError
from modelkeep_core.inputs import model_inputs
from modelkeep_core.packaged import Packaged, open_package
from modelkeep_core.predictions import predict


def predict_file(package: Path, source: Path, out: Path, trust_code: bool = False) -> int:
    """Score every row of a table and write it with the predictions.

    Besides CSV and Parquet, the table may be in any file that `modelkeep adopt` takes.
    The output has the columns of the input and "prediction"; where the model gives
    probabilities, also "probability of CLASS" for each class. It appears whole or not at all.

    Args:
        package: the directory of a package.
        source: the table, with at least the feature columns of the package's schema.
        out: the file to write, .csv or .parquet.
        trust_code: whether code of a project that the package carries may run.

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
        raise UserError(f"{source} is missing.")
    opened = open_package(package, trust_code)
    names = list(opened.schema.features)
    with tempfile.TemporaryDirectory(prefix="predict-") as work:
        table = source if _is_usual(source, names) else _taken_in(source, Path(work))
        problems, _ = tables.check(table, opened.schema, names)
        if problems:
            raise UserError(f"{source} breaks {package}/schema.yaml:\n{tables.report(problems)}")
        scored = _scored(opened, table, names)
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
    return len(scored)


def _is_usual(source: Path, names: list[str]) -> bool:
    """Say whether a file is read as it is: Parquet, or CSV in UTF-8, with the columns `names`."""
    text = source.suffix == ".csv" and encoding_of(source, str(source)) == "utf-8"
    if not text and source.suffix != ".parquet":
        return False
    with tables.readable(source):
        table = pl.scan_csv(source, infer_schema=False) if text else pl.scan_parquet(source)
        return set(names) <= set(table.collect_schema())


def _taken_in(source: Path, work: Path) -> Path:
    files, _ = take_in(source, work / "raw", work / "unpacked")
    if len(files) > 1:
        raise UserError(f"{source} holds {len(files)} tables: score one after the other.")
    return files[0]


def _scored(package: Packaged, source: Path, names: list[str]) -> pl.DataFrame:
    table = tables.scan(source, package.schema)
    rows = tables.convert(table, names, package.schema).collect().to_pandas()
    inputs = model_inputs(rows, package.schema)
    model = package.model
    predictions, chances = predict(model, inputs) if len(inputs) else (np.empty(0), None)
    added = {"prediction": predictions}
    if hasattr(model, "predict_proba"):
        classes = model.classes_
        chances = np.empty((0, len(classes))) if chances is None else chances
        added |= {
            f"probability of {name}": column
            for name, column in zip(classes, chances.T, strict=True)
        }
    as_given = tables.scan(source, package.schema.model_copy(update={"missing_values": []}))
    for name in added:
        if name in as_given.collect_schema():
            raise UserError(f"{source} has a column '{name}' already, which is one of the output.")
    return as_given.collect().with_columns(
        **{name: pl.Series(cells) for name, cells in added.items()}
    )

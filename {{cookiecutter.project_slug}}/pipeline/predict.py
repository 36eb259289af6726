"""A package and a table → the table with the model's predictions."""

import os
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.answers import answers
from pipeline.encodings import encoding_of
from pipeline.features import features_of
from pipeline.packaged import Packaged, open_package
from pipeline.reading import take_in
from pipeline.refusal import Refusal


def predict_file(package: Path, source: Path, out: Path) -> int:
    """Score every row of a table and write it with the predictions.

    Besides CSV and Parquet, the table may be in any file that `python -m pipeline adopt` takes.
    The output has the columns of the input and "prediction"; where the model gives
    probabilities, also "probability of CLASS" for each class. It appears whole or not at all.

    Returns:
        The number of rows.

    Raises:
        Refusal: the package or the file cannot be used, or rows break the package's schema.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise Refusal(f"{out}: the name of the output must end in .csv or .parquet.")
    if not out.parent.is_dir():
        raise Refusal(f"{out.parent} is no directory: make it, or write somewhere else.")
    if out.resolve() == source.resolve():
        raise Refusal(f"{out} is the file to score: write the predictions somewhere else.")
    if not source.is_file():
        raise Refusal(f"{source} is missing.")
    found = open_package(package)
    names = list(found.schema.features)
    with tempfile.TemporaryDirectory(prefix="predict-") as work:
        table = source if _is_usual(source, names) else _taken_in(source, Path(work))
        problems, _ = tables.check(table, found.schema, names)
        if problems:
            raise Refusal(f"{source} breaks {package}/schema.yaml:\n{tables.report(problems)}")
        scored = _scored(found, table, names)
    partial = out.with_name(out.name + ".partial")
    if out.suffix == ".csv":
        scored.write_csv(partial)
    else:
        scored.write_parquet(partial)
    os.replace(partial, out)
    return len(scored)


def _is_usual(source: Path, names: list[str]) -> bool:
    """Say whether a file is read as it is: Parquet, or CSV in UTF-8, with the columns `names`."""
    text = source.suffix == ".csv" and encoding_of(source, str(source)) == "utf-8"
    if not text and source.suffix != ".parquet":
        return False
    with tables.readable(source):
        opened = pl.scan_csv(source, infer_schema=False) if text else pl.scan_parquet(source)
        return set(names) <= set(opened.collect_schema())


def _taken_in(source: Path, work: Path) -> Path:
    files, _ = take_in(source, work / "raw", work / "unpacked")
    if len(files) > 1:
        raise Refusal(f"{source} holds {len(files)} tables: score one after the other.")
    return files[0]


def _scored(package: Packaged, source: Path, names: list[str]) -> pl.DataFrame:
    table = tables.scan(source, package.schema)
    rows = tables.convert(table, names, package.schema).collect().to_pandas()
    inputs = features_of(rows, package.schema)
    model = package.model
    predictions, chances = answers(model, inputs) if len(inputs) else ([], None)
    said = {"prediction": predictions}
    if hasattr(model, "predict_proba"):
        classes = model.classes_
        chances = np.empty((0, len(classes))) if chances is None else chances
        said |= {
            f"probability of {name}": column
            for name, column in zip(classes, chances.T, strict=True)
        }
    as_given = tables.scan(source, package.schema.model_copy(update={"missing_values": []}))
    for name in said:
        if name in as_given.collect_schema():
            raise Refusal(f"{source} has a column '{name}' already, which is one of the output.")
    return as_given.collect().with_columns(
        **{name: pl.Series(cells) for name, cells in said.items()}
    )

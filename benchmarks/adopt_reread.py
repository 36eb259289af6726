"""An adopted table read again through `predict` and the server: rows in, the same answers out.

What is right is what the model says of the rows of data/raw, as the stages read them. The file of
the person goes through `modelkeep predict`, and as CSV and JSON through what the server reads.
"""

import gc
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import sklearn

from modelkeep.batch import predict_file
from modelkeep.serving import served
from modelkeep.serving.csv_rows import records_of
from modelkeep.serving.rows import Unfit
from modelkeep_core import fast_path, tables
from modelkeep_core.errors import UserError
from modelkeep_core.example import example
from modelkeep_core.files import write_json, write_text
from modelkeep_core.inputs import model_inputs
from modelkeep_core.package import hashes
from modelkeep_core.packaged import FORMAT, MANIFEST
from modelkeep_core.predictions import Predictions, predict
from modelkeep_core.profiles import profile, write_profile
from modelkeep_core.schema import Column, Schema

# On how many rows the server computes at once, the last bits of a sum depend.
TOLERANCE = 1e-9
# What a person would see of a difference
SHOWN = 3


def package(model: Any, train: pd.DataFrame, schema: Schema, work: Path) -> None:
    """Fill work/package with a model, its schema work/schema.yaml and what a server needs."""
    inputs, out = model_inputs(train, schema), work / "package"
    out.mkdir()
    for name in ("model.skops", "schema.yaml"):
        (out / name).write_bytes((work / name).read_bytes())
    write_json(out / "example.json", example(model, train, schema))
    write_profile(out / "profile.json", profile(train, model.predict(inputs), schema))
    write_text(out / "MODEL_CARD.md", "")
    metadata = {
        "format": FORMAT,
        "recipe_id": "",
        "name": "model",
        "title": "Model",
        "libraries": {"scikit-learn": sklearn.__version__},
        "code": [],
        "fast_path": fast_path.proof(model, schema, inputs),
    }
    write_json(out / "model.json", metadata)
    write_json(out / MANIFEST, {"format": FORMAT, "files": hashes(out)})


def differences(source: Path, model: Any, schema: Schema, work: Path) -> dict[str, str]:
    """Return what each way to read a table again says otherwise than data/raw; "" for nothing.

    Args:
        source: the table as the person has it.
        model: what was trained on it.
        schema: its contract.
        work: a directory with "raw" and "package".
    """
    rows = tables.read(tables.files_of(work / "raw"), schema).collect()
    right = predict(model, model_inputs(rows.to_pandas(), schema))
    server = served.load(work / "package")
    gc.unfreeze()

    def by_command() -> Predictions:
        out = work / "predicted.parquet"
        predict_file(work / "package", source, out, say=lambda _: None)
        answers = pl.read_parquet(out)
        chances = answers.select(f"probability of {name}" for name in server.classes or ())
        return Predictions(
            answers["prediction"].to_numpy(), chances.to_numpy() if chances.width else None
        )

    def by_csv() -> Predictions:
        body = _in_utf8(source, work / "raw")
        return server.predict(server.contract.from_records(records_of(body, schema)))

    def by_json() -> Predictions:
        records = json.loads(json.dumps(_records(rows, schema)))
        return server.predict(server.contract.from_records(records))

    ways = {"predict": by_command, "csv": by_csv, "json": by_json}
    return {name: _difference(right, way) for name, way in ways.items()}


def _difference(right: Predictions, way: Callable[[], Predictions]) -> str:
    """Say how answers differ from those that are right, or that there are none."""
    try:
        answers = way()
    except UserError as error:
        return f"refused: {error}"
    except Unfit as unfit:
        return f"refused: {'; '.join(map(str, unfit.problems[:SHOWN]))}"
    if len(answers.predictions) != len(right.predictions):
        return f"{len(answers.predictions)} answers for {len(right.predictions)} rows"
    number = right.predictions.dtype.kind == "f"
    same = (
        np.isclose(answers.predictions.astype(float), right.predictions, rtol=TOLERANCE, atol=0)
        if number
        else answers.predictions.astype(str) == right.predictions.astype(str)
    )
    if right.probabilities is not None and answers.probabilities is not None:
        close = np.isclose(answers.probabilities, right.probabilities, rtol=0, atol=TOLERANCE)
        same &= close.all(axis=1)
    places = np.flatnonzero(~same)
    shown = [
        f"row {place + 1}: {answers.predictions[place]} for {right.predictions[place]}"
        for place in places[:SHOWN]
    ]
    return f"{len(places)} rows differ: {'; '.join(shown)}" if shown else ""


def _in_utf8(source: Path, raw: Path) -> bytes:
    """Return a table as a client would send it: as the person has it, where that is UTF-8."""
    body = source.read_bytes()
    if source.suffix == ".gz":
        body = gzip.decompress(body)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return tables.files_of(raw)[0].read_bytes()
    return body


def _records(rows: pl.DataFrame, schema: Schema) -> list[dict[str, Any]]:
    """Return rows as a program has them that knows the types: codes are its numbers."""
    columns = {
        name: [_value(value, column) for value in rows.get_column(name)]
        for name, column in schema.features.items()
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _value(value: Any, column: Column) -> Any:
    if value is not None and column.type == "datetime":
        return value.isoformat()
    if value is not None and column.codes and str(value).lstrip("-").isdigit():
        return int(value)
    return value

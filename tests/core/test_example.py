"""The input example is typical, gives nobody's row away, and carries the model's own prediction."""

import json

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from modelkeep_core import model_file
from modelkeep_core.example import typical_row, with_predictions
from modelkeep_core.inputs import model_inputs
from modelkeep_core.predictions import predict
from pipeline.train import train


def table_of(**columns):
    """Return a table of these columns, with some of every other feature."""
    rows = len(next(iter(columns.values())))
    others = {"size": [1.0] * rows, "count": [1] * rows, "member": [True] * rows}
    return pd.DataFrame({**others, "colour": ["red"] * rows, **columns})


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("size", [1.0, 5.0, 100.0], 5.0),
        ("size", [1.0, None, 4.0], 2.5),
        ("count", [1, 2, 9], 2),
        ("count", [1, 2, 3, 9], 2),
        ("member", [True, False, False], False),
        ("member", [True, None, None], True),
        ("colour", ["blue", "red", "blue"], "blue"),
        ("colour", ["red", None, None], "red"),
        (
            "seen",
            pd.to_datetime(["2024-03-01 00:00", "2024-01-31 09:30", None]),
            "2024-01-31T09:30:00",
        ),
        ("size", [None, None], None),
        ("colour", [None, None], None),
    ],
)
def test_a_value_is_typical_of_its_column(classification, name, cells, expected):
    """Numbers are represented by their median, everything else by the commonest value."""
    classification.columns["seen"].feature = True
    cells = {"seen": [None] * len(cells), name: cells}
    row = typical_row(table_of(**cells), classification)[name]
    assert (row, type(row)) == (expected, type(expected))


def test_the_row_has_the_features_alone_in_their_order(frame, classification):
    """Neither the target nor a column that is no feature is in the example."""
    row = typical_row(frame, classification)
    assert list(row) == ["size", "count", "member", "colour"]
    assert json.loads(json.dumps(row)) == row


def test_the_order_of_rows_does_not_matter(frame, classification):
    """The same rows in another order have the same typical row."""
    mixed = frame.sample(frac=1, random_state=1)
    assert typical_row(mixed, classification) == typical_row(frame, classification)


def test_the_table_is_not_modified(frame, classification):
    """Looking for the typical row leaves the table as it was."""
    before = frame.copy(deep=True)
    typical_row(frame, classification)
    assert_frame_equal(frame, before)


def test_the_prediction_is_the_one_of_the_model(frame, params, classification):
    """Prediction and probabilities are those that the model gives for the record."""
    model, *_ = train(frame, classification, params.train)
    record = typical_row(frame, classification)
    example = with_predictions(model, record, classification)
    inputs = model_inputs(pd.DataFrame([record]), classification)
    predictions, probabilities = predict(model, inputs)
    assert example == {
        "records": [record],
        "predictions": predictions.tolist(),
        "probabilities": probabilities.tolist(),
    }
    assert probabilities == pytest.approx(model.predict_proba(inputs))
    assert sum(example["probabilities"][0]) == pytest.approx(1)


def test_a_model_without_probabilities_gives_none(frame, params, regression):
    """The example of a regression has a number and no probabilities."""
    params.train.estimator = "Ridge"
    model, *_ = train(frame, regression, params.train)
    example = with_predictions(model, typical_row(frame, regression), regression)
    assert "probabilities" not in example
    assert isinstance(example["predictions"][0], float)


def test_a_record_with_nothing_in_it_is_with_predictions(frame, params, classification):
    """Features that may be missing may all be None."""
    model, *_ = train(frame, classification, params.train)
    record = dict.fromkeys(classification.features) | {"count": 1}
    assert with_predictions(model, record, classification)["predictions"][0] in (
        "low",
        "mid",
        "high",
    )


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_the_saved_model_repeats_the_example(pipeline, request, classification, regression):
    """Whoever loads the model can check it with the example that lies beside it."""
    models = request.getfixturevalue(pipeline).models
    schema = classification if pipeline == "run" else regression
    example = json.loads((models / "example.json").read_text(encoding="utf-8"))
    model = model_file.load(models / "model.skops")
    assert with_predictions(model, example["records"][0], schema) == example

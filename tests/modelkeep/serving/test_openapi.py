"""The description says what the schema says, and what the server really answers."""

from dataclasses import replace

import pytest

from modelkeep.serving.app import _interval
from modelkeep.serving.openapi import _predictions, record
from modelkeep.serving.records import Answered
from modelkeep_core.intervals import Interval
from modelkeep_core.schema import Column


@pytest.mark.parametrize(
    ("column", "described"),
    [
        ({"type": "number"}, {"type": "number"}),
        ({"type": "number", "missing": True}, {"type": ["number", "null"]}),
        (
            {"type": "number", "min": 1, "max": 2.5},
            {"type": "number", "minimum": 1, "maximum": 2.5},
        ),
        ({"type": "integer", "min": 0}, {"type": "integer", "minimum": 0}),
        ({"type": "boolean"}, {"type": "boolean"}),
        ({"type": "category"}, {"type": "string"}),
        ({"type": "category", "values": ["a"]}, {"type": "string", "enum": ["a"]}),
        (
            {"type": "category", "values": ["a"], "missing": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
    ],
)
def test_a_column_is_described_by_its_rules(column, described):
    """Type, limits, values, and whether it may be null."""
    assert Column.model_validate(column).json_schema() == described


def test_a_row_needs_every_feature_and_nothing_else(served):
    """As the server refuses it, so it is described, with an example from training."""
    described = record(served)
    assert described["required"] == served.contract.features
    assert described["additionalProperties"] is False
    assert described["example"] == served.example["records"][0]


def test_the_description_is_of_the_model_that_answers_now(server, served):
    """Title and version are the model's, and its classes are the predictions."""
    described = server.get("/openapi.json").json
    assert described["info"]["title"] == served.metadata["title"]
    predictions = described["components"]["schemas"]["Predictions"]["properties"]
    assert predictions["predictions"]["items"] == {"enum": served.classes}


def test_a_prediction_has_what_is_described(server, row):
    """No key is missing, and none is there that is not described."""
    schema = server.get("/openapi.json").json["components"]["schemas"]["Predictions"]
    content = server.post("/predict", {"records": [row]}).json
    assert set(content) == set(schema["required"])
    # Those of an answer that is no ordinary one
    others = {"warnings", "unseen", "explanation"}
    assert set(schema["properties"]) - set(content) == others


def test_a_regression_is_described_by_numbers(served_regression):
    """There are no classes and no probabilities."""
    described = _predictions(served_regression)
    assert described["properties"]["predictions"]["items"] == {"type": "number"}
    assert {"classes", "probabilities"}.isdisjoint(described["properties"])


def test_intervals_are_answered_as_they_are_described(served_regression):
    """Around each prediction, with the share that they are to hold; nothing where none are."""
    answered = Answered("id", "recipe", "", None, {"predictions": [10.0, 20.0]})
    assert _interval(served_regression, answered) == {}
    assert "interval" not in _predictions(served_regression)["properties"]
    served = replace(served_regression, interval=Interval(0.9, 2.5, 30))
    content = _interval(served, answered)["interval"]
    assert content == {"coverage": 0.9, "lower": [7.5, 17.5], "upper": [12.5, 22.5]}
    described = _predictions(served)
    assert set(described["properties"]["interval"]["required"]) == set(content)
    assert "interval" in described["required"]


def test_every_answer_with_a_status_is_described(server):
    """Errors have a form of their own."""
    paths = server.get("/openapi.json").json["paths"]
    assert {"200", "400", "408", "413", "422", "503"} <= set(paths["/predict"]["post"]["responses"])
    assert paths["/predict"]["post"]["requestBody"]["required"] is True

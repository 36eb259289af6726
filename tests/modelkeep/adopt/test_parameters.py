"""Params that speak of the data follow from them."""

import math

import pandas as pd
import polars as pl

from modelkeep.adopt import parameters
from modelkeep.adopt.choosing import Candidate
from modelkeep.adopt.options import Options
from modelkeep.adopt.parameters import better_than_guessing, compared, evaluation, limits
from modelkeep.adopt.planning import plan

ROWS = 400


def made(tmp_path, target="label", **columns):
    """Return a table and its plan."""
    table = {"label": ["a", "b", "c", "d"] * 100, "size": [row % 13 / 2 for row in range(ROWS)]}
    path = tmp_path / "rows.csv"
    pl.DataFrame(columns | table).write_csv(path)
    return pd.read_csv(path), plan([path], Options(target))


def test_groups_are_few_and_large(tmp_path):
    """The first column whose values all have rows enough gives results by group."""
    many, rare, good = (
        [f"v{row % 10}" for row in range(ROWS)],
        ["x"] * 380 + ["y"] * 20,
        ["north", "south"] * 200,
    )
    assert evaluation(*made(tmp_path, many=many, rare=rare, good=good)) == {"group_by": "good"}
    assert evaluation(*made(tmp_path, many=many, rare=rare)) == {"group_by": None}


def test_many_features_are_shuffled_once_and_more_not_at_all(tmp_path, monkeypatch):
    """What takes longer than all the rest is done once, or left out."""
    wide = {f"n{number}": [row * number % 11 for row in range(ROWS)] for number in range(1, 110)}
    table, made_plan = made(tmp_path, **wide)
    assert evaluation(table, made_plan)["importance_repeats"] == 1
    monkeypatch.setattr(parameters, "TOO_MANY", parameters.MANY_FEATURES)
    assert evaluation(table, made_plan)["importance_repeats"] == 0


def test_limits_and_thresholds_speak_of_the_table(tmp_path):
    """A model without any idea of the target does not pass."""
    _, classes = made(tmp_path)
    assert (
        limits("rows.csv", classes)[0] == "Trained on 400 rows of rows.csv; it knows nothing else."
    )
    assert better_than_guessing(classes) == {"balanced_accuracy": 0.26}
    assert better_than_guessing(made(tmp_path, "size")[1]) == {"r2": 0.0}


def test_the_comparison_is_told():
    """Which is better, by what, and how."""
    candidates = [Candidate("Ridge", {}, -2.0), Candidate("Forest", {}, -3.456)]
    assert compared(candidates, "regression") == (
        "Ridge: cross-validated root mean squared error 2, Forest 3.46"
    )
    nothing = [Candidate("A", {}, -math.inf), Candidate("B", {}, -math.inf)]
    assert compared(nothing, "regression").startswith("A: the rows are too few")
    alike = [
        Candidate("A", {"class_weight": "balanced"}, 0.6),
        Candidate("A", {}, 0.5),
        Candidate("B", {}, 0.4),
    ]
    assert compared(alike, "classification") == (
        "A, with all classes weighed alike, cross-validated macro F1 0.6, B 0.4"
    )

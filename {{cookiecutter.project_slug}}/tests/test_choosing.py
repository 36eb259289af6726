"""The first estimator is the one that predicts better what it has not seen."""

import numpy as np
import pytest

from pipeline.choosing import first_estimator
from pipeline.settings import TASKS

FOREST = {"classification": "RandomForestClassifier", "regression": "RandomForestRegressor"}


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch):
    """Forests of a few trees keep the tests fast."""
    for task, name in FOREST.items():
        monkeypatch.setitem(TASKS[task]["sections"], name, {"n_estimators": 20})


def test_a_line_is_found_by_a_line(frame, regression):
    """Where the target is a sum of what is known, the linear model wins."""
    assert list(first_estimator(frame, regression, 120)) == ["Ridge", "RandomForestRegressor"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_circle_is_found_by_trees(frame, classification, regression, task):
    """Where both ends are alike, trees win."""
    far = (frame["size"].fillna(10) - 10).abs() > 2
    frame["label"], frame["price"] = np.where(far, "high", "low"), far * 10.0
    schema = classification if task == "classification" else regression
    assert next(iter(first_estimator(frame, schema, 120))) == FOREST[task]


def test_many_rows_are_left_to_boosting(frame, regression):
    """A forest of a million rows would be as large as they are."""
    assert "HistGradientBoostingRegressor" in first_estimator(frame, regression, 1_000_000)


def test_a_class_of_one_row_does_not_disturb(frame, classification):
    """A comparison is made as well as it can be."""
    frame.loc[0, "label"] = "only"
    assert len(first_estimator(frame, classification, 120)) == 2

"""The first estimator is the one that predicts better what it has not seen."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline

from made import NO_SEARCH
from modelkeep.adopt import choosing
from modelkeep.adopt.choosing import first_estimator
from modelkeep.adopt.settings import TASKS
from modelkeep_core import training
from modelkeep_core.estimators import build
from modelkeep_core.inputs import model_inputs
from modelkeep_core.params import Search, Train
from modelkeep_core.preprocessing import preprocessor

FOREST = {"classification": "RandomForestClassifier", "regression": "RandomForestRegressor"}


def names(table, schema, rows=120):
    """Return the names of what was tried, the best first."""
    return [candidate.name for candidate in first_estimator(table, schema, rows)]


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch):
    """Forests of a few trees keep the tests fast."""
    for task, name in FOREST.items():
        monkeypatch.setitem(TASKS[task]["sections"], name, {"n_estimators": 20})


def test_a_line_is_found_by_a_line(frame, regression):
    """Where the target is a sum of what is known, the linear model wins."""
    assert names(frame, regression) == ["Ridge", "RandomForestRegressor"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_circle_is_found_by_trees(frame, classification, regression, task):
    """Where both ends are alike, trees win."""
    far = (frame["size"].fillna(10) - 10).abs() > 2
    frame["label"], frame["price"] = np.where(far, "high", "low"), far * 10.0
    schema = classification if task == "classification" else regression
    assert names(frame, schema)[0] == FOREST[task]


def test_many_rows_are_left_to_boosting(frame, regression):
    """A forest of a million rows would be as large as they are."""
    assert "HistGradientBoostingRegressor" in names(frame, regression, 1_000_000)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_what_is_compared_is_what_is_trained(frame, classification, regression, task, monkeypatch):
    """Each estimator gets the steps before it that training gives it."""
    compared = []

    def cross_validated(model, *given, **options):
        compared.append(model)
        return cross_val_score(model, *given, **options)

    monkeypatch.setattr(choosing, "cross_val_score", cross_validated)
    schema = classification if task == "classification" else regression
    rows = frame.dropna(subset=schema.target)
    assert len(names(rows, schema, 1_000_000)) == len(compared)
    for model in compared:
        name = type(model[-1]).__name__
        steps = [("preprocess", preprocessor(schema)), ("model", build(name, {}, task, seed=0))]
        inputs, target = model_inputs(rows, schema), rows[schema.target].to_numpy()
        params = Train(seed=0, estimator=name, search=Search(**NO_SEARCH))
        trained = training.fit(Pipeline(steps), inputs, target, task, params).model
        assert repr(clone(model[0])) == repr(clone(trained[0]))


def test_a_class_of_one_row_does_not_disturb(frame, classification):
    """A comparison is made as well as it can be."""
    frame.loc[0, "label"] = "only"
    assert len(names(frame, classification)) == 2


def test_what_cannot_be_compared_comes_last(frame, classification):
    """A class in a single row leaves folds without it, in which a linear model cannot be fitted."""
    frame["label"] = ["only", *["other"] * (len(frame) - 1)]
    candidates = first_estimator(frame, classification, 120)
    scores = {candidate.name: candidate.score for candidate in candidates}
    assert scores["LogisticRegression"] == -np.inf


def test_classes_are_weighed_alike_where_a_rare_one_is_not_found(
    frame, classification, monkeypatch
):
    """A model that only ever says the frequent class is no beginning."""
    frame["label"] = np.where(frame.index < 12, "high", "low")
    guessing = 2 * 0.9 / 1.9 / 2
    scores = {"balanced": 0.6, None: guessing}
    monkeypatch.setattr(choosing, "_score", lambda *given: scores[given[3].get("class_weight")])
    best, *others = first_estimator(frame, classification, 120)
    assert (best.name, best.parameters["class_weight"]) == ("LogisticRegression", "balanced")
    scores[None] = 0.7
    assert first_estimator(frame, classification, 120) != [best, *others]
    assert len(first_estimator(frame, classification, 120)) == 2

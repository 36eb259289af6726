"""The search tries every combination, keeps the best, and says what it tried."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from pipeline.refusal import Refusal
from pipeline.train import fit


@pytest.fixture
def searching(params):
    """Return a function that gives the knobs of a search over the grid of an estimator."""

    def knobs(estimator="KNeighborsClassifier", scoring="accuracy", folds=3, **grid):
        params.train.estimator = estimator
        params.train.search = params.train.search.model_copy(
            update={
                "enabled": True,
                "scoring": scoring,
                "folds": folds,
                "grid": {estimator: grid, "Ridge": {"alpha": [1]}},
            }
        )
        return params.train

    return knobs


def test_every_combination_is_tried(frame, classification, searching):
    """The record has the score of each combination of the values, over the folds."""
    knobs = searching(n_neighbors=[1, 5], weights=["uniform", "distance"])
    _, found = fit(frame, classification, knobs)
    tried = [tuple(one["parameters"].values()) for one in found["tried"]]
    assert sorted(tried) == sorted(product([1, 5], ["uniform", "distance"]))
    assert all(0 < one["mean"] <= 1 and one["standard_deviation"] >= 0 for one in found["tried"])
    assert (found["scoring"], found["folds"]) == ("accuracy", 3)


def test_the_best_combination_is_kept(frame, classification, searching):
    """Five neighbours say more than nearly all rows: they win, and the model has them."""
    model, found = fit(frame, classification, searching(n_neighbors=[79, 5, 78]))
    assert found["best"]["parameters"] == {"n_neighbors": 5}
    assert found["best"]["mean"] == max(one["mean"] for one in found["tried"])
    assert model["model"].n_neighbors == 5


def test_a_score_that_is_better_lower_is_minimized(frame, regression, searching):
    """With an error as scoring, the smallest error wins."""
    scoring = "neg_mean_absolute_error"
    knobs = searching("KNeighborsRegressor", scoring, n_neighbors=[79, 5])
    model, found = fit(frame, regression, knobs)
    assert model["model"].n_neighbors == 5
    assert all(one["mean"] < 0 for one in found["tried"])


def test_the_best_is_fitted_on_all_rows(frame, classification, searching):
    """After the search, every training row has been seen."""
    model, _ = fit(frame, classification, searching(n_neighbors=[1, 5]))
    assert model["model"].n_samples_fit_ == len(frame)


def test_the_grid_goes_before_the_section(frame, classification, searching):
    """A parameter of the grid is searched; the others have the value of the section."""
    knobs = searching(n_neighbors=[3])
    knobs.sections["KNeighborsClassifier"] = {"n_neighbors": 50, "weights": "distance"}
    model, _ = fit(frame, classification, knobs)
    assert (model["model"].n_neighbors, model["model"].weights) == (3, "distance")


def test_searching_twice_finds_the_same(frame, classification, searching):
    """Folds are drawn from the seed, so scores repeat to the last bit."""
    knobs = searching("RandomForestClassifier", n_estimators=[5], max_depth=[1, 3])
    assert fit(frame, classification, knobs)[1] == fit(frame, classification, knobs)[1]


def test_folds_are_mixed(regression, searching):
    """Rows sorted by their target are scored fairly, since folds are drawn at random."""
    size = np.linspace(0, 60, 60)
    frame = pd.DataFrame({"size": size, "count": 1, "member": True, "colour": "red"})
    knobs = searching("KNeighborsRegressor", "r2", n_neighbors=[1])
    _, found = fit(frame.assign(price=size), regression, knobs)
    assert found["best"]["mean"] > 0.95


def test_every_fold_has_every_class(frame, classification, searching):
    """Folds of a classification are stratified: a class of three rows is in all three folds."""
    rare = frame.assign(label=["rare"] * 3 + ["low", "high"] * 58 + ["low"])
    knobs = searching("LogisticRegression", "roc_auc_ovr", C=[1.0])
    _, found = fit(rare, classification, knobs)
    assert np.isfinite(found["best"]["mean"])


def test_an_estimator_without_a_grid_is_refused(frame, classification, searching):
    """A search over nothing is a mistake, told with both ways out."""
    with pytest.raises(Refusal, match=r"grid has no section SVC: add one .*enabled to false"):
        fit(frame, classification, searching("SVC"))


def test_a_parameter_that_does_not_exist_is_refused(frame, classification, searching):
    """The message names the place in the grid and the nearest parameter."""
    message = r"train\.search\.grid\.LogisticRegression: .*'D' ?"
    with pytest.raises(Refusal, match=message):
        fit(frame, classification, searching("LogisticRegression", D=[1]))


@pytest.mark.parametrize(
    ("scoring", "folds", "grid"),
    [
        ("acuracy", 3, {"C": [1.0]}),
        ("accuracy", 3, {"C": [1.0, -1.0]}),
        ("accuracy", 90, {"C": [1.0]}),
    ],
    ids=["scoring", "value", "folds"],
)
def test_what_scikit_learn_does_not_take_is_refused(
    frame, classification, searching, scoring, folds, grid
):
    """A scoring, a value or more folds than rows of a class end in a message, not a traceback."""
    with pytest.raises(Refusal, match="LogisticRegression cannot be trained"):
        fit(frame, classification, searching("LogisticRegression", scoring, folds, **grid))

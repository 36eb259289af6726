"""The search tries every combination, keeps the best, and says what it tried."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from modelkeep_core.errors import UserError
from pipeline.train import train

pytestmark = pytest.mark.slow


@pytest.fixture
def searching(params):
    """Return a function that gives the params of a search over the grid of an estimator."""

    def settings(estimator="KNeighborsClassifier", scoring="accuracy", folds=3, **grid):
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

    return settings


def test_every_combination_is_tried(frame, classification, searching):
    """The record has the score of each combination of the values, over the folds."""
    settings = searching(n_neighbors=[1, 5], weights=["uniform", "distance"])
    search = train(frame, classification, settings).searched
    tried = [tuple(trial["parameters"].values()) for trial in search["tried"]]
    assert sorted(tried) == sorted(product([1, 5], ["uniform", "distance"]))
    assert all(
        0 < trial["mean"] <= 1 and trial["standard_deviation"] >= 0 for trial in search["tried"]
    )
    assert (search["scoring"], search["folds"]) == ("accuracy", 3)


def test_the_best_combination_is_kept(frame, classification, searching):
    """Five neighbours say more than nearly all rows: they win, and the model has them."""
    model, search, _ = train(frame, classification, searching(n_neighbors=[79, 5, 78]))
    assert search["best"]["parameters"] == {"n_neighbors": 5}
    assert search["best"]["mean"] == max(trial["mean"] for trial in search["tried"])
    assert model["model"].n_neighbors == 5


def test_a_score_that_is_better_lower_is_minimized(frame, regression, searching):
    """With an error as scoring, the smallest error wins."""
    scoring = "neg_mean_absolute_error"
    settings = searching("KNeighborsRegressor", scoring, n_neighbors=[79, 5])
    model, search, _ = train(frame, regression, settings)
    assert model["model"].n_neighbors == 5
    assert all(trial["mean"] < 0 for trial in search["tried"])


def test_the_best_is_fitted_on_all_rows(frame, classification, searching):
    """After the search, every training row has been seen."""
    model, *_ = train(frame, classification, searching(n_neighbors=[1, 5]))
    assert model["model"].n_samples_fit_ == len(frame)


def test_the_grid_goes_before_the_section(frame, classification, searching):
    """A parameter of the grid is searched; the others have the value of the section."""
    settings = searching(n_neighbors=[3])
    settings.sections["KNeighborsClassifier"] = {"n_neighbors": 50, "weights": "distance"}
    model, *_ = train(frame, classification, settings)
    assert (model["model"].n_neighbors, model["model"].weights) == (3, "distance")


def test_searching_twice_finds_the_same(frame, classification, searching):
    """Folds are drawn from the seed, so scores repeat to the last bit."""
    settings = searching("RandomForestClassifier", n_estimators=[5], max_depth=[1, 3])
    assert train(frame, classification, settings)[1] == train(frame, classification, settings)[1]


def test_folds_are_mixed(regression, searching):
    """Rows sorted by their target are scored fairly, since folds are drawn at random."""
    size = np.linspace(0, 60, 60)
    frame = pd.DataFrame({"size": size, "count": 1, "member": True, "colour": "red"})
    settings = searching("KNeighborsRegressor", "r2", n_neighbors=[1])
    _, search, _ = train(frame.assign(price=size), regression, settings)
    assert search["best"]["mean"] > 0.95


def test_every_fold_has_every_class(frame, classification, searching):
    """Folds of a classification are stratified: a class of three rows is in all three folds."""
    rare = frame.assign(label=["rare"] * 3 + ["low", "high"] * 58 + ["low"])
    settings = searching("LogisticRegression", "roc_auc_ovr", C=[1.0])
    _, search, _ = train(rare, classification, settings)
    assert np.isfinite(search["best"]["mean"])


def test_an_estimator_without_a_grid_is_refused(frame, classification, searching):
    """A search over nothing is a mistake, told with both ways out."""
    with pytest.raises(UserError, match=r"grid has no section SVC: add one .*enabled to false"):
        train(frame, classification, searching("SVC"))


def test_a_parameter_that_does_not_exist_is_refused(frame, classification, searching):
    """The message names the place in the grid and the nearest parameter."""
    message = r"train\.search\.grid\.LogisticRegression: .*'D' ?"
    with pytest.raises(UserError, match=message):
        train(frame, classification, searching("LogisticRegression", D=[1]))


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
    with pytest.raises(UserError, match="LogisticRegression cannot be trained"):
        train(frame, classification, searching("LogisticRegression", scoring, folds, **grid))

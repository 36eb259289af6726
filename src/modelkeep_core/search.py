"""A cross-validated search over a grid of an estimator's parameters."""

from typing import Any

import pandas as pd
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from modelkeep_core.errors import UserError
from modelkeep_core.estimators import check_names
from modelkeep_core.params import Train

PREFIX = "model__"


def best_of_grid(
    pipeline: Pipeline, inputs: pd.DataFrame, target: Any, task: str, params: Train
) -> tuple[Pipeline, dict[str, Any]]:
    """Try every combination of the grid on the step "model" and refit the best on all rows.

    Returns:
        The fitted pipeline; and the scoring, the folds, the best and all combinations tried,
        each with its mean score and standard deviation over the folds.

    Raises:
        UserError: this estimator has no grid, or the grid names a parameter it does not have.
        ValueError: scikit-learn does not take a value or the scoring.
    """
    grid = params.search.grid.get(params.estimator)
    if not grid:
        raise UserError(
            f"params.yaml: train.search.grid has no section {params.estimator}: add one with "
            "lists of values to try, or set train.search.enabled to false."
        )
    where = f"train.search.grid.{params.estimator}"
    check_names(where, grid, pipeline["model"].get_params())
    folds = StratifiedKFold if task == "classification" else KFold
    search = GridSearchCV(
        pipeline,
        {PREFIX + name: values for name, values in grid.items()},
        scoring=params.search.scoring,
        cv=folds(params.search.folds, shuffle=True, random_state=params.seed),
        error_score="raise",
    ).fit(inputs, target)
    results = search.cv_results_
    tried = [
        {
            "parameters": {name.removeprefix(PREFIX): value for name, value in values.items()},
            "mean": float(mean),
            "standard_deviation": float(deviation),
        }
        for values, mean, deviation in zip(
            results["params"], results["mean_test_score"], results["std_test_score"], strict=True
        )
    ]
    return search.best_estimator_, {
        "scoring": params.search.scoring,
        "folds": params.search.folds,
        "best": tried[int(search.best_index_)],
        "tried": tried,
    }

"""A linear model or trees: whichever predicts rows better that it has not seen, to begin with."""

import math
import warnings

import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from pipeline.estimators import build
from pipeline.features import features_of, preprocessor
from pipeline.schema import Schema
from pipeline.settings import TASKS

ROWS, FOLDS = 1000, 3
# A forest holds its rows, boosting needs many
FOREST_ROWS = 10_000


def first_estimator(table: pd.DataFrame, schema: Schema, rows: int) -> dict[str, float]:
    """Compare a linear model and trees on a sample of the rows.

    Args:
        table: rows that have a target; at most ROWS of them are used.
        schema: the columns.
        rows: how many rows there are in all.

    Returns:
        The cross-validated score of each by its name, the best first: macro F1, or the negative
        root mean squared error. What cannot be compared is last, with minus infinity.
    """
    suited = TASKS[schema.task]
    linear, forest, boosting = suited["sections"]
    classes = schema.task == "classification"
    table = table.sample(min(len(table), ROWS), random_state=0)
    target = table[schema.target].astype(str if classes else float).to_numpy()
    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=0)
    inputs, found = features_of(table, schema), {}
    for name in (linear, forest if rows <= FOREST_ROWS else boosting):
        model = make_pipeline(preprocessor(schema), build(name, suited["sections"], schema.task, 0))
        with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
            warnings.simplefilter("ignore")
            scores = cross_val_score(
                model, inputs, target, cv=folds, scoring=suited["search"]["scoring"]
            )
        found[name] = float(scores.mean()) if math.isfinite(scores.mean()) else -math.inf
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))

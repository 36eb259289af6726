"""A linear model or trees: whichever predicts rows better that it has not seen, to begin with."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from modelkeep.adopt.settings import TASKS
from modelkeep_core.estimators import build
from modelkeep_core.inputs import model_inputs
from modelkeep_core.native import suited
from modelkeep_core.preprocessing import preprocessor
from modelkeep_core.schema import Schema

ROWS, FOLDS = 1000, 3
# A forest holds its rows, boosting needs many
FOREST_ROWS = 10_000
# How much better than guessing a classifier has to be
MARGIN = 0.02


@dataclass(frozen=True)
class Candidate:
    """An estimator, its parameters, and its cross-validated score: macro F1 or negative RMSE."""

    name: str
    parameters: dict[str, Any]
    score: float


def first_estimator(table: pd.DataFrame, schema: Schema, rows: int) -> list[Candidate]:
    """Compare a linear model and trees on a sample of the rows.

    Where neither finds the rarer classes, a linear model is tried that weighs all classes alike.

    Args:
        table: rows that have a target; at most ROWS of them are used.
        schema: the columns.
        rows: how many rows there are in all.

    Returns:
        What was tried, the best first; what cannot be compared has a score of minus infinity.
    """
    sections = TASKS[schema.task]["sections"]
    linear, forest, boosting = sections
    table = table.sample(min(len(table), ROWS), random_state=0)
    candidates = [
        Candidate(name, sections[name], _score(table, schema, name, sections[name]))
        for name in (linear, forest if rows <= FOREST_ROWS else boosting)
    ]
    best = max(candidate.score for candidate in candidates)
    if schema.task == "classification" and best < _guessing(table, schema):
        alike = {**sections[linear], "class_weight": "balanced"}
        candidates.append(Candidate(linear, alike, _score(table, schema, linear, alike)))
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _score(table: pd.DataFrame, schema: Schema, name: str, parameters: dict[str, Any]) -> float:
    """Return the mean score over the folds of an estimator, and of what preprocessing suits it."""
    classes = schema.task == "classification"
    target = table[schema.target].astype(str if classes else float).to_numpy()
    estimator = build(name, {name: parameters}, schema.task, seed=0)
    model = suited(make_pipeline(preprocessor(schema), estimator))
    with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
        warnings.simplefilter("ignore")
        try:
            scores = cross_val_score(
                model,
                model_inputs(table, schema),
                target,
                cv=(StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=0),
                scoring=TASKS[schema.task]["scoring"],
            )
        # Where a class is so rare that every fold lacks it, nothing can be fitted.
        except ValueError:
            return -math.inf
    return float(scores.mean()) if math.isfinite(scores.mean()) else -math.inf


def _guessing(table: pd.DataFrame, schema: Schema) -> float:
    """Return the macro F1 of always saying the most frequent class, and a margin."""
    shares = table[schema.target].value_counts(normalize=True)
    return float(2 * shares.iloc[0] / (1 + shares.iloc[0]) / len(shares)) + MARGIN

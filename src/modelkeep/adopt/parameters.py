"""What of params.yaml follows from a table: groups, limits, thresholds, and why this estimator."""

import math
import re
from typing import Any

import pandas as pd

from modelkeep.adopt.choosing import Candidate
from modelkeep.adopt.planning import Plan

# A column of at most so many values gives groups, if each has so many rows
GROUPS, GROUP_ROWS = 8, 50
# Shuffling each of more features again and again takes longer than all the rest, and of yet more
# even once
MANY_FEATURES, TOO_MANY = 100, 1000
# What a model card says of every model that adopt begins
TRAINED = "Trained on {} rows of {}; it knows nothing else."
OUTSIDE = "Inputs outside the ranges and values above are refused, not guessed at."


def compared(candidates: list[Candidate], task: str) -> str:
    """Say which estimator is the best, and by what."""
    measure = "macro F1" if task == "classification" else "root mean squared error"
    best, other = (
        candidates[0],
        next(candidate for candidate in candidates if candidate.name != candidates[0].name),
    )
    alike = ", with all classes weighed alike," if "class_weight" in best.parameters else ":"
    if not math.isfinite(best.score):
        return f"{best.name}: the rows are too few, or too much alike, to compare estimators"
    behind = f", {other.name} {abs(other.score):.3g}" if math.isfinite(other.score) else ""
    return f"{best.name}{alike} cross-validated {measure} {abs(best.score):.3g}{behind}"


def evaluation(sample: pd.DataFrame, made: Plan) -> dict[str, Any]:
    """Return what of the section evaluate is to be another."""
    features, repeats = len(made.schema.features), {}
    if features > MANY_FEATURES:
        repeats["importance_repeats"] = int(features <= TOO_MANY)
    return {"group_by": groups_in(sample, made), **repeats}


def groups_in(sample: pd.DataFrame, made: Plan) -> str | None:
    """Return the first category or boolean whose values all have rows enough for a result."""
    for name, column in made.schema.features.items():
        if column.type in ("category", "boolean"):
            counts = sample[name].value_counts()
            rows = counts.min() * made.target.rows / max(len(sample), 1) if len(counts) else 0
            if 2 <= len(counts) <= GROUPS and rows >= GROUP_ROWS:
                return name
    return None


def limits(name: str, made: Plan) -> list[str]:
    """Return what the model card says of what the model does not know."""
    return [TRAINED.format(made.target.rows, name), OUTSIDE]


def kept(
    changes: dict[str, dict[str, Any]], before: dict[str, Any], made: Plan
) -> dict[str, dict[str, Any]]:
    """Return the changes of params.yaml without those of what a person sets for a table.

    Args:
        changes: what follows from new rows of the same table, by section.
        before: the params that are in force.
        made: what the table was taken for.
    """
    group = (before["evaluate"] or {}).get("group_by")
    grouped = group is None or group in made.schema.features
    limits = (before.get("package") or {}).get("limits") or []
    trained = re.compile(re.escape(TRAINED).replace(r"\{\}", ".*"))
    own = [text for text in limits if text != OUTSIDE and not trained.fullmatch(str(text))]
    changes = {**changes, "evaluate": {} if grouped else {"group_by": None}}
    changes["package"] = {"limits": [*changes["package"]["limits"], *own]}
    return {section: values for section, values in changes.items() if section != "promote"}


def better_than_guessing(made: Plan) -> dict[str, float]:
    """Return a threshold that a model without any idea of the target does not reach."""
    if made.target.task == "regression":
        return {"r2": 0.0}
    return {"balanced_accuracy": math.floor(100 / len(made.target.classes)) / 100 + 0.01}

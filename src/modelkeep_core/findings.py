"""What a senior colleague would say of a model: findings, each with evidence and a severity.

Every check is a function of what evaluate has at hand, and looks at no more than ROWS rows. A
finding is no error: the model is packaged all the same, and a person decides.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from modelkeep_core import findings_data, findings_model
from modelkeep_core.disk_rows import DiskRows
from modelkeep_core.evaluated import Check, Evaluated
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import Metric, headline_metric, scored_rows
from modelkeep_core.schema import Schema

CHECKS: dict[str, Check] = {
    "no-better-than-baseline": findings_model.no_better,
    "overfitting": findings_model.overfitting,
    "inconsistent-folds": findings_model.folds_apart,
    "feature-knows-too-much": findings_data.knowing,
    "useless-feature": findings_data.useless,
    "correlated-features": findings_data.correlated,
    "rare-class": findings_data.rare,
    "imbalance": findings_data.imbalance,
    "group-much-worse": findings_model.group_worse,
    "miscalibrated": findings_model.miscalibrated,
    "simpler-model-as-good": findings_model.simpler,
    "overlap-in-time": findings_data.in_time,
    "overlap-by-entity": findings_data.by_entity,
    "duplicates-across-split": findings_data.repeated,
}


def findings(
    model: Any,
    train: pd.DataFrame | DiskRows,
    test: pd.DataFrame,
    schema: Schema,
    evaluation: dict[str, Any],
    importance: list[list[Any]],
    own: Mapping[str, Metric] = MappingProxyType({}),
    validated: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return what is to be said of a model that was evaluated.

    Args:
        model: the fitted pipeline.
        train: the rows that it learnt from, in memory or on disk.
        test: those that it has not seen.
        schema: the contract of the data.
        evaluation: what `evaluation.evaluate` returned.
        importance: rows of feature, importance and its deviation; empty where it was not measured.
        own: metrics of the project's own.
        validated: the cross-validation, as `training.summary` tells it, or None.

    Returns:
        For each finding "name", "severity", what it "says", and the "evidence", as plain data.
    """
    tested = scored_rows(model, model_inputs(test, schema), test[schema.target].to_numpy())
    name = evaluation["headline"]["metric"]
    metric = headline_metric(name, schema.task, tested, own)
    case = Evaluated(
        *(model, schema, train, test, tested, metric, evaluation, importance, validated, own)
    )
    return [
        {"name": name, "severity": severity, "says": says, "evidence": evidence}
        for name, check in CHECKS.items()
        for severity, says, evidence in check(case)
    ]

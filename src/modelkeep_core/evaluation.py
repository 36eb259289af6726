"""A fitted model and rows → how good it is: metrics, their interval, a baseline, groups."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from threadpoolctl import threadpool_limits

from modelkeep_core import metrics, resampling
from modelkeep_core.disk_rows import DiskRows, parts
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import Metric, ScoredRows
from modelkeep_core.params import Evaluate
from modelkeep_core.schema import FEW, Schema

Evaluation = dict[str, Any]


def one_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra to one thread: the last bits of its results depend on their number."""
    limited: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limited


def evaluate(
    model: Any,
    train: pd.DataFrame | DiskRows,
    test: pd.DataFrame,
    schema: Schema,
    params: Evaluate,
    own: Mapping[str, Metric] = MappingProxyType({}),
) -> tuple[Evaluation, ScoredRows]:
    """Score a fitted pipeline on the rows that it learnt from and on those that it has not seen.

    Args:
        model: the fitted pipeline.
        train: the rows that it learnt from, with at least features and target, in memory or on
            disk.
        test: those that it has not seen.
        schema: which columns are features, and the target.
        params: the headline metric, the bootstrap and the groups.
        own: metrics of the project's own, beside those of the task.

    Returns:
        The evaluation as plain data: "headline", "train", "test" and "baseline" metrics,
        "recall_by_class", "by_group", the "settings" that it was made with, and the modules of own
        metrics, "code"; and what was predicted for the test rows.

    Raises:
        UserError: there is no such headline metric or group column, or the target has one class.
    """
    inputs, target = model_inputs(test, schema), test[schema.target].to_numpy()
    learnt = train[schema.target].to_numpy()
    # It looks at no inputs
    baseline = baseline_of(schema.task).fit(np.zeros((len(learnt), 1)), learnt)
    by_part = {
        "train": _scored(model, train, schema),
        "test": metrics.scored_rows(model, inputs, target),
        "baseline": metrics.scored_rows(baseline, inputs, target),
    }
    tested = by_part["test"]
    metric = metrics.headline_metric(params.headline, schema.task, tested, own)
    low, high = resampling.interval(
        metric, tested, params.resamples, params.confidence, params.seed
    )
    classes = schema.task == "classification"
    by_group = None
    if params.group_by is not None:
        groups = metrics.group_labels(test, params.group_by)
        scored = metrics.by_group(metric, tested, groups)
        if params.group_by in schema.private:
            scored = [group for group in scored if group["rows"] >= FEW]
        by_group = {"column": params.group_by, "groups": scored}
    return {
        "headline": {
            "metric": params.headline,
            "higher_is_better": metric.higher_is_better,
            "value": float(metric.score(tested)),
            "low": low,
            "high": high,
            "confidence": params.confidence,
        },
        **{name: metrics.scores(schema.task, rows, own) for name, rows in by_part.items()},
        "recall_by_class": metrics.recalls(tested) if classes else None,
        "by_group": by_group,
        "settings": params.model_dump(),
        "code": sorted({metric.module for metric in own.values() if metric.module}),
    }, tested


def _scored(model: Any, table: pd.DataFrame | DiskRows, schema: Schema) -> ScoredRows:
    """Predict the rows of a table."""
    names = [*schema.features, schema.target]
    return ScoredRows.joined(
        [
            metrics.scored_rows(model, model_inputs(part, schema), part[schema.target].to_numpy())
            for part in parts(table, names)
        ]
    )


def baseline_of(task: str) -> Any:
    """Return the unfitted model that looks at no input: the shares of the classes, or the mean."""
    if task == "classification":
        return DummyClassifier(strategy="prior")
    return DummyRegressor(strategy="mean")

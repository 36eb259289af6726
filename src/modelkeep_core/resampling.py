"""What comes of scoring the same rows hundreds of times, by as many workers as there are.

Each task starts from the random numbers that it would have met in one process, so that where tasks
run changes no result.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance

from modelkeep_core import metrics
from modelkeep_core.lending import borrowed, lent
from modelkeep_core.metrics import Metric, ScoredRows, scored_rows
from modelkeep_core.workers import Workers

# Resamples of a task
STEP = 25
IMPORTANCE_ROWS = 5_000


def interval(
    metric: Metric, tested: ScoredRows, resamples: int, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a metric, as `metrics.interval` does alone."""
    rng, rows = np.random.default_rng(seed), len(tested.actual)
    with lent((metric, tested)) as loan:
        tasks = []
        for start in range(0, resamples, STEP):
            count = min(STEP, resamples - start)
            tasks.append((loan.path, rng.bit_generator.state, count))
            for _ in range(count):
                rng.integers(0, rows, size=rows)
        with Workers[list[float]](len(tasks), loan.here) as workers:
            values = workers.run(_resampled, tasks)
    return metrics.percentiles([value for part in values for value in part], confidence)


def _resampled(loan: Path, state: dict[str, Any], count: int) -> list[float]:
    metric, tested = borrowed(loan)
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return metrics.resampled(metric, tested, rng, count)


def importance(
    model: Any, inputs: pd.DataFrame, target: NDArray[Any], metric: Metric, repeats: int, seed: int
) -> list[list[Any]]:
    """Return how much worse the metric gets when a feature is shuffled, the worst first.

    Source: permutation importance, Breiman (2001), as scikit-learn computes it, on IMPORTANCE_ROWS
    rows at random where there are more.

    Returns:
        A row for each feature: its name, and mean and standard deviation over the repeats.
    """
    if len(inputs) > IMPORTANCE_ROWS:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(len(inputs), IMPORTANCE_ROWS, replace=False))
        inputs, target = inputs.iloc[rows], target[rows]
    case = _Features(model, inputs, target, metric, repeats, seed)
    with lent(case) as loan:
        tasks = [(loan.path, name) for name in inputs.columns]
        with Workers[list[float]](len(tasks), loan.here) as workers:
            losses = workers.run(_importance_of, tasks)
    features = zip(inputs.columns, losses, strict=True)
    return sorted(([name, *numbers] for name, numbers in features), key=lambda row: -row[1])


@dataclass(frozen=True)
class _Features:
    """The features that are shuffled, one by one."""

    model: Any
    inputs: pd.DataFrame
    target: NDArray[Any]
    metric: Metric
    repeats: int
    seed: int

    @cached_property
    def whole(self) -> float:
        """The metric with no feature shuffled."""
        return self.metric.score(scored_rows(self.model, self.inputs, self.target))

    def score(self, feature: pd.DataFrame) -> float:
        """Return the metric, greater where better, with one feature as `feature` has it."""
        sign = 1 if self.metric.higher_is_better else -1
        if feature.equals(self.inputs[feature.columns]):
            return sign * self.whole
        inputs = self.inputs.copy()
        inputs[feature.columns] = feature
        return sign * self.metric.score(scored_rows(self.model, inputs, self.target))


def _importance_of(loan: Path, name: str) -> list[float]:
    case: _Features = borrowed(loan)
    # scikit-learn draws the same numbers for each feature, so that one alone is as one among all
    importances = permutation_importance(
        case.model,
        case.inputs[[name]],
        case.target,
        scoring=lambda model, feature, target: case.score(feature),
        n_repeats=case.repeats,
        random_state=case.seed,
    )
    return [float(importances.importances_mean[0]), float(importances.importances_std[0])]

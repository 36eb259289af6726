"""What findings are made from: a model, its rows, and how it was evaluated."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from modelkeep_core.disk_rows import DiskRows
from modelkeep_core.metrics import Metric, ScoredRows
from modelkeep_core.schema import Schema

# Of more rows, so many at random are looked at
ROWS = 5_000
Severity = Literal["warning", "note"]


@dataclass(frozen=True)
class Evaluated:
    """What the checks look at.

    Attributes:
        model: the fitted pipeline.
        schema: the contract of the data.
        train, test: the rows; those that train may be on disk.
        tested: what was predicted for the test rows.
        metric: the headline.
        evaluation: what `evaluation.evaluate` returned.
        importance: rows of feature, importance and its deviation; empty where it was not measured.
        validated: the cross-validation, as `training.summary` tells it, or None.
        own: metrics of the project's own.
    """

    model: Any
    schema: Schema
    train: pd.DataFrame | DiskRows
    test: pd.DataFrame
    tested: ScoredRows
    metric: Metric
    evaluation: dict[str, Any]
    importance: list[list[Any]]
    validated: Mapping[str, Any] | None
    own: Mapping[str, Metric]

    @property
    def sign(self) -> int:
        """1 where a greater headline is better, else -1."""
        return 1 if self.metric.higher_is_better else -1

    @property
    def seed(self) -> int:
        """The seed of the evaluation."""
        return int(self.evaluation["settings"]["seed"])


Said = tuple[Severity, str, dict[str, Any]]
Check = Callable[[Evaluated], Iterator[Said]]


def sample(table: pd.DataFrame | DiskRows, seed: int) -> pd.DataFrame:
    """Return at most ROWS rows of a table, at random."""
    if isinstance(table, pd.DataFrame) and len(table) <= ROWS:
        return table
    return table.sample(min(ROWS, len(table)), random_state=seed)

"""One feature alone → how well it predicts the target: almost perfectly is too good to be true."""

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelkeep_core.inputs import model_inputs
from modelkeep_core.schema import Schema

ROWS, FOLDS = 2000, 3
SUSPICIOUS = 0.99


def leaks(table: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """Return the features that predict the target almost perfectly, each alone, and how well.

    Args:
        table: rows that have a target; at most ROWS of them are used, a third of them to test.
        schema: the columns.

    Returns:
        By name, the balanced accuracy of a class, or R2 of a number, up to 1.
    """
    classes = schema.task == "classification"
    if classes:
        rows = table[schema.target].map(table[schema.target].value_counts())
        table = table[rows >= FOLDS]
    table = table.sample(min(len(table), ROWS), random_state=0)
    target = table[schema.target].astype(str if classes else float).to_numpy()
    if len(set(target)) < 2 or len(target) < 2 * FOLDS:
        return {}
    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=0)
    learnt, tested = next(folds.split(target.reshape(-1, 1), target))
    tree = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(random_state=0)
    score = balanced_accuracy_score if classes else r2_score
    suspects = {}
    for name, cells in model_inputs(table, schema).items():
        codes = _codes(cells).reshape(-1, 1)
        predicted = tree.fit(codes[learnt], target[learnt]).predict(codes[tested])
        value = float(score(target[tested], predicted))
        if value >= SUSPICIOUS:
            suspects[str(name)] = value
    return suspects


def _codes(cells: pd.Series) -> np.ndarray:
    """Return a number for each cell, another for each value."""
    if cells.dtype == object:
        return pd.factorize(cells)[0].astype(float)
    if cells.dtype.kind == "M":
        return cells.astype("int64").to_numpy(float)
    # Trees compute with numbers of half the size.
    return np.clip(cells.to_numpy(float), -1e38, 1e38)

"""One feature alone → how well it predicts the target: almost perfectly is too good to be true."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelkeep_core.inputs import model_inputs
from modelkeep_core.schema import Schema

ROWS, FOLDS = 2000, 3
SUSPICIOUS = 0.99
# In how many rows a number must be, on average, to be a code
REPEATED = 5


def leaks(table: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """Return the features that predict the target almost perfectly, each alone, and how well.

    Args:
        table: rows that have a target; at most ROWS of them are used, a third of them to test.
        schema: the columns.

    Returns:
        By name, the balanced accuracy of a class, or R2 of a number, up to 1.
    """
    classes = schema.task == "classification"
    # In rows that repeat others, every value is a name of its row.
    table = table.drop_duplicates()
    if classes:
        rows = table[schema.target].map(table[schema.target].value_counts())
        table = table[rows >= FOLDS]
    table = table.sample(min(len(table), ROWS), random_state=0)
    target = table[schema.target].astype(str if classes else float).to_numpy()
    if classes:
        target = np.unique(target, return_inverse=True)[1]
    if len(set(target)) < 2 or len(target) < 2 * FOLDS:
        return {}
    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=0)
    learnt, tested = next(folds.split(target.reshape(-1, 1), target))
    tree = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(random_state=0)
    score = _balanced_accuracy if classes else r2_score
    suspects = {}
    for name, cells in model_inputs(table, schema).items():
        codes = _codes(cells).reshape(-1, 1)
        predicted = tree.fit(codes[learnt], target[learnt]).predict(codes[tested])
        value = float(score(target[tested], predicted))
        if cells.dtype == object or cells.nunique() * REPEATED <= len(cells):
            value = max(value, _by_others(cells, target, score))
        if value >= SUSPICIOUS:
            suspects[str(name)] = value
    return suspects


def _by_others(cells: pd.Series, target: np.ndarray, score: Any) -> float:
    """Return how well the other rows of the same value predict a row, where there are some.

    A tree needs rows enough of each value, and most values of a column may be rare.

    Args:
        cells: (n,) texts.
        target: (n,) classes or numbers.
        score: of what is, and what is predicted.

    Returns:
        The score; 0 where fewer than half of the rows share their value with another.
    """
    codes = pd.factorize(cells, use_na_sentinel=False)[0]
    rows = pd.Series(codes).map(pd.Series(codes).value_counts()).to_numpy()
    shared = rows > 1
    if 2 * shared.sum() < len(rows):
        return 0.0
    codes, target, rows = codes[shared], target[shared], rows[shared]
    if target.dtype.kind == "f":
        sums = np.bincount(codes, weights=target)[codes]
        return float(score(target, (sums - target) / (rows - 1)))
    classes, places = np.unique(target, return_inverse=True)
    counts = np.zeros((codes.max() + 1, len(classes)))
    np.add.at(counts, (codes, places), 1)
    others = counts[codes]
    others[np.arange(len(codes)), places] -= 1
    return float(score(target, classes[others.argmax(axis=1)]))


def _balanced_accuracy(target: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean, over the classes that are there, of the share of rows that is right.

    scikit-learn looks at its arguments longer than this takes, and a table may have thousands of
    columns.

    Args:
        target: (n,) classes, as numbers from 0.
        predicted: (n,) classes.
    """
    rows = np.bincount(target)
    right = np.bincount(target, weights=target == predicted, minlength=len(rows))
    return float((right[rows > 0] / rows[rows > 0]).mean())


def _codes(cells: pd.Series) -> np.ndarray:
    """Return a number for each cell, another for each value."""
    if cells.dtype == object:
        return pd.factorize(cells)[0].astype(float)
    if cells.dtype.kind == "M":
        return cells.astype("int64").to_numpy(float)
    # Trees compute with numbers of half the size.
    return np.clip(cells.to_numpy(float), -1e38, 1e38)

"""Findings about the data of a model: its features, its classes, and its split.

Thresholds were measured on planted faults and on clean tables.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelkeep_core.disk_rows import parts
from modelkeep_core.evaluated import Evaluated, Said, sample
from modelkeep_core.inputs import model_inputs
from modelkeep_core.schema import NUMERIC

KNOWING, CORRELATED, REPEATED, IMBALANCED, SHARED = 0.98, 0.97, 0.01, 0.95, 0.5
RARE_TRAIN, RARE_TEST = 20, 5
ENTITIES, EACH = 20, 1.5


def knowing(case: Evaluated) -> Iterator[Said]:
    """One feature alone tells the target, and no other comes near."""
    scores = {}
    rows, target = sample(case.train, case.seed), case.schema.target
    for name in case.schema.features:
        learnt, asked = (_codes(table[name], rows[name]) for table in (rows, case.test))
        scores[name] = _alone(case, learnt, rows[target], asked, case.test[target])
    ranked = sorted(scores, key=lambda name: -scores[name])
    for name in ranked[:1]:
        others = scores[ranked[1]] if len(ranked) > 1 else 0.0
        if scores[name] >= KNOWING and others < KNOWING - 0.1:
            yield (
                "warning",
                f"'{name}' alone tells the target almost perfectly: is it known when the "
                "prediction is made?",
                {"feature": name, "alone": scores[name], "next": others},
            )


def useless(case: Evaluated) -> Iterator[Said]:
    """Shuffling a feature changes nothing, or it has one value only."""
    constant = [name for name in case.schema.features if case.train[name].nunique() < 2]
    greatest = max((row[1] for row in case.importance), default=0.0)
    idle = [
        name
        for name, mean, deviation in case.importance
        if mean <= deviation and mean < 0.01 * greatest
    ]
    if names := sorted({*constant, *idle}):
        yield (
            "note",
            f"without {', '.join(names)} the model would be as good.",
            {"features": names, "constant": constant},
        )


def correlated(case: Evaluated) -> Iterator[Said]:
    """Two numbers say the same."""
    rows = sample(case.train, case.seed)
    names = [name for name, column in case.schema.features.items() if column.type in NUMERIC]
    table = rows[names].astype(float)
    matrix = table.corr().abs().to_numpy()
    for place, first in enumerate(names):
        for other, second in enumerate(names[place + 1 :], place + 1):
            value = float(matrix[place, other])
            if value >= CORRELATED:
                yield (
                    "note",
                    f"'{first}' and '{second}' say the same: what each is worth cannot be told "
                    "apart.",
                    {"features": [first, second], "correlation": value},
                )


def rare(case: Evaluated) -> Iterator[Said]:
    """A class has too few rows to be learnt or judged."""
    if case.schema.task != "classification":
        return
    counts = case.train[case.schema.target].value_counts()
    tested = case.test[case.schema.target].value_counts()
    for label in sorted(counts.index, key=str):
        few = int(counts[label]), int(tested.get(label, 0))
        if few[0] < RARE_TRAIN or few[1] < RARE_TEST:
            yield (
                "warning",
                f"'{label}' has {few[0]} training and {few[1]} test rows only.",
                {"class": str(label), "train": few[0], "test": few[1]},
            )


def imbalance(case: Evaluated) -> Iterator[Said]:
    """Nearly all rows are of one class."""
    if case.schema.task != "classification":
        return
    shares = case.train[case.schema.target].value_counts(normalize=True)
    if shares.iloc[0] >= IMBALANCED:
        name = case.evaluation["headline"]["metric"]
        blind = name == "accuracy"
        yield (
            "warning" if blind else "note",
            f"{shares.iloc[0]:.0%} of the rows are '{shares.index[0]}'"
            + (": accuracy says little, choose another headline." if blind else "."),
            {"class": str(shares.index[0]), "share": float(shares.iloc[0])},
        )


def in_time(case: Evaluated) -> Iterator[Said]:
    """Test rows are older than training rows, by each date: the split is by none of them."""
    shares = {}
    for name, column in case.schema.columns.items():
        if column.type != "datetime" or name not in case.train:
            continue
        train, test = case.train[name].dropna(), case.test[name].dropna()
        if not len(train) or not len(test) or train.min() == train.max():
            continue
        shares[name] = float((test < train.max()).mean())
    if 0 in shares.values():
        return
    for name, share in shares.items():
        if share >= SHARED:
            yield (
                "note",
                f"by '{name}', {share:.0%} of the test rows are older than the newest training "
                "row: if the model is to predict later rows, split by time.",
                {"column": name, "share": share},
            )


def by_entity(case: Evaluated) -> Iterator[Said]:
    """What looks like the name of an entity is on both sides."""
    for name, column in case.schema.columns.items():
        named = column.type in ("category", "integer") and not column.feature
        if not named or name == case.schema.target or name not in case.train:
            continue
        train, test = case.train[name].dropna(), case.test[name].dropna()
        entities = train.nunique()
        if entities < ENTITIES or not len(test) or len(train) < EACH * entities:
            continue
        share = float(test.isin(set(train)).mean())
        if share >= SHARED:
            yield (
                "warning",
                f"{share:.0%} of the test rows have a '{name}' that is among the training rows "
                "too: if the model is to predict new ones, split by group.",
                {"column": name, "share": share, "entities": int(entities)},
            )


def repeated(case: Evaluated) -> Iterator[Said]:
    """Test rows repeat training rows, more than chance would have."""
    names = list(case.schema.features)
    hashes = [
        pd.concat(
            pd.util.hash_pandas_object(model_inputs(part, case.schema), index=False)
            for part in parts(table, names)
        )
        for table in (case.train, case.test)
    ]
    among = hashes[1].isin(set(hashes[0]))
    share = float(among.mean())
    many = any(case.train[name].nunique() > 0.5 * len(case.train) for name in names)
    if many and share >= REPEATED and int(among.sum()) > 1:
        yield (
            "warning",
            f"{int(among.sum())} test rows ({share:.1%}) have the very features of a training row.",
            {"rows": int(among.sum()), "share": share},
        )


def _codes(column: pd.Series, learnt: pd.Series) -> NDArray[np.float64]:
    """Return a column as (n, 1) numbers: categories by their places among those that were learnt.

    What is missing or new is -1.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.astype("int64")
    elif not pd.api.types.is_numeric_dtype(column):
        values = sorted(learnt.dropna().unique(), key=str)
        column = pd.Series(pd.Categorical(column, categories=values).codes, index=column.index)
    numbers: NDArray[np.float64] = column.to_numpy(dtype="float64", na_value=np.nan)
    return np.nan_to_num(numbers, nan=-1.0).reshape(-1, 1)


def _alone(
    case: Evaluated,
    learnt: NDArray[np.float64],
    target: pd.Series,
    asked: NDArray[np.float64],
    truth: pd.Series,
) -> float:
    """Return how well one feature alone tells the target of the test rows: 1 is perfect."""
    if case.schema.task == "classification":
        tree: Any = DecisionTreeClassifier(max_leaf_nodes=64, random_state=0)
        predicted = tree.fit(learnt, target).predict(asked)
        return float(balanced_accuracy_score(truth, predicted))
    tree = DecisionTreeRegressor(max_leaf_nodes=64, random_state=0)
    return float(r2_score(truth, tree.fit(learnt, target).predict(asked)))

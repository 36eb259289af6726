"""What a senior colleague would say of a model: findings, each with evidence and a severity.

Every check is a function of what evaluate has at hand, and looks at no more than ROWS rows. A
finding is no error: the model is packaged all the same, and a person decides.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelkeep_core.blocks import core_of
from modelkeep_core.errors import UserError
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import (
    METRICS,
    Metric,
    ScoredRows,
    group_labels,
    headline_metric,
    interval,
    scored_rows,
)
from modelkeep_core.metrics import paired_interval as difference
from modelkeep_core.native import undone
from modelkeep_core.schema import NUMERIC, Schema

ROWS, RESAMPLES, SURE = 5_000, 200, 0.99
# The interval of a normal distribution that ends one standard error from its middle
MIDDLE = 0.6827
# Shares and scores from which on something is said; measured on planted faults and clean tables
OVERFIT, KNOWING, CORRELATED, REPEATED, IMBALANCED, SHARED = 0.4, 0.98, 0.97, 0.01, 0.95, 0.5
RARE_TRAIN, RARE_TEST, GROUP_ROWS = 20, 5, 20
ENTITIES, EACH = 20, 1.5
# How many times as far apart as chance has them; of three folds, P is below 0.001 then
APART, FEWEST_FOLDS = 3.0, 3
UNCALIBRATED, SPIEGELHALTER = 0.05, 4.0
Severity = Literal["warning", "note"]


@dataclass(frozen=True)
class Evaluated:
    """What the checks look at.

    Attributes:
        model: the fitted pipeline.
        schema: the contract of the data.
        train, test: the rows.
        tested: what was predicted for the test rows.
        metric: the headline.
        evaluation: what `evaluation.evaluate` returned.
        importance: rows of feature, importance and its deviation; empty where it was not measured.
        validated: the cross-validation, as `training.summary` tells it, or None.
        own: metrics of the project's own.
    """

    model: Any
    schema: Schema
    train: pd.DataFrame
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
CHECKS: dict[str, Check] = {}


def findings(
    model: Any,
    train: pd.DataFrame,
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
        train: the rows that it learnt from.
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


def _check(name: str) -> Callable[[Check], Check]:
    def add(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return add


@_check("no-better-than-baseline")
def no_better(case: Evaluated) -> Iterator[Said]:
    """The model is not surely better than one that looks at no feature."""
    headline = case.evaluation["headline"]
    baseline = case.evaluation["baseline"].get(headline["metric"])
    worst = headline["low" if case.sign > 0 else "high"]
    if baseline is not None and case.sign * worst <= case.sign * baseline:
        yield (
            "warning",
            f"{headline['metric']} is not surely better than that of a model that looks at no "
            "feature.",
            {"value": headline["value"], "baseline": baseline},
        )


@_check("overfitting")
def overfitting(case: Evaluated) -> Iterator[Said]:
    """The model is much better on the rows that it learnt from."""
    headline = case.evaluation["headline"]
    name = headline["metric"]
    learnt, tested = case.evaluation["train"].get(name), headline["value"]
    baseline = case.evaluation["baseline"].get(name)
    if learnt is None or baseline is None:
        return
    best = headline["high" if case.sign > 0 else "low"]
    lost, won = case.sign * (learnt - tested), case.sign * (learnt - baseline)
    if won > 0 and lost / won > OVERFIT and case.sign * learnt > case.sign * best:
        yield (
            "warning",
            f"{name} is much better on the rows that the model learnt from: of what it gains over "
            f"the baseline there, {lost / won:.0%} is lost on new rows.",
            {"train": learnt, "test": tested, "baseline": baseline},
        )


@_check("inconsistent-folds")
def folds_apart(case: Evaluated) -> Iterator[Said]:
    """The scores of the folds differ much more than the number of their rows allows.

    Chance is the standard error that the bootstrap has on the test rows, scaled to those of a fold;
    the square of their ratio, times the folds but one, is chi-squared where that alone is at work.
    """
    validated = case.validated
    if validated is None or len(validated.get("scores", [])) < FEWEST_FOLDS:
        return
    name, scores = validated["scoring"], np.array(validated["scores"])
    metric = {**METRICS[case.schema.task], **case.own}.get(name)
    if metric is None or (metric.needs_probabilities and case.tested.probabilities is None):
        return
    tested = len(case.tested.actual)
    chosen = np.random.default_rng(case.seed).permutation(tested)[:ROWS]
    sample = case.tested.take(chosen)
    low, high = interval(metric, sample, RESAMPLES, MIDDLE, case.seed)
    # By time, the first of the parts only teaches, and the first models learn from few rows
    by_time = validated["split"] == "time"
    parts = len(scores) + by_time
    error = (high - low) / 2 * np.sqrt(len(chosen) / (len(case.train) / parts))
    if not error > 0:
        return
    times = float(scores.std(ddof=1) / error)
    if times >= APART:
        yield (
            "note" if by_time else "warning",
            f"cross-validated {name} is {scores.min():.3g} to {scores.max():.3g}, {times:.1f} "
            "times as far apart as chance would have it: how good the model is depends on which "
            "rows it meets.",
            {"scores": scores.tolist(), "chance": float(error), "times": times},
        )


@_check("feature-knows-too-much")
def knowing(case: Evaluated) -> Iterator[Said]:
    """One feature alone tells the target, and no other comes near."""
    scores = {}
    rows, target = _sample(case.train, case.seed), case.schema.target
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


@_check("useless-feature")
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


@_check("correlated-features")
def correlated(case: Evaluated) -> Iterator[Said]:
    """Two numbers say the same."""
    rows = _sample(case.train, case.seed)
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


@_check("rare-class")
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


@_check("imbalance")
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


@_check("group-much-worse")
def group_worse(case: Evaluated) -> Iterator[Said]:
    """A group of evaluate.group_by does surely worse than all rows."""
    by_group = case.evaluation["by_group"]
    if by_group is None:
        return
    labels = group_labels(case.test, by_group["column"])
    headline = case.evaluation["headline"]
    worst = headline["low" if case.sign > 0 else "high"]
    for group in by_group["groups"]:
        rows = labels == group["group"]
        if group["rows"] < GROUP_ROWS or group["score"] is None or rows.all():
            continue
        if case.sign * group["score"] >= case.sign * worst:
            continue
        low, high = interval(case.metric, case.tested.take(rows), RESAMPLES, SURE, case.seed)
        best = high if case.sign > 0 else low
        if case.sign * best < case.sign * worst:
            yield (
                "warning",
                f"{headline['metric']} is {group['score']:.3g} where {by_group['column']} is "
                f"'{group['group']}', and {headline['value']:.3g} on all rows.",
                {"group": group["group"], "score": group["score"], "rows": group["rows"]},
            )


@_check("miscalibrated")
def miscalibrated(case: Evaluated) -> Iterator[Said]:
    """Probabilities of what is likeliest do not come true as often as they say.

    Source: the test of Spiegelhalter (1986), of the likeliest class.
    """
    chances = case.tested.probabilities
    if chances is None:
        return
    likeliest = chances.argmax(axis=1)
    predicted = np.clip(chances[np.arange(len(chances)), likeliest], 1e-6, 1 - 1e-6)
    right = (likeliest == case.tested.actual).astype(float)
    spread = np.sqrt(np.sum((1 - 2 * predicted) ** 2 * predicted * (1 - predicted)))
    score = float(np.sum((right - predicted) * (1 - 2 * predicted)) / spread) if spread > 0 else 0.0
    apart = float(predicted.mean() - right.mean())
    if abs(score) >= SPIEGELHALTER and abs(apart) >= UNCALIBRATED:
        much = "much" if apart > 0 else "little"
        yield (
            "warning",
            f"its probabilities promise too {much}: {predicted.mean():.0%} on average, and "
            f"{right.mean():.0%} are right.",
            {"predicted": float(predicted.mean()), "right": float(right.mean()), "z": score},
        )


@_check("simpler-model-as-good")
def simpler(case: Evaluated) -> Iterator[Said]:
    """A linear model on the same features is as good."""
    classes = case.schema.task == "classification"
    plain = LogisticRegression(max_iter=300) if classes else Ridge()
    if type(core_of(case.model[-1])).__module__.startswith("sklearn.linear_model"):
        return
    if case.metric.needs_probabilities and case.tested.probabilities is None:
        return
    rows = _sample(case.train, case.seed)
    if classes and rows[case.schema.target].nunique() < case.train[case.schema.target].nunique():
        return
    target = rows[case.schema.target].to_numpy()
    pipeline = Pipeline([("preprocess", undone(case.model[0])), ("model", plain)])
    pipeline.fit(model_inputs(rows, case.schema), target if classes else target.astype(float))
    asked = model_inputs(case.test, case.schema)
    try:
        other = scored_rows(pipeline, asked, case.test[case.schema.target].to_numpy())
    except UserError:
        # It has no prediction for some rows, so it is not as good
        return
    low, high = difference(case.metric, case.tested, other, RESAMPLES, 0.95, case.seed)
    if (low if case.sign > 0 else -high) <= 0:
        value = float(case.metric.score(other))
        yield (
            "note",
            f"a {type(plain).__name__} is not surely worse: {value:.3g}, and "
            f"{case.evaluation['headline']['value']:.3g} here.",
            {"simpler": type(plain).__name__, "score": value, "low": low, "high": high},
        )


@_check("overlap-in-time")
def in_time(case: Evaluated) -> Iterator[Said]:
    """Test rows are older than training rows."""
    for name, column in case.schema.columns.items():
        if column.type != "datetime" or name not in case.train:
            continue
        train, test = case.train[name].dropna(), case.test[name].dropna()
        if not len(train) or not len(test) or train.min() == train.max():
            continue
        share = float((test < train.max()).mean())
        if share >= SHARED:
            yield (
                "note",
                f"by '{name}', {share:.0%} of the test rows are older than the newest training "
                "row: if the model is to predict later rows, split by time.",
                {"column": name, "share": share},
            )


@_check("overlap-by-entity")
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


@_check("duplicates-across-split")
def repeated(case: Evaluated) -> Iterator[Said]:
    """Test rows repeat training rows, more than chance would have."""
    names = list(case.schema.features)
    hashes = [
        pd.util.hash_pandas_object(model_inputs(table, case.schema), index=False)
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


def _sample(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    return table if len(table) <= ROWS else table.sample(ROWS, random_state=seed)


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

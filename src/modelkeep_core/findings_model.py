"""Findings about a model: how well it learnt, and how sure that is.

Thresholds were measured on planted faults and on clean tables.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from modelkeep_core.blocks import core_of
from modelkeep_core.errors import UserError
from modelkeep_core.evaluated import ROWS, Evaluated, Said, sample
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import METRICS, group_labels, interval, paired_interval, scored_rows
from modelkeep_core.native import undone

RESAMPLES, SURE = 200, 0.99
# The interval of a normal distribution that ends one standard error from its middle
MIDDLE = 0.6827
OVERFIT, GROUP_ROWS = 0.4, 20
# How many times as far apart as chance has them; of three folds, P is below 0.001 then
APART, FEWEST_FOLDS = 3.0, 3
UNCALIBRATED, SPIEGELHALTER = 0.05, 4.0


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
    some = case.tested.take(chosen)
    low, high = interval(metric, some, RESAMPLES, MIDDLE, case.seed)
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


def simpler(case: Evaluated) -> Iterator[Said]:
    """A linear model on the same features is as good."""
    classes = case.schema.task == "classification"
    plain = LogisticRegression(max_iter=300) if classes else Ridge()
    if type(core_of(case.model[-1])).__module__.startswith("sklearn.linear_model"):
        return
    if case.metric.needs_probabilities and case.tested.probabilities is None:
        return
    rows = sample(case.train, case.seed)
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
    low, high = paired_interval(case.metric, case.tested, other, RESAMPLES, 0.95, case.seed)
    if (low if case.sign > 0 else -high) <= 0:
        value = float(case.metric.score(other))
        yield (
            "note",
            f"a {type(plain).__name__} is not surely worse: {value:.3g}, and "
            f"{case.evaluation['headline']['value']:.3g} here.",
            {"simpler": type(plain).__name__, "score": value, "low": low, "high": high},
        )

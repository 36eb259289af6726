"""A planted fault is told, by its name and with evidence, and a clean table says nothing."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.pipeline import Pipeline

from modelkeep_core.estimators import build
from modelkeep_core.evaluated import Evaluated
from modelkeep_core.evaluation import evaluate, one_thread
from modelkeep_core.findings import CHECKS, findings
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import METRICS, scored_rows
from modelkeep_core.params import Evaluate
from modelkeep_core.plots import drawn
from modelkeep_core.preprocessing import preprocessor
from modelkeep_core.schema import Schema

pytestmark = pytest.mark.slow

ROWS = 600
TASKS = ("classification", "regression")
HEADLINE = {"classification": "balanced_accuracy", "regression": "r2"}


def clean(task, seed, rows=ROWS):
    """Return a table in which each of five features says something of the target, with noise."""
    random = np.random.default_rng(seed)
    numbers = {name: random.normal(size=rows) for name in ("a", "b", "c")}
    colour = random.choice(["red", "green", "blue"], rows)
    member = random.random(rows) < 0.5
    score = 1.2 * numbers["a"] - numbers["b"] + 0.8 * numbers["c"] + 1.1 * (colour == "red")
    score = score + 0.9 * member + random.normal(size=rows) * 0.8
    table = pd.DataFrame({**numbers, "colour": colour, "member": member, "shop": "one"})
    table["shop"] = random.choice(["north", "south"], rows)
    target = np.where(score > 0.8, "yes", "no") if task == "classification" else score * 10
    return table.assign(target=target), random


def schema_of(task, **columns):
    """Return the contract of a table, with columns beside those of a clean one."""
    kinds = {"a": "number", "b": "number", "c": "number", "colour": "category"}
    described = {name: {"type": kind, "missing": True} for name, kind in kinds.items()}
    described["member"] = {"type": "boolean"}
    described["shop"] = {"type": "category", "feature": False}
    described |= columns
    described["target"] = {"type": "category" if task == "classification" else "number"}
    return Schema(task=task, target="target", missing_values=[], duplicates=True, columns=described)


def judged(task, table, estimator=None, test=None, group_by="shop", folds=None, **columns):
    """Train on three quarters of a table, evaluate on the rest, and return the findings."""
    schema = schema_of(task, **columns)
    if test is None:
        cut = len(table) * 3 // 4
        table, test = table[:cut], table[cut:]
    name = estimator or {"classification": "LogisticRegression", "regression": "Ridge"}[task]
    steps = [("preprocess", preprocessor(schema)), ("model", build(name, {}, task, seed=1))]
    model = Pipeline(steps).fit(model_inputs(table, schema), table["target"].to_numpy())
    params = Evaluate(
        seed=1,
        headline=HEADLINE[task],
        resamples=100,
        confidence=0.95,
        importance_repeats=3,
        group_by=group_by,
    )
    with one_thread():
        evaluation, tested = evaluate(model, table, test, schema, params)
        importance = drawn(model, test, tested, schema, params)["importance"]
        validated = cross_validated(model, table, schema, folds or KFold(5))
        listed = findings(model, table, test, schema, evaluation, importance, validated=validated)
    json.dumps(listed, allow_nan=False)
    return {finding["name"] for finding in listed}


def cross_validated(model, table, schema, folds):
    """Return the scores of a model over folds, as training tells them."""
    target = table["target"].to_numpy()
    name = HEADLINE[schema.task]
    groups = None if isinstance(folds, KFold) else table["shop"]
    scores = cross_val_score(
        model, model_inputs(table, schema), target, cv=folds, groups=groups, scoring=name
    )
    return {"scoring": name, "split": "random", "scores": scores.tolist()}


def moody_shops(task, table, random):
    """Let the target mean the opposite in one shop of five, which makes a fold of its own."""
    shops = np.arange(len(table)) % 5
    target = table["target"]
    other = target.map({"yes": "no", "no": "yes"}) if task == "classification" else -target
    table = table.assign(target=target.where(shops != 2, other), shop=[f"s{n}" for n in shops])
    return judged(task, table, folds=GroupKFold(5))


def leak(task, table, random):
    """Plant a feature that is the target with a little noise."""
    leaked = pd.factorize(table["target"])[0] if task == "classification" else table["target"]
    noise = random.normal(size=len(table)) * 0.01
    return judged(task, table.assign(d=leaked + noise), d={"type": "number"})


def idle(task, table, random):
    """Plant a feature that has one value."""
    return judged(task, table.assign(d=1.0), d={"type": "number"})


def twin(task, table, random):
    """Plant a feature that says what another one says."""
    twin = table["a"] * 2.54 + random.normal(size=len(table)) * 0.01
    return judged(task, table.assign(d=twin), d={"type": "number"})


def noise(task, table, random):
    """Mix the target, so that nothing tells it."""
    mixed = table["target"].sample(frac=1, random_state=int(random.integers(1000))).to_numpy()
    return judged(task, table.assign(target=mixed))


def learnt_by_heart(task, table, random):
    """Let a tree learn noisy rows by heart."""
    kind = "Classifier" if task == "classification" else "Regressor"
    few = table.copy()
    hidden = random.random(len(few)) < 0.25
    few.loc[hidden, "target"] = few.loc[hidden, "target"].sample(frac=1, random_state=1).to_numpy()
    return judged(task, few, f"DecisionTree{kind}")


def simple(task, table, random):
    """Train a forest on what is a sum."""
    kind = "Classifier" if task == "classification" else "Regressor"
    return judged(task, table, f"ExtraTrees{kind}")


def bad_group(task, table, random):
    """Mix the target in one shop of four."""
    there = table.index % 4 == 0
    table = table.assign(shop=np.where(there, "south", "north"))
    mixed = table.loc[there, "target"].sample(frac=1, random_state=3).to_numpy()
    table.loc[there, "target"] = mixed
    return judged(task, table)


def copies(task, table, random):
    """Let a tenth of the test rows repeat training rows."""
    cut = len(table) * 3 // 4
    test = pd.concat([table[cut:], table[: len(table) // 40]], ignore_index=True)
    return judged(task, table[:cut], test=test)


def customers(task, table, random):
    """Let each customer have several rows, at random on both sides."""
    names = random.integers(0, len(table) // 6, len(table)).astype(str)
    return judged(task, table.assign(who=names), who={"type": "category", "feature": False})


def dates(task, table, random):
    """Let rows of all days be on both sides."""
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, len(table)), "D")
    return judged(task, table.assign(day=days), day={"type": "datetime", "feature": False})


def few(task, table, random):
    """Leave six rows of one class."""
    rows = table[table["target"] == "yes"].index[6:]
    return judged(task, table.drop(rows).sample(frac=1, random_state=1))


def boastful(task, table, random):
    """Let a tree be sure of what it learnt by heart."""
    return learnt_by_heart(task, table, random)


PLANTED = [
    ("feature-knows-too-much", leak, TASKS),
    ("useless-feature", idle, TASKS),
    ("correlated-features", twin, TASKS),
    ("no-better-than-baseline", noise, TASKS),
    ("overfitting", learnt_by_heart, TASKS),
    ("simpler-model-as-good", simple, TASKS),
    ("group-much-worse", bad_group, TASKS),
    ("inconsistent-folds", moody_shops, TASKS),
    ("duplicates-across-split", copies, TASKS),
    ("overlap-by-entity", customers, TASKS),
    ("overlap-in-time", dates, TASKS),
    ("rare-class", few, TASKS[:1]),
    ("imbalance", few, TASKS[:1]),
    ("miscalibrated", boastful, TASKS[:1]),
]
CASES = [(name, plant, task) for name, plant, tasks in PLANTED for task in tasks]


@pytest.mark.parametrize(("name", "plant", "task"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
@pytest.mark.filterwarnings("ignore")
def test_a_planted_fault_is_found(name, plant, task):
    """Its name is among the findings."""
    assert name in plant(task, *clean(task, seed=11))


@pytest.mark.parametrize("task", TASKS)
def test_a_clean_table_says_nothing(task):
    """Nothing is found where nothing is wrong."""
    assert judged(task, clean(task, seed=12)[0]) == set()


@pytest.mark.parametrize("task", TASKS)
def test_a_table_that_is_split_by_time_is_not_told_to_be(task):
    """By another date, such as that of a booking beside that of the arrival, sides may overlap."""
    table = clean(task, seed=11)[0]
    arrival = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(table)), "h")
    booking = arrival - pd.to_timedelta(np.arange(len(table)) * 37 % 300, "D")
    day = {"type": "datetime", "feature": False}
    table = table.assign(arrival=arrival, booking=booking)
    assert "overlap-in-time" not in judged(task, table, arrival=day, booking=day)
    assert "overlap-in-time" in judged(task, table.drop(columns="arrival"), booking=day)


@pytest.mark.parametrize("task", TASKS)
def test_folds_of_clean_tables_are_as_far_apart_as_chance_has_it(task):
    """On none of ten tables anything is said of the folds."""
    for seed in range(10):
        table, _ = clean(task, seed=100 + seed, rows=400)
        schema = schema_of(task)
        train, test = table[:300], table[300:]
        estimator = {"classification": "LogisticRegression", "regression": "Ridge"}[task]
        steps = [("preprocess", preprocessor(schema)), ("model", build(estimator, {}, task, 1))]
        model = Pipeline(steps).fit(model_inputs(train, schema), train["target"].to_numpy())
        tested = scored_rows(model, model_inputs(test, schema), test["target"].to_numpy())
        validated = cross_validated(model, train, schema, KFold(5))
        evaluation = {"settings": {"seed": 1}}
        metric = METRICS[task][HEADLINE[task]]
        case = Evaluated(
            *(model, schema, train, test, tested, metric, evaluation, [], validated, {})
        )
        assert list(CHECKS["inconsistent-folds"](case)) == []


def test_every_check_is_planted():
    """No check is without a table on which it speaks."""
    assert {name for name, *_ in PLANTED} == {*CHECKS}

"""Folds keep apart what the split keeps apart, so that no score is better than it can be."""

import re
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.folds import folds
from modelkeep_core.params import Prepare
from modelkeep_core.schema import Schema
from modelkeep_core.scoring import read_prepared
from pipeline.prepare import prepare
from pipeline.train import train

ROWS = 240


def settings(split="random", **changes):
    """Return how rows are split."""
    by = None if split == "random" else "by"
    return Prepare(**({"seed": 1, "test_size": 0.25, "split": split, "split_by": by} | changes))


def test_folds_at_random_keep_the_share_of_each_class():
    """Every row tests once, and a class of three rows is in all three folds."""
    target = np.array(["rare"] * 3 + ["common"] * 57)
    made = folds(target, None, settings(), 3, stratify=True)
    assert sorted(np.concatenate([test for _, test in made])) == [*range(60)]
    assert all((target[test] == "rare").sum() == 1 for _, test in made)


def test_folds_of_a_regression_are_mixed():
    """Rows that are sorted by their target are in all folds."""
    made = folds(np.arange(60.0), None, settings(), 3, stratify=False)
    assert all(10 < np.mean(test) < 50 for _, test in made)


@pytest.mark.parametrize("kind", ["integer", "datetime"])
def test_no_fold_by_time_learns_from_what_comes_later(kind):
    """Each fold tests the rows of later moments, and a moment is never on both sides."""
    moments = np.random.default_rng(0).integers(0, 40, 200)
    by = moments if kind == "integer" else np.datetime64("2024-01-01") + moments
    made = folds(np.zeros(200), by, settings("time"), 5, stratify=True)
    assert len(made) == 5
    for train_rows, test_rows in made:
        assert by[train_rows].max() < by[test_rows].min()
    tested = np.concatenate([test for _, test in made])
    assert len(tested) == len(set(tested.tolist()))
    assert by[tested].max() == by.max()


@pytest.mark.parametrize("rows", [(7, 1, 1, 1), (1, 1, 1, 7), (1, 7, 1, 1), (3, 1, 5, 1)])
def test_moments_of_many_rows_leave_folds_to_the_others(rows):
    """As many folds as there are moments after the first, however unequal they are."""
    by = np.repeat(np.arange(4), rows)
    made = folds(np.zeros(len(by)), by, settings("time"), 3, stratify=False)
    assert [np.unique(by[test]).tolist() for _, test in made] == [[1], [2], [3]]
    assert [by[train].max() for train, _ in made] == [0, 1, 2]


@pytest.mark.parametrize("stratify", [False, True])
def test_a_group_is_never_on_both_sides(stratify):
    """Each group tests in one fold and trains in the others, and the seed decides in which."""
    random = np.random.default_rng(0)
    by = np.array([f"shop {number}" for number in random.integers(0, 11, 200)])
    target = random.choice(["a", "b"], 200)
    made = folds(target, by, settings("group"), 4, stratify)
    for train_rows, test_rows in made:
        assert not {*by[train_rows]} & {*by[test_rows]}
        assert len(train_rows) + len(test_rows) == 200
    again, other = (folds(target, by, settings("group", seed=seed), 4, stratify) for seed in (1, 2))
    assert [test.tolist() for _, test in made] == [test.tolist() for _, test in again]
    assert [test.tolist() for _, test in made] != [test.tolist() for _, test in other]


@pytest.mark.parametrize(
    ("split", "by", "message"),
    [
        ("random", None, r"train\.search\.folds: .* members in each class\. Set it to 5\."),
        ("group", ["a", "b"] * 5, r"only 2 values of 'by', and rows of one stay.* Set it to 2\."),
        ("group", ["a"] * 10, r"only 1 value .* make no folds at all: .* folds: 0\."),
        ("time", [1] * 9 + [2], "only 2 values of 'by', of which .* make no folds at all: change"),
        ("time", [1, 2, 3, 4, 5] * 2, r"only 5 values of 'by', of which .* Set it to 4\."),
        ("time", [1] * 7 + [2, 3, 4], r"only 4 values of 'by', of which .* Set it to 3\."),
    ],
)
def test_too_many_folds_are_refused_with_how_many_there_can_be(split, by, message):
    """The message names the parameter."""
    by = None if by is None else np.array(by)
    with pytest.raises(UserError, match=message):
        folds(np.array(["a", "b"] * 5), by, settings(split), 9, stratify=True)


@pytest.mark.parametrize("split", ["random", "time", "group"])
def test_as_many_folds_as_a_refusal_names_can_be_made(split):
    """Of rows of every kind: few, in large groups, of equal moments, of rare classes."""
    random, said, others = np.random.default_rng(0), 0, []
    for _ in range(300):
        rows = int(random.integers(1, 40))
        target = np.array(list("abcd"))[np.minimum(random.geometric(0.5, rows) - 1, 3)]
        by = None if split == "random" else np.minimum(random.geometric(0.3, rows), 8)
        try:
            folds(target, by, settings(split), int(random.integers(2, 9)), stratify=True)
        except UserError as refused:
            message = str(refused)
        else:
            continue
        if number := re.search(r"Set it to (\d+)\.", message):
            made = folds(target, by, settings(split), int(number[1]), stratify=True)
            assert len(made) == int(number[1])
            said += 1
        else:
            others.append(message)
    assert said > 9
    assert all("make no folds at all" in message for message in others)


def planted(split):
    """Return rows whose target is constant by day, or by shop, and follows from nothing else."""
    random = np.random.default_rng(3)
    places = np.repeat(np.arange(24), ROWS // 24)
    effect = random.normal(size=24)
    when = [datetime(2024, 1, 1) + timedelta(days=int(place)) for place in places]
    return pd.DataFrame(
        {
            "trace": places + random.normal(scale=0.05, size=ROWS),
            "by": when if split == "time" else [f"shop {place}" for place in places],
            "price": effect[places],
        }
    ).sample(frac=1, random_state=1)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["time", "group"])
def test_a_planted_leak_no_longer_makes_the_score(split, tmp_path, params):
    """Learnt by heart, other rows of a day or a shop tell its target: not across honest folds."""
    kind = "datetime" if split == "time" else "category"
    types = {"trace": "number", "by": kind, "price": "number"}
    columns = {name: {"type": type_, "feature": name == "trace"} for name, type_ in types.items()}
    schema = Schema(
        task="regression", target="price", missing_values=[], duplicates=True, columns=columns
    )
    (tmp_path / "raw").mkdir()
    planted(split).to_csv(tmp_path / "raw" / "rows.csv", index=False)
    search = {"scoring": "r2", "method": "grid", "folds": 4}
    search["ranges"] = {"KNeighborsRegressor": {"n_neighbors": {"choices": [1, 30]}}}
    wanted = type(params.train.search).model_validate(params.train.search.model_dump() | search)
    params.train.search, params.train.estimator = wanted, "KNeighborsRegressor"
    scores = {}
    for way in ("random", split):
        out = tmp_path / way
        prepare(tmp_path / "raw", schema, settings(way, test_size=0.2), out)
        table = pd.read_parquet(out / "train.parquet")
        fitted = train(table, schema, params.train, read_prepared(out, schema))
        scores[way] = fitted.cross_validation["mean"]
        if way == "random":
            assert fitted.model["model"].n_neighbors == 1
    assert scores["random"] > 0.9
    assert scores[split] < 0.3

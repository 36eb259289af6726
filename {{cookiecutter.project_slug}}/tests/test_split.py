"""Which rows test the model: enough of them, of each class, later ones, or whole groups."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from pipeline import split
from pipeline.params import Prepare
from pipeline.refusal import Refusal


def knobs(**changes):
    """Return the knobs of a random split, some of them changed."""
    return Prepare(
        **({"seed": 1, "test_size": 0.25, "split": "random", "split_by": None} | changes)
    )


def by_time(**changes):
    """Return the knobs of a split by time."""
    return knobs(split="time", split_by="when", **changes)


def by_group(**changes):
    """Return the knobs of a split by group."""
    return knobs(split="group", split_by="shop", **changes)


def labels(**counts):
    """Return keys with so many rows of each target value, in a mixed order."""
    values = [name for name, count in counts.items() for _ in range(count)]
    return pl.DataFrame({"target": values}).sample(fraction=1, shuffle=True, seed=3)


@pytest.fixture
def times():
    """Keys of 100 rows at times that repeat and are in no order."""
    start = datetime(2024, 1, 1)
    by = [start + timedelta(hours=row * 37 % 60) for row in range(100)]
    return pl.DataFrame({"target": ["a", "b"] * 50, "by": by})


@pytest.fixture
def groups():
    """Keys of 100 rows of 13 groups of different sizes."""
    by = [f"shop {row * row % 29 % 13}" for row in range(100)]
    return pl.DataFrame({"target": ["a", "b"] * 50, "by": by})


@pytest.mark.parametrize("kind", ["random", "time", "group"])
def test_every_row_is_on_one_side(times, groups, kind):
    """The answer is one boolean for each row, and both sides have rows."""
    keys = groups if kind == "group" else times
    test = split.test_rows(keys, knobs(split=kind, split_by="x"), stratify=True)
    assert test.dtype == pl.Boolean
    assert len(test) == len(keys)
    assert test.null_count() == 0
    assert 0 < test.sum() < len(keys)


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("stratify", [True, False])
def test_a_random_split_has_the_size_that_was_asked_for(test_size, stratify):
    """The share of test rows is the one in params.yaml."""
    keys = labels(a=100, b=60, c=40)
    test = split.test_rows(keys, knobs(test_size=test_size), stratify)
    assert test.sum() == round(200 * test_size)


def test_a_stratified_split_keeps_the_share_of_each_class():
    """Each class has the same share of its rows in the test set, to the row."""
    keys = labels(common=80, rare=12, single_pair=2)
    test = split.test_rows(keys, knobs(), stratify=True)
    found = keys.filter(test)["target"].value_counts().rows()
    assert sorted(found) == [("common", 20), ("rare", 3), ("single_pair", 1)]


@pytest.mark.parametrize("test_size", [0.001, 0.999])
def test_every_class_is_on_both_sides(test_size):
    """However small a side is, it has a row of each class."""
    keys = labels(a=30, b=5, c=2)
    test = split.test_rows(keys, knobs(test_size=test_size), stratify=True)
    assert set(keys.filter(test)["target"]) == {"a", "b", "c"}
    assert set(keys.filter(~test)["target"]) == {"a", "b", "c"}


def test_numbers_are_split_without_classes():
    """The rows of a regression, each with a value of its own, can be split."""
    keys = pl.DataFrame({"target": [float(row) for row in range(40)]})
    assert split.test_rows(keys, knobs(), stratify=False).sum() == 10


@pytest.mark.parametrize("kind", ["random", "group"])
def test_the_seed_alone_decides_a_split_by_chance(groups, kind):
    """The same seed gives the same split and other seeds give others."""
    splits = [
        split.test_rows(groups, knobs(split=kind, split_by="x", seed=seed), stratify=True).to_list()
        for seed in (1, 1, 2, 3, 4)
    ]
    assert splits[0] == splits[1]
    assert len({tuple(found) for found in splits}) == 4


def test_a_random_split_takes_rows_from_everywhere():
    """Test rows are neither the first nor the last ones of a class."""
    keys = pl.DataFrame({"target": ["a"] * 200})
    places = split.test_rows(keys, knobs(), stratify=True).arg_true()
    assert 70 < places.mean() < 130


def test_the_only_row_of_a_class_trains_the_model():
    """A class that cannot be on both sides is learnt, and not tested."""
    keys = labels(a=10, lonely=1)
    test = split.test_rows(keys, knobs(), stratify=True)
    assert keys.filter(test)["target"].unique().to_list() == ["a"]


def test_classes_of_one_row_alone_are_refused():
    """Where no class can be on both sides there is nothing to test."""
    with pytest.raises(Refusal, match="every class of the target has a single row"):
        split.test_rows(labels(a=1, b=1, c=1), knobs(), stratify=True)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows):
    """Without two rows there is nothing to train and test on."""
    keys = pl.DataFrame({"target": [1.0] * rows}, schema={"target": pl.Float64})
    with pytest.raises(Refusal, match="fewer than two rows"):
        split.test_rows(keys, knobs(), stratify=False)


@pytest.mark.parametrize("test_size", [0.01, 0.25, 0.5, 0.99])
def test_a_split_by_time_never_tests_on_the_past(times, test_size):
    """Every test row is later than every training row, so rows of one time stay together."""
    test = split.test_rows(times, by_time(test_size=test_size), stratify=True)
    assert times.filter(~test)["by"].max() < times.filter(test)["by"].min()


def test_a_split_by_time_comes_as_near_to_its_size_as_times_allow():
    """Of 10 rows at 5 times, a third is nearest to the last two times, which have 3 rows."""
    keys = pl.DataFrame({"target": [0.0] * 10, "by": [1, 1, 1, 2, 2, 3, 3, 4, 5, 5]})
    test = split.test_rows(keys, by_time(test_size=0.33), stratify=False)
    assert keys.filter(test)["by"].to_list() == [4, 5, 5]


@pytest.mark.parametrize("seed", range(5))
def test_a_split_by_group_never_shares_a_group(groups, seed):
    """All rows of a group are on the same side."""
    test = split.test_rows(groups, by_group(seed=seed), stratify=True)
    assert not set(groups.filter(test)["by"]) & set(groups.filter(~test)["by"])


def test_a_split_by_group_comes_near_to_its_size(groups):
    """The share of test rows is within half of the largest group of what was asked for."""
    largest = groups["by"].value_counts()["count"].max()
    for seed in range(20):
        test = split.test_rows(groups, by_group(seed=seed, test_size=0.4), stratify=True)
        assert abs(test.sum() - 40) <= largest / 2


@pytest.mark.parametrize("kind", ["time", "group"])
def test_the_order_of_rows_does_not_matter(times, groups, kind):
    """A row is on the same side wherever it stands in the file."""
    keys = (groups if kind == "group" else times).with_row_index("id")
    mixed = keys.sample(fraction=1, shuffle=True, seed=8)
    chosen = [
        set(rows.filter(split.test_rows(rows, knobs(split=kind, split_by="x"), True))["id"])
        for rows in (keys, mixed)
    ]
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize("knob", [by_time(), by_group()])
def test_rows_without_a_time_or_group_are_refused(knob):
    """The message names the column and how many rows lack it."""
    keys = pl.DataFrame({"target": ["a"] * 5, "by": ["x", None, "y", None, "z"]})
    with pytest.raises(Refusal, match=f"'{knob.split_by}' is missing in 2 rows.* {knob.split}"):
        split.test_rows(keys, knob, stratify=True)


@pytest.mark.parametrize("knob", [by_time(), by_group()])
def test_a_single_time_or_group_is_refused(knob):
    """What has only one value cannot be split by."""
    keys = pl.DataFrame({"target": ["a"] * 5, "by": ["x"] * 5})
    with pytest.raises(Refusal, match=f"'{knob.split_by}' has only one value"):
        split.test_rows(keys, knob, stratify=True)

"""The profile counts the training rows and the predictions exactly, in little space."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from modelkeep_core.inputs import model_inputs
from modelkeep_core.model_file import load
from modelkeep_core.profiles import numbers, profile, values, word, write_profile


def read(run):
    """Return the profile that a run wrote."""
    return json.loads((run.reports / "profile.json").read_text(encoding="utf-8"))


@pytest.fixture
def train(run):
    """The training rows of the classification."""
    return pd.read_parquet(run.prepared / "train.parquet")


def test_every_feature_is_described_by_its_type(run, classification):
    """In the order of the schema, each with its form."""
    features = read(run)["features"]
    assert list(features) == list(classification.features)
    for name, column in classification.features.items():
        form = ["counts", "others"]
        if column.type in ("number", "integer"):
            form = ["min", "max", "mean", "std", "edges", "counts"]
        assert list(features[name]) == ["type", "missing", *form]
        assert features[name]["type"] == column.type


def test_every_training_row_is_counted_once(run, train):
    """Missing cells and the counts of the others add up to the rows."""
    result = read(run)
    assert result["rows"] == len(train)
    for name, part in result["features"].items():
        counts = part["counts"]
        counted = sum(counts.values()) + part["others"] if "others" in part else sum(counts)
        assert part["missing"] == train[name].isna().sum()
        assert part["missing"] + counted == len(train)


def test_numbers_lie_in_the_bins_that_count_them(run, train):
    """A bin ends with its edge, which belongs to it; the last one has no end."""
    part, size = read(run)["features"]["size"], train["size"].dropna()
    ends = [-np.inf, *part["edges"], np.inf]
    inside = [((size > low) & (size <= high)).sum() for low, high in pairwise(ends)]
    assert part["counts"] == inside
    assert part["edges"] == sorted(set(part["edges"]))
    assert (part["min"], part["max"]) == (size.min(), size.max())
    assert part["mean"] == pytest.approx(size.mean(), rel=1e-5)
    assert part["std"] == pytest.approx(size.std(ddof=0), rel=1e-5)


def test_booleans_and_classes_are_counted_by_their_words(run, train):
    """As JSON writes them."""
    features = read(run)["features"]
    member, colour = train["member"].dropna(), train["colour"].value_counts()
    assert features["member"]["counts"] == {
        "false": int((member == False).sum()),  # noqa: E712
        "true": int((member == True).sum()),  # noqa: E712
    }
    assert features["colour"]["counts"] == colour.to_dict()
    assert features["colour"]["others"] == 0


def test_the_predictions_are_those_for_the_test_rows(run, regression_run, classification):
    """Classes are counted, numbers are binned."""
    test = pd.read_parquet(run.prepared / "test.parquet")
    predicted = load(run.models / "model.skops").predict(model_inputs(test, classification))
    result = read(run)["predictions"]
    assert result["counts"] == pd.Series(predicted).value_counts().to_dict()
    assert (result["rows"], result["type"], result["missing"]) == (len(test), "category", 0)
    result = read(regression_run)["predictions"]
    assert (result["type"], sum(result["counts"])) == ("number", result["rows"])


def test_a_column_without_a_value_has_an_empty_form():
    """Nothing is divided by nothing."""
    assert numbers(np.array([])) == {
        **dict.fromkeys(("min", "max", "mean", "std")),
        "edges": [],
        "counts": [0],
    }
    assert values(pd.Series([], dtype=object)) == {"counts": {}, "others": 0}


def test_what_is_too_large_for_a_number_is_left_out():
    """The profile is JSON, which has no infinity."""
    result = numbers(np.array([-1.0, 1.0, 1e308, 1.5e308]))
    assert (result["mean"], result["std"], result["max"]) == (None, None, 1.5e308)
    assert sum(result["counts"]) == 4


def test_one_value_has_one_edge():
    """Quantiles that are the same are one."""
    assert numbers(np.full(9, 3.0)) == {
        **{"min": 3.0, "max": 3.0, "mean": 3.0, "std": 0.0},
        **{"edges": [3.0], "counts": [9, 0]},
    }


def test_no_edge_is_outside_the_range():
    """Rounded or not, the first and the last lie between the least and the greatest number."""
    result = numbers(np.array([1.00000049, 2.00000051, 3.0000049]))
    assert result["min"] <= result["edges"][0] < result["edges"][-1] <= result["max"]
    assert (result["edges"][0], sum(result["counts"])) == (result["min"], 3)


def test_edges_that_few_digits_would_merge_are_exact():
    """Such as those of times in seconds since 1970."""
    times = 1_700_000_000 + np.arange(100.0)
    result = numbers(times)
    assert len(result["edges"]) == 50
    assert set(result["edges"]) <= set(times)


def test_the_commonest_values_are_named_and_the_others_counted():
    """A column of names does not make the profile long."""
    names = pd.Series([f"name {number:03}" for number in range(300)] + ["name 299"] * 2)
    result = values(names)
    assert list(result["counts"])[:3] == ["name 299", "name 000", "name 001"]
    assert (len(result["counts"]), result["others"]) == (200, 100)


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (np.bool(False), "false"), ("True", "True"), (3, "3"), (np.int64(3), "3")],
)
def test_a_class_has_one_word(value, text):
    """However NumPy or JSON hold it."""
    assert word(value) == text


def test_a_profile_is_small_and_reads_back(tmp_path, classification, train):
    """Twenty columns of numbers with all their digits take at most 15 kB."""
    random = np.random.default_rng(1)
    wide = classification.model_copy(deep=True)
    for number in range(20):
        wide.columns[f"column {number}"] = wide.columns["size"]
        train[f"column {number}"] = random.normal(size=len(train))
    for name in classification.features:
        del wide.columns[name]
    result = profile(train, random.choice(["low", "mid"], 30), wide)
    write_profile(tmp_path / "profile.json", result)
    assert json.loads((tmp_path / "profile.json").read_text(encoding="utf-8")) == result
    assert (tmp_path / "profile.json").stat().st_size < 15_000


def test_the_rows_of_the_profile_are_in_any_order(train, classification):
    """The same rows give the same bytes."""
    predicted = train["label"].to_numpy()
    mixed = train.sample(frac=1, random_state=1)
    first = profile(train, predicted, classification)["features"]
    second = profile(mixed, predicted, classification)["features"]
    assert json.dumps(first) == json.dumps(second)


def test_of_datetimes_only_their_number_is_told(frame, classification):
    """Which moments the training rows had is no measure for later ones."""
    schema = classification.model_copy(deep=True)
    schema.columns["seen"].feature = True
    result = profile(frame, np.array(["low"]), schema)["features"]["seen"]
    assert result == {"type": "datetime", "missing": 0, "counts": {}, "others": len(frame)}

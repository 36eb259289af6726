"""A feature that alone predicts the target almost perfectly is told."""

import numpy as np
import pandas as pd
import pytest

from modelkeep.adopt.leaks import leaks


def test_a_feature_that_knows_the_answer_is_found(frame, classification, regression):
    """A recoded class, a scaled number and a date in step with the target are leaks."""
    frame["count"] = frame["label"].map({"low": 0, "mid": 5, "high": 3})
    assert leaks(frame, classification) == pytest.approx({"count": 1.0})
    frame["colour"] = frame["label"].map({"low": "red", "mid": "green", "high": "blue"})
    assert set(leaks(frame, classification)) == {"count", "colour"}
    frame["size"] = frame["price"] * 2.54
    regression.columns["seen"].feature = True
    frame["seen"] = np.datetime64("2024-01-01") + frame["price"].round().astype("m8[D]")
    assert set(leaks(frame, regression)) >= {"size"}
    assert all(value >= 0.99 for value in leaks(frame, regression).values())


def test_a_finer_class_is_a_leak(frame, classification):
    """A grade follows from its sub-grade, however rare some of them are."""
    random = np.random.default_rng(0)
    frame = frame.sample(1_500, replace=True, random_state=0).reset_index(drop=True)
    frame["size"] = random.normal(size=len(frame))
    frame["shop"] = frame["label"].str.cat(random.integers(0, 30, len(frame)).astype(str), sep="-")
    classification.columns["shop"].feature = True
    assert set(leaks(frame, classification)) == {"shop"}
    frame["shop"] = random.permutation(frame["shop"])
    assert leaks(frame, classification) == {}


def test_values_of_few_rows_are_a_leak_of_numbers_too(frame, regression):
    """Where all rows of an article have one price."""
    frame = frame.sample(600, replace=True, random_state=0).reset_index(drop=True)
    frame["size"] = np.arange(len(frame)) / 7
    frame["shop"] = "article " + frame["price"].astype(str)
    regression.columns["shop"].feature = True
    assert set(leaks(frame, regression)) == {"shop"}


def test_rows_that_repeat_others_make_no_leak(frame, classification):
    """In a table that is there twice, every number is in two rows of one class."""
    doubled = pd.concat([frame] * 2, ignore_index=True)
    assert leaks(doubled, classification) == {}


def test_good_features_are_no_leaks(frame, classification, regression):
    """What says much about the target does not say all."""
    assert leaks(frame, classification) == {}
    assert leaks(frame, regression) == {}


def test_a_class_of_few_rows_does_not_disturb(frame, classification):
    """Classes that cannot be on both sides are left out."""
    frame.loc[0, "label"] = "only"
    assert leaks(frame, classification) == {}
    assert leaks(frame.head(4), classification) == {}


def test_the_table_is_not_modified(frame, classification):
    """Looking for leaks leaves the table as it was."""
    before = frame.copy(deep=True)
    leaks(frame, classification)
    assert frame.equals(before)

"""A feature that alone predicts the target almost perfectly is told."""

import numpy as np
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

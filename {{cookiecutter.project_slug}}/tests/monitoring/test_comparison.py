"""A column, trained on and live, is laid side by side in plain data."""

import json

import numpy as np
import pandas as pd
from recorded import skewed

from monitoring.comparison import CLASSES, UNSEEN, compared
from monitoring.drift import Check
from monitoring.traffic import Classes, Numbers
from pipeline.profile import numbers, values


def test_numbers_have_bins_and_means():
    """The counts of both have the same bins, whose ends are given."""
    reference = {"type": "number", "missing": 1, **numbers(np.array([1.0, 2.0, 3.0]))}
    live = Numbers(reference)
    live.add([2.0, 4.0, None, None])
    found = compared(live, reference, 4, [])
    assert found["reference"] == {
        **{"rows": 4, "missing": 1, "mean": 2.0, "std": 0.816497},
        "counts": [0, 1, 1, 1, 0, 0],
    }
    assert found["live"] == {"rows": 4, "missing": 2, "mean": 3.0, "counts": [0, 0, 1, 0, 0, 1]}
    assert found["ends"][1:] == [1.0, 2.0, 3.0, 3.0]
    assert (found["type"], found["unseen"], found["checks"]) == ("number", 1, {})


def test_numbers_that_are_all_missing_have_no_mean():
    """Nor do those whose sum is too large for a number."""
    reference = {"type": "number", "missing": 0, **numbers(np.array([1.0]))}
    live = Numbers(reference)
    live.add([None])
    assert compared(live, reference, 1, [])["live"]["mean"] is None
    live.add([1e308, 1.5e308])
    assert compared(live, reference, 1, [])["live"]["mean"] is None


def test_only_the_commonest_classes_are_shown():
    """Of those of the reference and of live rows together; the others are one."""
    reference = {"type": "category", "missing": 0, **values(pd.Series(skewed(900, 150, 1)))}
    live = Classes(reference)
    live.add(["new"] * 500 + skewed(400, 150, 2))
    found = compared(live, reference, 900, [])
    assert len(found["names"]) == CLASSES
    assert "new" in found["names"]
    assert len(found["live"]["counts"]) == len(found["reference"]["counts"]) == CLASSES + 1
    assert (sum(found["live"]["counts"]), sum(found["reference"]["counts"])) == (900, 900)
    assert next(iter(found["live"]["unseen_values"])) == "new"
    assert len(found["live"]["unseen_values"]) <= UNSEEN


def test_checks_are_given_by_what_they_are_about():
    """With all that a person needs to follow them, as JSON can hold it."""
    reference = {"type": "boolean", "missing": 0, **values(pd.Series([True]))}
    check = Check("a", "missing", 0.5, 0.001, 0.002, True)
    found = compared(Classes(reference), reference, 1, [check])
    assert found["checks"] == {
        "missing": {"effect": 0.5, "p": 0.001, "p_adjusted": 0.002, "alarm": True}
    }
    assert json.loads(json.dumps(found)) == found

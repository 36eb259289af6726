"""Reference and current side of a column are laid side by side in plain data."""

import json

import numpy as np
import pandas as pd

from modelkeep.monitoring.comparison import CLASSES, NAMED, compared
from modelkeep.monitoring.drift import Check
from modelkeep.monitoring.traffic import Classes, Numbers
from modelkeep_core.profiles import numbers, values
from recorded import skewed


def test_numbers_have_bins_and_means():
    """The counts of both have the same bins, whose ends are given."""
    reference = {"type": "number", "missing": 1, **numbers(np.array([1.0, 2.0, 3.0]))}
    current = Numbers(reference)
    current.add([2.0, 4.0, None, None])
    result = compared(current, reference, 4, [])
    assert result["reference"] == {
        **{"rows": 4, "missing": 1, "mean": 2.0, "std": 0.816497},
        "counts": [0, 1, 1, 1, 0, 0],
    }
    assert result["current"] == {"rows": 4, "missing": 2, "mean": 3.0, "counts": [0, 0, 1, 0, 0, 1]}
    assert result["ends"][1:] == [1.0, 2.0, 3.0, 3.0]
    assert (result["type"], result["out_of_range"], result["checks"]) == ("number", 1, {})


def test_numbers_that_are_all_missing_have_no_mean():
    """Nor do those whose sum is too large for a number."""
    reference = {"type": "number", "missing": 0, **numbers(np.array([1.0]))}
    current = Numbers(reference)
    current.add([None])
    assert compared(current, reference, 1, [])["current"]["mean"] is None
    current.add([1e308, 1.5e308])
    assert compared(current, reference, 1, [])["current"]["mean"] is None


def test_only_the_commonest_classes_are_shown():
    """Of those of the reference and of current rows together; all others are a single class."""
    reference = {"type": "category", "missing": 0, **values(pd.Series(skewed(900, 150, 1)))}
    current = Classes(reference)
    current.add(["new"] * 500 + skewed(400, 150, 2))
    result = compared(current, reference, 900, [])
    assert len(result["names"]) == CLASSES
    assert "new" in result["names"]
    assert len(result["current"]["counts"]) == len(result["reference"]["counts"]) == CLASSES + 1
    assert (sum(result["current"]["counts"]), sum(result["reference"]["counts"])) == (900, 900)
    assert next(iter(result["current"]["out_of_range_values"])) == "new"
    assert len(result["current"]["out_of_range_values"]) <= NAMED


def test_checks_are_given_by_what_they_are_about():
    """With all that a person needs to follow them, as JSON can hold it."""
    reference = {"type": "boolean", "missing": 0, **values(pd.Series([True]))}
    check = Check("a", "missing", 0.5, 0.001, 0.002, True)
    result = compared(Classes(reference), reference, 1, [check])
    assert result["checks"] == {
        "missing": {"distance": 0.5, "p": 0.001, "p_adjusted": 0.002, "alarm": True}
    }
    assert json.loads(json.dumps(result)) == result

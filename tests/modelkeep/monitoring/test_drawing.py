"""Pictures show both distributions to scale, and are well-formed."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from modelkeep.monitoring.comparison import compared
from modelkeep.monitoring.drawing import BARS, days, picture, shares
from modelkeep.monitoring.traffic import Classes, Numbers
from modelkeep_core.profiles import numbers, values


def part(present, current, kind="number"):
    """Return the part of a report on a column."""
    if kind in ("number", "integer"):
        reference = {"type": kind, "missing": 0, **numbers(np.array(present, "float64"))}
        tally = Numbers(reference)
    else:
        reference = {"type": kind, "missing": 0, **values(pd.Series(present))}
        tally = Classes(reference)
    tally.add(current)
    return compared(tally, reference, len(present), [])


def test_bars_are_shares_of_the_values():
    """Of both samples, in bars of equal width; what is out of range is at the ends."""
    random = np.random.default_rng(1)
    grid, result = shares(part(random.random(500), [*random.random(300), -5, 9, 9]))
    assert len(grid) == BARS + 1
    assert result.shape == (2, BARS + 2)
    assert result.sum(axis=1) == pytest.approx([1, 1])
    assert result[0, 1:-1] == pytest.approx(1 / BARS, abs=0.03)
    assert result[:, 0].tolist() == pytest.approx([0, 1 / 303])
    assert result[:, -1].tolist() == pytest.approx([0, 2 / 303])


def test_whole_numbers_have_a_bar_each():
    """Where there are few of them, none is split between two bars."""
    grid, result = shares(part([0, 1, 1, 2, 3], [3, 3, 3, 0], "integer"))
    assert grid.tolist() == [-1, 0, 1, 2, 3]
    assert result[0].tolist() == pytest.approx([0, 0.2, 0.4, 0.2, 0.2, 0])
    assert result[1].tolist() == pytest.approx([0, 0.25, 0, 0, 0.75, 0])


@pytest.mark.parametrize(
    ("present", "current", "kind"),
    [
        ([1.5, 2.5], [2.0, 99.0], "number"),
        ([3, 3], [3, 4], "number"),
        ([3, 3], [3, 4], "integer"),
        ([1.5, 2.5], [], "number"),
        ([], [1.0], "number"),
        (["a", "<b>&\"'"], ["c" * 40, "a"], "category"),
        ([True], [False, True], "boolean"),
        (["a"], [], "category"),
        ([], ["a"], "category"),
    ],
)
def test_every_column_has_a_picture(present, current, kind):
    """Well-formed and finite, whatever the values are."""
    drawn = picture(part(present, current, kind))
    tree = ElementTree.fromstring(drawn)
    for rect in tree.iter("rect"):
        for size in ("x", "y", "width", "height"):
            assert np.isfinite(float(rect.get(size)))
            assert float(rect.get(size)) >= 0


def test_values_out_of_range_are_marked():
    """Numbers beyond the range and new classes have a colour of their own."""
    assert 'class="outside"' in picture(part(["a"], ["b"], "category"))
    assert 'class="outside"' not in picture(part(["a"], ["a"], "category"))


def test_days_are_drawn():
    """A bar for each, from the first to the last."""
    tree = ElementTree.fromstring(days([("2026-11-01", 5), ("2026-11-02", 10)]))
    assert [rect[0].text for rect in tree.iter("rect")] == [
        "2026-11-01: 5 rows",
        "2026-11-02: 10 rows",
    ]
    tree = ElementTree.fromstring(days([(f"day {number}", 1) for number in range(1_000)]))
    assert all(float(rect.get("width")) > 0 for rect in tree.iter("rect"))

"""Pictures show both distributions to scale, and are well-formed."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from monitoring.comparison import compared
from monitoring.drawing import BARS, days, picture, shares
from monitoring.traffic import Classes, Numbers
from pipeline.profile import numbers, values


def part(present, live, kind="number"):
    """Return the part of a report on a column."""
    if kind in ("number", "integer"):
        reference = {"type": kind, "missing": 0, **numbers(np.array(present, "float64"))}
        found = Numbers(reference)
    else:
        reference = {"type": kind, "missing": 0, **values(pd.Series(present))}
        found = Classes(reference)
    found.add(live)
    return compared(found, reference, len(present), [])


def test_bars_are_shares_of_the_values():
    """Of both samples, in bars of equal width; what is out of range is at the ends."""
    random = np.random.default_rng(1)
    grid, found = shares(part(random.random(500), [*random.random(300), -5, 9, 9]))
    assert len(grid) == BARS + 1
    assert found.shape == (2, BARS + 2)
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found[0, 1:-1] == pytest.approx(1 / BARS, abs=0.03)
    assert found[:, 0].tolist() == pytest.approx([0, 1 / 303])
    assert found[:, -1].tolist() == pytest.approx([0, 2 / 303])


def test_whole_numbers_have_a_bar_each():
    """Where there are few of them, none is split between two bars."""
    grid, found = shares(part([0, 1, 1, 2, 3], [3, 3, 3, 0], "integer"))
    assert grid.tolist() == [-1, 0, 1, 2, 3]
    assert found[0].tolist() == pytest.approx([0, 0.2, 0.4, 0.2, 0.2, 0])
    assert found[1].tolist() == pytest.approx([0, 0.25, 0, 0, 0.75, 0])


@pytest.mark.parametrize(
    ("present", "live", "kind"),
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
def test_every_column_has_a_picture(present, live, kind):
    """Well-formed and finite, whatever the values are."""
    drawn = picture(part(present, live, kind))
    tree = ElementTree.fromstring(drawn)
    for rect in tree.iter("rect"):
        for size in ("x", "y", "width", "height"):
            assert np.isfinite(float(rect.get(size)))
            assert float(rect.get(size)) >= 0


def test_unseen_values_are_marked():
    """Numbers out of range and new classes have a colour of their own."""
    assert 'class="unseen"' in picture(part(["a"], ["b"], "category"))
    assert 'class="unseen"' not in picture(part(["a"], ["a"], "category"))


def test_days_are_drawn():
    """A bar for each, from the first to the last."""
    tree = ElementTree.fromstring(days([("2026-11-01", 5), ("2026-11-02", 10)]))
    assert [rect[0].text for rect in tree.iter("rect")] == [
        "2026-11-01: 5 rows",
        "2026-11-02: 10 rows",
    ]
    tree = ElementTree.fromstring(days([(f"day {number}", 1) for number in range(1_000)]))
    assert all(float(rect.get("width")) > 0 for rect in tree.iter("rect"))

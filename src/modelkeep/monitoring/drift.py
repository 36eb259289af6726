"""Is what comes in still what the model was made for: tests, their correction, distances.

Every distance is a share of rows, from 0 to 1, so that one number means the same everywhere: how
much larger the share of some rows is here than there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from modelkeep.monitoring.limits import Limits
from modelkeep.monitoring.traffic import Classes, Numbers, Presence, Traffic

# What a chi-square test needs in every cell (Cochran, 1954)
EXPECTED = 5


@dataclass(frozen=True)
class Check:
    """One comparison of current rows with the reference.

    Attributes:
        name: the feature, or None for the predictions.
        about: "values", "missing" or "out_of_range".
        distance: the difference, from 0 to 1.
        p: how likely so large a difference is without drift; `adjusted`: corrected for the number
            of checks in the report.
        alarm: whether it is significant and large enough to matter.
    """

    name: str | None
    about: str
    distance: float
    p: float
    adjusted: float = 1.0
    alarm: bool = False


def checks(profile: dict[str, Any], traffic: Traffic, limits: Limits) -> list[Check]:
    """Compare the traffic with its reference profile, where there are rows enough.

    The p-values are adjusted by Benjamini and Hochberg (1995): where nothing drifts, the chance of
    any alarm stays at the level.
    """
    made: list[Check] = []
    if traffic.with_inputs >= limits.rows:
        for name, current in traffic.features.items():
            missing = profile["features"][name]["missing"]
            made += feature_checks(name, current, missing, profile["rows"])
    if traffic.rows >= limits.rows:
        predictions = traffic.predictions
        compared = compare_values(predictions.table, numeric=isinstance(predictions, Numbers))
        made.append(Check(None, "values", *compared))
    return judged(made, limits)


def judged(made: list[Check], limits: Limits) -> list[Check]:
    """Adjust the p-values to the number of checks, and say which of them are alarms."""
    if not made:
        return []
    adjusted = stats.false_discovery_control([check.p for check in made], method="bh")
    least = {"values": limits.distance, "missing": limits.cells, "out_of_range": limits.cells}
    return [
        replace(
            check,
            adjusted=float(p),
            alarm=bool(p <= limits.level and check.distance >= least[check.about]),
        )
        for check, p in zip(made, adjusted, strict=True)
    ]


def feature_checks(
    name: str, current: Numbers | Classes, missing: int, rows: int
) -> Iterator[Check]:
    """Yield the checks of a feature: of its values, of those missing and of those out of range.

    Args:
        name: the feature.
        current: what came in.
        missing: how many of the training rows are without it.
        rows: how many training rows there are.
    """
    reference, present = (int(count) for count in current.table.sum(axis=1))
    distance, p = compare_values(current.table, numeric=isinstance(current, Numbers))
    yield Check(name, "values", distance, p)
    shares = compare_shares(current.missing, current.missing + present, missing, rows)
    yield Check(name, "missing", *shares)
    if not present or not reference:
        return
    if isinstance(current, Classes):
        if not isinstance(current, Presence):
            distance, p = compare_unseen(current, present, reference)
            yield Check(name, "out_of_range", distance, p)
    elif current.out_of_range is not None:
        # Without the least and the greatest, these two would be outside the range themselves.
        p = compare_shares(current.out_of_range, present, min(2, reference), reference, "greater")[
            1
        ]
        yield Check(name, "out_of_range", current.out_of_range / present, p)


def compare_unseen(current: Classes, present: int, reference: int) -> tuple[float, float]:
    """Return how much larger the share of unseen classes is than it should be, and the p-value.

    Pooled with the rare ones, classes that are new would look like rare ones that came. So their
    share has Fisher's exact test of its own, against the share of training rows that would have
    been new to the others (Good, 1953).

    Args:
        current: what came in.
        present: how many rows came in that have a class.
        reference: how many training rows have one.
    """
    expected = min(current.to_be_expected, reference)
    p = compare_shares(current.unlisted, present, expected, reference, "greater")[1]
    return max(current.unlisted / present - expected / reference, 0.0), p


def compare_values(table: NDArray[Any], numeric: bool) -> tuple[float, float]:
    """Return distance and p-value of the difference between the rows of a table of counts."""
    if not table.sum(axis=1).all():
        return 0.0, 1.0
    return compare_numbers(table) if numeric else compare_classes(table)


def compare_numbers(table: NDArray[Any]) -> tuple[float, float]:
    """Return distance and p-value of the two-sample Kolmogorov-Smirnov test on binned numbers.

    The distance is that of the cumulated shares at the ends of the bins, which is at most that of
    the numbers themselves. So the p-value, by the approximation that `scipy.stats.ks_2samp` has
    too (Hodges, 1958), is at least theirs.

    Args:
        table: (2, bins) counts of two samples in the same bins, neither of them empty.
    """
    n, m = (int(count) for count in table.sum(axis=1))
    below = np.cumsum(table, axis=1) / [[n], [m]]
    distance = float(np.abs(below[0] - below[1]).max())
    return distance, float(stats.kstwo.sf(distance, max(round(n * m / (n + m)), 1)))


def compare_classes(table: NDArray[Any]) -> tuple[float, float]:
    """Return total variation distance and p-value of Pearson's chi-square test of homogeneity.

    Classes that are too rare for the test, judged by both samples together so that neither is
    favoured, count as a single class. Where that class is too rare as well, its share has Fisher's
    exact test, and the lesser of both p-values counts twice (Bonferroni).

    Args:
        table: (2, classes) counts of two samples, neither of them empty.
    """
    both = table.sum(axis=0)
    # So much of a class leaves the smaller sample what is to be expected in every cell.
    needed = EXPECTED * both.sum() / table.sum(axis=1).min()
    rare, common = table[:, both < needed].sum(axis=1), table[:, both >= needed]
    merged = np.column_stack([rare, common])
    shares = merged / merged.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    p_values = []
    if 0 < rare.sum() < needed:
        (reference, current), totals = rare.tolist(), table.sum(axis=1).tolist()
        p_values.append(compare_shares(current, totals[1], reference, totals[0])[1])
    elif rare.sum():
        common = merged
    if common.shape[1] > 1:
        p_values.append(float(stats.chi2_contingency(common).pvalue))
    return distance, min(len(p_values) * min(p_values), 1.0) if p_values else 1.0


def compare_shares(
    current: int, of_current: int, reference: int, of_reference: int, alternative: str = "two-sided"
) -> tuple[float, float]:
    """Return the distance between two shares, and the p-value of Fisher's exact test."""
    distance = abs(current / of_current - reference / of_reference)
    table = [[current, of_current - current], [reference, of_reference - reference]]
    p = min(float(stats.fisher_exact(table, alternative=alternative).pvalue), 1.0)
    return distance, p

"""Is what comes in still what the model was made for: tests, their correction, effect sizes.

Every effect is a share of rows, from 0 to 1, so that one number means the same everywhere: how
much larger the share of some rows is here than there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monitoring.limits import Limits
from monitoring.traffic import Classes, Numbers, Traffic

# What a chi-square test needs in every cell (Cochran, 1954)
EXPECTED = 5


@dataclass(frozen=True)
class Check:
    """One comparison of live rows with the reference.

    Attributes:
        name: the feature, or None for the predictions.
        about: "values", "missing" or "unseen".
        effect: the difference, from 0 to 1.
        p: how likely so large a difference is without drift; `adjusted`: corrected for the number
            of checks in the report.
        alarm: whether it is significant and large enough to matter.
    """

    name: str | None
    about: str
    effect: float
    p: float
    adjusted: float = 1.0
    alarm: bool = False


def checks(profile: dict[str, Any], traffic: Traffic, limits: Limits) -> list[Check]:
    """Compare the traffic with its reference profile, where there are rows enough.

    The p-values are adjusted by Benjamini and Hochberg (1995): where nothing drifts, the chance of
    any alarm stays at the level.
    """
    found: list[Check] = []
    if traffic.with_inputs >= limits.rows:
        for name, live in traffic.features.items():
            missing = profile["features"][name]["missing"]
            found += feature_checks(name, live, missing, profile["rows"])
    if traffic.rows >= limits.rows:
        said = traffic.predictions
        apart = values_apart(said.table, numeric=isinstance(said, Numbers))
        found.append(Check(None, "values", *apart))
    return judged(found, limits)


def judged(found: list[Check], limits: Limits) -> list[Check]:
    """Adjust the p-values to the number of checks, and say which of them are alarms."""
    if not found:
        return []
    adjusted = stats.false_discovery_control([check.p for check in found], method="bh")
    least = {"values": limits.effect, "missing": limits.cells, "unseen": limits.cells}
    return [
        replace(
            check,
            adjusted=float(p),
            alarm=bool(p <= limits.level and check.effect >= least[check.about]),
        )
        for check, p in zip(found, adjusted, strict=True)
    ]


def feature_checks(name: str, live: Numbers | Classes, missing: int, rows: int) -> Iterator[Check]:
    """Yield the checks of a feature: of its values, of missing and of unseen ones.

    Args:
        name: the feature.
        live: what came in.
        missing: how many of the training rows are without it.
        rows: how many training rows there are.
    """
    known, present = (int(count) for count in live.table.sum(axis=1))
    effect, p = values_apart(live.table, numeric=isinstance(live, Numbers))
    yield Check(name, "values", effect, p)
    yield Check(name, "missing", *shares_apart(live.missing, live.missing + present, missing, rows))
    if present and known and live.unseen is not None:
        if isinstance(live, Numbers):
            # Without the least and the greatest, these two would be outside the range themselves.
            p = shares_apart(live.unseen, present, min(2, known), known, "greater")[1]
        # New classes have the p-value of the values, which knows how many rare ones there are.
        yield Check(name, "unseen", live.unseen / present, p)


def values_apart(table: NDArray[Any], numeric: bool) -> tuple[float, float]:
    """Return effect and p-value of the difference between the rows of a table of counts."""
    if not table.sum(axis=1).all():
        return 0.0, 1.0
    return numbers_apart(table) if numeric else classes_apart(table)


def numbers_apart(table: NDArray[Any]) -> tuple[float, float]:
    """Return distance and p-value of the two-sample Kolmogorov-Smirnov test on binned numbers.

    The distance is that of the cumulated shares at the ends of the bins, which is at most that of
    the numbers themselves. So the p-value, by the approximation that `scipy.stats.ks_2samp` has
    too (Hodges, 1958), is at least theirs.

    Args:
        table: (2, bins) counts of two samples in the same bins, neither of them empty.
    """
    n, m = (int(count) for count in table.sum(axis=1))
    below = np.cumsum(table, axis=1) / [[n], [m]]
    apart = float(np.abs(below[0] - below[1]).max())
    return apart, float(stats.kstwo.sf(apart, max(round(n * m / (n + m)), 1)))


def classes_apart(table: NDArray[Any]) -> tuple[float, float]:
    """Return total variation distance and p-value of Pearson's chi-square test of homogeneity.

    Classes that are too rare for the test, judged by both samples together so that neither is
    favoured, count as one. Where that one is too rare as well, its share has Fisher's exact test,
    and the lesser of both p-values counts twice (Bonferroni).

    Args:
        table: (2, classes) counts of two samples, neither of them empty.
    """
    both = table.sum(axis=0)
    # So much of a class leaves the smaller sample what is to be expected in every cell.
    needed = EXPECTED * both.sum() / table.sum(axis=1).min()
    rare, common = table[:, both < needed].sum(axis=1), table[:, both >= needed]
    merged = np.column_stack([rare, common])
    shares = merged / merged.sum(axis=1, keepdims=True)
    apart = float(np.abs(shares[0] - shares[1]).sum() / 2)
    found = []
    if 0 < rare.sum() < needed:
        (before, now), (of_before, of_now) = rare.tolist(), table.sum(axis=1).tolist()
        found.append(shares_apart(now, of_now, before, of_before)[1])
    elif rare.sum():
        common = merged
    if common.shape[1] > 1:
        found.append(float(stats.chi2_contingency(common).pvalue))
    return apart, min(len(found) * min(found), 1.0) if found else 1.0


def shares_apart(
    live: int, of_live: int, reference: int, of_reference: int, alternative: str = "two-sided"
) -> tuple[float, float]:
    """Return how far two shares are apart, and the p-value of Fisher's exact test."""
    apart = abs(live / of_live - reference / of_reference)
    table = [[live, of_live - live], [reference, of_reference - reference]]
    p = min(float(stats.fisher_exact(table, alternative=alternative).pvalue), 1.0)
    return apart, p

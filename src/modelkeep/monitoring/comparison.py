"""One column, reference and current, side by side as plain data."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from modelkeep.monitoring.drift import Check
from modelkeep.monitoring.traffic import Classes, Numbers, Presence

# How many classes are shown one by one
CLASSES = 20
# How many classes that the reference has not are named
NAMED = 5


def compared(
    current: Numbers | Classes, reference: dict[str, Any], rows: int, checks: Iterable[Check]
) -> dict[str, Any]:
    """Return both sides of a column.

    Args:
        current: what came in.
        reference: its part of the profile.
        rows: the rows of the reference.
        checks: those of the column.

    Returns:
        "type"; for numbers "ends" of the bins in "counts", for classes their "names"; "reference"
        and "current" with "rows", "missing" and "counts", numbers with a "mean", current classes
        with some "out_of_range_values" and both sides with "unlisted", how many cells are of no
        named class, and how many are to be expected; "out_of_range", how many current cells lie
        beyond the range or among none of the classes of the reference, or None where that cannot
        be told; "checks".
    """
    reference_side: dict[str, Any] = {"rows": rows, "missing": reference["missing"]}
    present = int(current.table[1].sum())
    current_side: dict[str, Any] = {"rows": present + current.missing, "missing": current.missing}
    if isinstance(current, Numbers):
        reference_side |= {"mean": reference["mean"], "std": reference["std"]}
        current_side["mean"] = (
            current.total / present if present and np.isfinite(current.total) else None
        )
        parts: dict[str, Any] = {"ends": [float(end) for end in current.ends]}
        reference_side["counts"], current_side["counts"] = current.table.tolist()
    else:
        reference_side["counts"], current_side["counts"], names = _commonest(current)
        parts = {"names": names}
        fresh = [pair for pair in current.counts.most_common() if pair[0] not in current.reference]
        current_side["out_of_range_values"] = dict(fresh[:NAMED])
        if not isinstance(current, Presence):
            current_side["unlisted"] = current.unlisted
            reference_side["unlisted"] = current.to_be_expected
    return {
        "type": reference["type"],
        **parts,
        "reference": reference_side,
        "current": current_side,
        "out_of_range": current.out_of_range,
        "checks": {
            check.about: {
                "distance": check.distance,
                "p": check.p,
                "p_adjusted": check.adjusted,
                "alarm": check.alarm,
            }
            for check in checks
        },
    }


def _commonest(current: Classes) -> tuple[list[int], list[int], list[str]]:
    """Return the counts of the classes that are commonest in either, of all others, the names."""
    table, names = current.table, current.names
    shares = (table / np.maximum(table.sum(axis=1, keepdims=True), 1)).sum(axis=0)[:-1]
    kept = sorted(np.argsort(-shares, kind="stable")[:CLASSES].tolist())
    rest = table.sum(axis=1) - table[:, kept].sum(axis=1)
    reference_counts, current_counts = np.column_stack([table[:, kept], rest]).tolist()
    return reference_counts, current_counts, [names[place] for place in kept]

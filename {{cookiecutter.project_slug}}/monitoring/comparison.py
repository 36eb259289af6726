"""One column, trained on and live, side by side as plain data."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from monitoring.drift import Check
from monitoring.traffic import Classes, Numbers

# How many classes are shown one by one
CLASSES = 20
# How many unseen classes are named
UNSEEN = 5


def compared(
    live: Numbers | Classes, reference: dict[str, Any], rows: int, checks: Iterable[Check]
) -> dict[str, Any]:
    """Return what is known of a column.

    Args:
        live: what came in.
        reference: its part of the profile.
        rows: the rows of the reference.
        checks: those of the column.

    Returns:
        "type"; for numbers "ends" of the bins in "counts", for classes their "names"; "reference"
        and "live" with "rows", "missing" and "counts", numbers with a "mean", live classes with
        some "unseen_values"; "unseen", how many live cells the reference has nothing of, or None
        where it cannot tell; "checks".
    """
    numeric = isinstance(live, Numbers)
    before: dict[str, Any] = {"rows": rows, "missing": reference["missing"]}
    present = int(live.table[1].sum())
    now: dict[str, Any] = {"rows": present + live.missing, "missing": live.missing}
    if numeric:
        before |= {"mean": reference["mean"], "std": reference["std"]}
        now["mean"] = live.total / present if present and np.isfinite(live.total) else None
        parts = {"ends": [float(end) for end in live.ends]}
        before["counts"], now["counts"] = live.table.tolist()
    else:
        before["counts"], now["counts"], names = _commonest(live)
        parts = {"names": names}
        fresh = [pair for pair in live.counts.most_common() if pair[0] not in live.known]
        now["unseen_values"] = dict(fresh[:UNSEEN])
    return {
        "type": reference["type"],
        **parts,
        "reference": before,
        "live": now,
        "unseen": live.unseen,
        "checks": {
            check.about: {
                "effect": check.effect,
                "p": check.p,
                "p_adjusted": check.adjusted,
                "alarm": check.alarm,
            }
            for check in checks
        },
    }


def _commonest(live: Classes) -> tuple[list[int], list[int], list[str]]:
    """Return the counts of the classes that are commonest in either, of all others, the names."""
    table, names = live.table, live.names
    shares = (table / np.maximum(table.sum(axis=1, keepdims=True), 1)).sum(axis=0)[:-1]
    kept = sorted(np.argsort(-shares, kind="stable")[:CLASSES].tolist())
    rest = table.sum(axis=1) - table[:, kept].sum(axis=1)
    before, now = np.column_stack([table[:, kept], rest]).tolist()
    return before, now, [names[place] for place in kept]

"""`actuals`: keep what turned out to be true, and compare the score with the reference score."""

import argparse
from typing import Any

from modelkeep import text
from modelkeep.monitoring.joining import read_actuals
from modelkeep.monitoring.limits import ENDED
from modelkeep.monitoring.phrases import folded
from modelkeep.monitoring.quality import quality
from modelkeep.monitoring.reference import ReferencePackage
from modelkeep.monitoring.store import Store
from modelkeep.monitoring.window import Window


def run(
    reference: ReferencePackage, store: Store, window: Window, args: argparse.Namespace
) -> tuple[Any, str, int]:
    """Keep the actuals, if any; return the quality as data and as text, and the exit status.

    That is 0 in order, 1 worse than the reference score, 2 not enough data.

    Raises:
        UserError: the file cannot be used; nothing of it was kept.
    """
    actuals = read_actuals(args.file, store, reference) if args.file else []
    store.write_actuals(actuals)
    result = quality(reference, store.with_actuals(window, reference.recipe_id), args.rows)
    kept = f"{args.file}: {text.counted(len(actuals), 'actual')} kept.\n\n" if args.file else ""
    return {"kept": len(actuals), **result}, kept + rendered(result), ENDED[result["state"]]


def rendered(result: dict[str, Any]) -> str:
    """Return the metrics, reference and current, as a table, and what follows from them."""
    known = text.counted(result["rows"], "row has", "rows have")
    if result["state"] == "not enough data":
        return folded(
            f"Not enough data: {known} actuals; {result['needed']:,} are "
            "needed, and the headline metric must be defined on them."
        )
    reference, current = result["reference"], result["current"]
    metric = reference["headline"]["metric"]
    rows = [
        [
            name,
            *(
                text.interval(side["headline"]) if name == metric else f"{side['scores'][name]:.3g}"
                for side in (reference, current)
            ),
        ]
        for name in [metric, *(name for name in reference["scores"] if name != metric)]
        if name in current["scores"]
    ]
    shown = text.table(("METRIC", "REFERENCE", "CURRENT"), rows, yielding=())
    verdict = "In order: the score is not worse than the reference score."
    if result["state"] == "alarm":
        verdict = f"ALARM: all of the interval of {metric} is worse than the reference interval."
    ending = folded(f"{known} actuals. {verdict}")
    return f"{shown}\n\n{ending}"

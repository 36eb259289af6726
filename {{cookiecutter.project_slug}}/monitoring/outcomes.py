"""`outcomes`: keep what turned out to be true, and say how good the model is now."""

import argparse
from pathlib import Path
from typing import Any

from monitoring.joining import read_outcomes
from monitoring.limits import ENDED
from monitoring.phrases import folded
from monitoring.quality import quality
from monitoring.store import Store
from monitoring.watched import Watched
from monitoring.window import Window
from registry import text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="CSV or Parquet with the columns request_id, outcome and, for requests of several "
        "rows, row, which counts from 0; without it, what is known is shown",
    )


def run(
    watched: Watched, store: Store, window: Window, args: argparse.Namespace
) -> tuple[Any, str, int]:
    """Keep the outcomes, if any; return the quality as data and as text, and the exit status.

    That is 0 in order, 1 worse than promised, 2 not enough data.

    Raises:
        Refusal: the file cannot be used; nothing of it was kept.
    """
    outcomes = read_outcomes(args.file, store, watched) if args.file else []
    store.write_outcomes(outcomes)
    found = quality(watched, store.with_outcomes(window, watched.recipe_id), args.rows)
    kept = f"{args.file}: {len(outcomes):,} outcomes kept.\n\n" if args.file else ""
    return {"kept": len(outcomes), **found}, kept + rendered(found), ENDED[found["state"]]


def rendered(found: dict[str, Any]) -> str:
    """Return the metrics, promised and now, as a table, and what follows from them."""
    if found["state"] == "not enough data":
        return folded(
            f"Not enough data: {found['rows']:,} rows have outcomes; {found['needed']:,} are "
            "needed, and the headline metric must be defined on them."
        )
    promised, live = found["promised"], found["live"]
    metric = promised["headline"]["metric"]
    rows = [
        [
            name,
            *(
                text.interval(side["headline"]) if name == metric else f"{side['scores'][name]:.3g}"
                for side in (promised, live)
            ),
        ]
        for name in [metric, *(name for name in promised["scores"] if name != metric)]
        if name in live["scores"]
    ]
    shown = text.table(("METRIC", "PROMISED", "NOW"), rows, yielding=())
    verdict = "In order: it is not worse than promised."
    if found["state"] == "alarm":
        verdict = f"ALARM: {metric} is worse than promised, with all of its interval."
    ending = folded(f"{found['rows']:,} rows have outcomes. {verdict}")
    return f"{shown}\n\n{ending}"

"""`report`: does what comes in, and what is answered, differ from what the model was made for."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from monitoring import limits
from monitoring.comparison import compared
from monitoring.document import document
from monitoring.drift import checks
from monitoring.limits import ENDED, Limits, limits_of
from monitoring.store import Store
from monitoring.terminal import rendered
from monitoring.traffic import Traffic
from monitoring.watched import Watched
from monitoring.window import Window
from pipeline.files import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with pictures too")
    limits.add_arguments(parser)


def run(
    watched: Watched, store: Store, window: Window, args: argparse.Namespace
) -> tuple[Any, str, int]:
    """Return the report as data and as text, and 0 in order, 1 alarm, 2 not enough data."""
    found = report(watched, store, window, limits_of(args))
    if args.html:
        write_text(args.html, document(found))
    return found, rendered(found), ENDED[found["state"]]


def report(watched: Watched, store: Store, window: Window, limits: Limits) -> dict[str, Any]:
    """Compare the requests that the package's model answered in a window with its profile.

    Returns:
        "state": "in order", "alarm" or "not enough data"; "model", "window" and "limits": what
        was compared and how; "volume", "refused", "features" and "predictions": what was found.
    """
    profile, metadata = watched.profile, watched.metadata
    traffic = Traffic(profile)
    traffic.add(store.requests(window, watched.recipe_id))
    refused = _refused(store, watched, window, traffic.rows, limits)
    found = checks(profile, traffic, limits)
    state = "not enough data" if traffic.rows < limits.rows else "in order"
    if refused["alarm"] or any(check.alarm for check in found):
        state = "alarm"
    models, said = store.models(window), profile["predictions"]
    return {
        "state": state,
        "model": {
            "name": metadata["name"],
            "title": metadata["title"],
            "recipe_id": watched.recipe_id,
            "versions": [version for recipe, version in models if recipe == watched.recipe_id],
        },
        "window": {"since": _written(window.since), "until": _written(window.until)},
        "limits": vars(limits),
        "volume": {
            "requests": traffic.requests,
            "rows": traffic.rows,
            "rows_with_inputs": traffic.with_inputs,
            "other_models": [
                {"recipe_id": recipe, "version": version, "requests": count}
                for (recipe, version), count in models.items()
                if recipe != watched.recipe_id
            ],
            "days": [
                {"day": day, "requests": requests, "rows": rows}
                for day, (requests, rows) in traffic.days.items()
            ],
        },
        "refused": refused,
        "features": {
            name: compared(
                live,
                profile["features"][name],
                profile["rows"],
                [check for check in found if check.name == name],
            )
            for name, live in traffic.features.items()
        },
        "predictions": compared(
            *(traffic.predictions, said, said["rows"]),
            [check for check in found if check.name is None],
        ),
    }


def _refused(
    store: Store, watched: Watched, window: Window, answered: int, limits: Limits
) -> dict[str, Any]:
    reasons = store.refused(window, watched.recipe_id)
    refused = sum(count for *_, count in reasons)
    came = answered + refused
    return {
        "values": refused,
        "share": refused / came if came else 0.0,
        "alarm": came >= limits.rows and refused > limits.refused * came,
        "reasons": [
            {"reason": reason, "feature": feature or None, "values": count}
            for reason, feature, count in reasons
        ],
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None

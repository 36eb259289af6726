"""`report`: compare what came in and what was predicted with the reference."""

import argparse
from datetime import datetime
from typing import Any

from modelkeep.monitoring.comparison import compared
from modelkeep.monitoring.document import document
from modelkeep.monitoring.drift import checks
from modelkeep.monitoring.limits import ENDED, Limits, limits_of
from modelkeep.monitoring.reference import ReferencePackage
from modelkeep.monitoring.store import Store
from modelkeep.monitoring.terminal import rendered
from modelkeep.monitoring.traffic import Traffic
from modelkeep.monitoring.window import Window
from modelkeep_core.files import write_text
from modelkeep_core.profiles import PRIVATE
from modelkeep_core.schema import FEW


def run(
    reference: ReferencePackage, store: Store, window: Window, args: argparse.Namespace
) -> tuple[Any, str, int]:
    """Return the report as data and as text, and 0 in order, 1 alarm, 2 not enough data."""
    result = report(reference, store, window, limits_of(args))
    if args.html:
        write_text(args.html, document(result, args.site))
    return result, rendered(result), ENDED[result["state"]]


def report(
    reference: ReferencePackage, store: Store, window: Window, limits: Limits
) -> dict[str, Any]:
    """Compare the requests that the package's model answered in a window with its profile.

    Returns:
        "state": "in order", "alarm" or "not enough data"; "model", "window" and "limits": what
        was compared and how; "volume", "refused", "features" and "predictions": what came of it.
    """
    profile, metadata = reference.profile, reference.metadata
    traffic = Traffic(profile)
    traffic.add(store.requests(window, reference.recipe_id))
    refused = _refused(store, reference, window, traffic.rows, limits)
    all_checks = checks(profile, traffic, limits)
    state = "not enough data" if traffic.rows < limits.rows else "in order"
    if refused["alarm"] or any(check.alarm for check in all_checks):
        state = "alarm"
    models, predictions = store.models(window), profile["predictions"]
    return {
        "state": state,
        "model": {
            "name": metadata["name"],
            "title": metadata["title"],
            "recipe_id": reference.recipe_id,
            "versions": [version for recipe, version in models if recipe == reference.recipe_id],
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
                if recipe != reference.recipe_id
            ],
            "days": [
                {"day": day, "requests": requests, "rows": rows}
                for day, (requests, rows) in traffic.days.items()
            ],
        },
        "refused": refused,
        "features": {
            name: compared(
                current,
                profile["features"][name],
                profile["rows"],
                [check for check in all_checks if check.name == name],
            )
            for name, current in traffic.features.items()
        },
        "predictions": compared(
            *(traffic.predictions, predictions, predictions["rows"]),
            [check for check in all_checks if check.name is None],
        ),
    }


def _refused(
    store: Store, reference: ReferencePackage, window: Window, answered: int, limits: Limits
) -> dict[str, Any]:
    """Count what was refused; of private columns, nothing is told of a few values."""
    features = reference.profile["features"]
    reasons = [
        (reason, name, count)
        for reason, name, count in store.refused(window, reference.recipe_id)
        if count >= FEW or name not in features or features[name]["type"] != PRIVATE
    ]
    rows = store.refused_rows(window, reference.recipe_id)
    came = answered + rows
    return {
        "rows": rows,
        "values": sum(count for *_, count in reasons),
        "share": rows / came if came else 0.0,
        "alarm": came >= limits.rows and rows > limits.refused * came,
        "reasons": [
            {"reason": reason, "feature": feature or None, "values": count}
            for reason, feature, count in reasons
        ],
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None

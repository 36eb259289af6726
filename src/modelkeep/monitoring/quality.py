"""How good predictions were, by what turned out to be true, beside the reference score."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from modelkeep.monitoring.reference import ReferencePackage
from modelkeep.monitoring.store import Request
from modelkeep_core import metrics
from modelkeep_core.metrics import METRICS, ScoredRows
from modelkeep_core.profiles import word


def quality(
    reference: ReferencePackage, requests: Iterable[Request], needed: int
) -> dict[str, Any]:
    """Score the predictions that have actuals, with the metrics and settings of the evaluation.

    Returns:
        "state": "in order", "alarm" where the whole interval of the headline metric is worse than
        the reference interval, or "not enough data"; "rows" that have actuals, and how many are
        "needed"; "reference" and "current", each "scores" by name and "headline" with its interval,
        "current" being None where there is not enough.
    """
    metadata = reference.metadata
    headline, settings = metadata["metrics"]["headline"], metadata["metrics"]["settings"]
    tested = scored_rows(reference, requests)
    result: dict[str, Any] = {
        "state": "not enough data",
        "rows": len(tested.actual),
        "needed": needed,
        "reference": {"headline": headline, "scores": metadata["metrics"]["test"]},
        "current": None,
    }
    if len(tested.actual) < needed:
        return result
    with warnings.catch_warnings():
        # Of metrics that are not defined on these rows; those are left out.
        warnings.simplefilter("ignore")
        own = reference.metrics
        scores = metrics.scores(metadata["task"], tested, own)
        if headline["metric"] not in scores:
            return result
        low, high = metrics.interval(
            (METRICS[metadata["task"]] | own)[headline["metric"]],
            tested,
            settings["resamples"],
            settings["confidence"],
            settings["seed"],
        )
    value = scores[headline["metric"]]
    worse = high < headline["low"] if headline["higher_is_better"] else low > headline["high"]
    current = {"headline": headline | {"value": value, "low": low, "high": high}, "scores": scores}
    return result | {"state": "alarm" if worse else "in order", "current": current}


def scored_rows(reference: ReferencePackage, requests: Iterable[Request]) -> ScoredRows:
    """Set the recorded predictions beside the actuals of their rows.

    A class that the model does not know comes after those that it knows, with probability 0.
    """
    classes = reference.metadata["training"]["classes"] or []
    place = {word(name): number for number, name in enumerate(classes)}
    truth: list[Any] = []
    predicted: list[Any] = []
    chances: list[list[float]] = []
    for request in requests:
        for row, actual in sorted(request.actuals.items()):
            prediction = request.outputs["predictions"][row]
            truth.append(place.setdefault(actual, len(place)) if classes else float(actual))
            predicted.append(place[word(prediction)] if classes else prediction)
            if "probabilities" in request.outputs:
                chances.append(request.outputs["probabilities"][row])
    probabilities = None
    if chances:
        probabilities = np.pad(np.array(chances), ((0, 0), (0, len(place) - len(classes))))
    names = (*classes, *[*place][len(classes) :])
    return ScoredRows(np.array(truth), np.array(predicted), probabilities, names)

"""How good the answers were, by what turned out to be true, beside what evaluation promised."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from monitoring.store import Request
from monitoring.watched import Watched
from pipeline import metrics
from pipeline.metrics import METRICS, Outcome
from pipeline.profile import word


def quality(watched: Watched, requests: Iterable[Request], needed: int) -> dict[str, Any]:
    """Score the answers that have outcomes, with the metrics and settings of the evaluation.

    Returns:
        "state": "in order", "alarm" where the whole interval of the headline metric is worse than
        the one promised, or "not enough data"; "rows" that have outcomes, and how many are
        "needed"; "promised" and "live", each "scores" by name and "headline" with its interval,
        "live" being None where there is not enough.
    """
    metadata = watched.metadata
    promised = metadata["metrics"]["headline"]
    found: dict[str, Any] = {
        "state": "not enough data",
        "rows": 0,
        "needed": needed,
        "promised": {"headline": promised, "scores": metadata["metrics"]["test"]},
        "live": None,
    }
    outcome = outcome_of(watched, requests)
    found["rows"] = len(outcome.truth)
    if found["rows"] < needed:
        return found
    with warnings.catch_warnings():
        # Of metrics that are not defined on these rows; those are left out.
        warnings.simplefilter("ignore")
        scores = metrics.scores(metadata["task"], outcome)
        if promised["metric"] not in scores:
            return found
        settings = metadata["recipe"]["parameters"]["evaluate"]
        low, high = metrics.interval(
            METRICS[metadata["task"]][promised["metric"]],
            outcome,
            settings["resamples"],
            promised["confidence"],
            settings["seed"],
        )
    headline = promised | {"value": scores[promised["metric"]], "low": low, "high": high}
    worse = high < promised["low"] if promised["higher_is_better"] else low > promised["high"]
    live = {"headline": headline, "scores": scores}
    return found | {"state": "alarm" if worse else "in order", "live": live}


def outcome_of(watched: Watched, requests: Iterable[Request]) -> Outcome:
    """Set the recorded answers beside the outcomes of their rows.

    A class that the model does not know comes after those that it knows, with probability 0.
    """
    classes = watched.metadata["training"]["classes"] or []
    place = {word(name): number for number, name in enumerate(classes)}
    truth: list[Any] = []
    predicted: list[Any] = []
    chances: list[list[float]] = []
    for request in requests:
        for row, outcome in sorted(request.outcomes.items()):
            said = request.outputs["predictions"][row]
            truth.append(place.setdefault(outcome, len(place)) if classes else float(outcome))
            predicted.append(place[word(said)] if classes else said)
            if "probabilities" in request.outputs:
                chances.append(request.outputs["probabilities"][row])
    probabilities = None
    if chances:
        probabilities = np.pad(np.array(chances), ((0, 0), (0, len(place) - len(classes))))
    return Outcome(np.array(truth), np.array(predicted), probabilities, tuple(place))

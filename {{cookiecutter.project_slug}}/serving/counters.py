"""What Prometheus is told: requests, predictions, refused and unusual inputs, the model."""

import os
from collections import Counter as Counts
from typing import Any

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from serving.live import Live
from serving.rows import Problem

# Where several workers keep their numbers; prometheus_client looks for this name.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# When each number was first counted interests nobody.
disable_created_metrics()
DECILES = np.arange(1, 10) / 10


class Counters:
    """The numbers of one worker; with several, each tells the sums of all."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "serving_requests", "Requests by path and status", ["path", "status"], registry=own
        )
        self._seconds = Histogram(
            "serving_request_duration_seconds",
            "From the first byte of a request to the last one of its answer",
            ["path"],
            buckets=SECONDS,
            registry=own,
        )
        self._predictions = Counter(
            "serving_predictions",
            "Predicted rows by class, or by the decile of the reference predictions",
            ["version", "prediction"],
            registry=own,
        )
        self._refused = Counter(
            "serving_refused", "Refused values by reason", ["reason", "column"], registry=own
        )
        self._unusual = Counter(
            "serving_unusual", "Values that no training row had", ["kind", "column"], registry=own
        )
        self._unrecorded = Gauge(
            "serving_unrecorded_requests",
            "Answered requests that could not be recorded yet, or at all",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._model = Gauge(
            "serving_model_info",
            "1 for the model that answers",
            ["name", "version", "recipe_id"],
            registry=own,
            multiprocess_mode="livemin",
        )
        self._deciles: dict[str, np.ndarray] = {}

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def predicted(self, live: Live, predictions: list[Any]) -> None:
        """Count predictions."""
        for name, count in Counts(map(self._bin(live), predictions)).items():
            self._predictions.labels(live.version, name).inc(count)

    def refused(self, problems: tuple[Problem, ...]) -> None:
        """Count the values of a refused request."""
        for (reason, column), count in Counts((it.reason, it.column) for it in problems).items():
            self._refused.labels(reason, column).inc(count)

    def unusual(self, found: Counts[tuple[str, str]]) -> None:
        """Count values that no training row had."""
        for kind_and_column, count in found.items():
            self._unusual.labels(*kind_and_column).inc(count)

    def unrecorded(self, requests: int) -> None:
        """Say how many answered requests have no record."""
        self._unrecorded.set(requests)

    def model(self, live: Live, before: Live | None) -> None:
        """Say which model answers now."""
        if before:
            self._model.labels(before.name, before.version, before.recipe_id).set(0)
        self._model.labels(live.name, live.version, live.recipe_id).set(1)

    def text(self) -> bytes:
        """Return all of it in Prometheus's format."""
        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)

    def _bin(self, live: Live) -> Any:
        """Return what says for a prediction under which name it is counted."""
        if live.classes is not None:
            return str
        if live.recipe_id not in self._deciles:
            self._deciles = {live.recipe_id: _deciles(live.profile["predictions"])}
        edges = self._deciles[live.recipe_id]
        return lambda value: f"decile {int(np.searchsorted(edges, value)) + 1}"


def _deciles(profile: dict[str, Any]) -> np.ndarray:
    """Return nine values between which a tenth each of the reference predictions lies, about."""
    shares = np.cumsum(profile["counts"][:-1]) / max(sum(profile["counts"]), 1)
    edges = np.asarray(profile["edges"], dtype=float)
    return edges[np.minimum(np.searchsorted(shares, DECILES), len(edges) - 1)]

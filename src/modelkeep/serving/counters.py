"""What Prometheus is told: requests, predictions, refused values and those out of range."""

import os
from collections import Counter as Counts
from pathlib import Path
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

from modelkeep.serving.served import ServedModel

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
        self._out_of_range = Counter(
            "serving_out_of_range",
            "Values that the training rows do not cover",
            ["column"],
            registry=own,
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
        self._package_refused = Gauge(
            "serving_package_refused",
            "1 while the package that should answer is refused, and an earlier one answers",
            registry=own,
            multiprocess_mode="livemax",
        )
        self._faults = Gauge(
            "serving_degraded",
            "1 while something is wrong, by what /health calls it",
            ["fault"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self._cut = Counter(
            "serving_connections_cut",
            "Connections that were ended: too many, too slow, or with a head that cannot be read",
            ["reason"],
            registry=own,
        )
        self._deciles: dict[str, np.ndarray] = {}

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def predicted(self, served: ServedModel, predictions: list[Any]) -> None:
        """Count predictions."""
        for name, count in Counts(map(self._bin(served), predictions)).items():
            self._predictions.labels(served.version, name).inc(count)

    def refused(self, counts: Counts[tuple[str, str]]) -> None:
        """Count refused values, given by reason and by a column of the schema, or ""."""
        for (reason, column), count in counts.items():
            self._refused.labels(reason, column).inc(count)

    def out_of_range(self, counts: Counts[str]) -> None:
        """Count values that the training rows do not cover, given by column."""
        for column, count in counts.items():
            self._out_of_range.labels(column).inc(count)

    def unrecorded(self, requests: int) -> None:
        """Say how many answered requests have no record."""
        self._unrecorded.set(requests)

    def model(self, served: ServedModel, previous: ServedModel | None) -> None:
        """Say which model answers now."""
        if previous:
            self._model.labels(previous.name, previous.version, previous.recipe_id).set(0)
        self._model.labels(served.name, served.version, served.recipe_id).set(1)

    def package_refused(self, refused: bool) -> None:
        """Say whether the package that should answer is refused."""
        self._package_refused.set(int(refused))

    def fault(self, name: str, present: bool) -> None:
        """Say whether something is wrong."""
        self._faults.labels(name).set(int(present))

    def cut(self, reason: str) -> None:
        """Count a connection that was ended: "connections", "slow" or "head"."""
        self._cut.labels(reason).inc()

    def text(self) -> bytes:
        """Return all of it in Prometheus's format."""
        registry = self._registry
        if SHARED in os.environ:
            _forget_dead(Path(os.environ[SHARED]))
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)

    def _bin(self, served: ServedModel) -> Any:
        """Return what says for a prediction under which name it is counted."""
        if served.classes is not None:
            return str
        if served.recipe_id not in self._deciles:
            self._deciles = {served.recipe_id: _deciles(served.profile["predictions"])}
        edges = self._deciles[served.recipe_id]
        return lambda value: f"decile {int(np.searchsorted(edges, value)) + 1}"


def _forget_dead(directory: Path) -> None:
    """Leave out the present state of workers that have ended: nobody would change it any more."""
    if os.name != "posix":
        # Elsewhere, to ask for a process by a signal ends it.
        return
    for pid in {int(path.stem.rpartition("_")[2]) for path in directory.glob("gauge_live*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(pid, str(directory))
        except PermissionError:
            continue


def _deciles(profile: dict[str, Any]) -> np.ndarray:
    """Return nine values between which a tenth each of the reference predictions lies, about."""
    shares = np.cumsum(profile["counts"][:-1]) / max(sum(profile["counts"]), 1)
    edges = np.asarray(profile["edges"], dtype=float)
    return edges[np.minimum(np.searchsorted(shares, DECILES), len(edges) - 1)]

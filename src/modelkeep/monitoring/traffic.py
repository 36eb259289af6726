"""What came in and what was answered, counted in the bins and classes of the reference profile."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelkeep.monitoring.store import Request
from modelkeep.serving.records import time_of
from modelkeep_core.profiles import COUNTED, PRIVATE, few_hidden, word

# How many rows are in memory at once, and those of one request more
BATCH = 10_000
BOOLEANS = {True: "true", False: "false"}
# How many classes are counted by their names; what else comes is counted as one
NAMED = 10_000
# By how many standard deviations a count is above another not by luck
LUCK = 4


class Numbers:
    """Numbers, counted in the bins of the reference and beyond its range.

    Attributes:
        table: (2, bins): reference and current numbers below the range of the reference, in each
            of its bins, and above its range.
        missing: how many were missing.
        total: the sum of those that were not.
    """

    def __init__(self, reference: dict[str, Any]) -> None:
        low, high = reference["min"], reference["max"]
        self.ends: list[float] = []
        if low is not None:
            self.ends = [np.nextafter(low, -np.inf), *reference["edges"], high]
        self.table = np.zeros((2, len(self.ends) + 1), "int64")
        if low is not None:
            self.table[0, 1:-1] = reference["counts"]
        self.missing = 0
        self.total = 0.0

    def add(self, values: Iterable[float | None]) -> None:
        """Count some more."""
        cells = np.array(list(values), "float64")
        present = cells[~np.isnan(cells)]
        self.missing += len(cells) - len(present)
        with np.errstate(over="ignore"):
            self.total += float(present.sum())
        places = np.searchsorted(self.ends, present)
        self.table[1] += np.bincount(places, minlength=self.table.shape[1])

    @property
    def out_of_range(self) -> int | None:
        """How many lay outside the range of the reference; None where it has no range."""
        return int(self.table[1, 0] + self.table[1, -1]) if self.ends else None


class Classes:
    """Classes, counted by their names.

    Attributes:
        reference: how many of each class the reference names, the commonest first.
        counts: how often each class came, in words as JSON has them.
        rest: how many more came, of other classes.
        missing: how many were missing.
    """

    def __init__(self, reference: dict[str, Any]) -> None:
        self.reference: dict[str, int] = reference["counts"]
        self.counts: Counter[str] = Counter()
        self.rest = self.missing = 0
        self._others: int = reference["others"]
        self._boolean = reference["type"] == "boolean"

    def add(self, values: Iterable[Any]) -> None:
        """Count some more."""
        for value, count in Counter(values).items():
            name = BOOLEANS.get(value, word(value)) if self._boolean else word(value)
            if value is None:
                self.missing += count
            elif name in self.reference or name in self.counts or len(self.counts) < NAMED:
                self.counts[name] += count
            else:
                self.rest += count

    @property
    def names(self) -> list[str]:
        """The classes that are compared one by one: those of the reference, then others.

        Where the reference names the commonest classes only, some of them are among these by
        luck, which a second sample would not repeat. Those count as others.
        """
        least = 0.0
        if self._others and self.reference:
            rarest = min(self.reference.values())
            least = rarest + LUCK * rarest**0.5
        fresh = sorted(self.counts.keys() - self.reference.keys())
        return [name for name in (*self.reference, *fresh) if self.reference.get(name, 0) >= least]

    @property
    def table(self) -> NDArray[Any]:
        """Reference and current rows of each of `names`, and of all others: (2, classes + 1)."""
        pairs = [(self.reference.get(name, 0), self.counts[name]) for name in self.names]
        named = np.array(pairs, "int64").reshape(-1, 2).T
        totals = (sum(self.reference.values()) + self._others, self.counts.total() + self.rest)
        return np.column_stack([named, np.array(totals) - named.sum(axis=1)])

    @property
    def out_of_range(self) -> int | None:
        """How many are of a class that the reference has not; None where it does not name all."""
        return None if self._others else self.unlisted

    @property
    def unlisted(self) -> int:
        """How many are of a class that the reference does not name."""
        return self.rest + sum(n for name, n in self.counts.items() if name not in self.reference)

    @property
    def to_be_expected(self) -> int:
        """How many rows of the reference would be of no class that the other rows name, at most.

        Good and Turing: those of the rarest named class are the last that a smaller sample would
        not name, as a larger one names more. Since their number is luck itself, those of the next
        rarest count too, each once.
        """
        rarest = min(self.reference.values(), default=0) + 1 if self._others else 1
        sizes = [count for count in self.reference.values() if count <= rarest]
        return self._others + sum(sizes) + [*self.reference.values()].count(rarest + 1)


class Presence(Classes):
    """Whether a value is there: of datetimes, as time goes on without drift."""

    def add(self, values: Iterable[Any]) -> None:
        """Count some more."""
        cells = list(values)
        missing = cells.count(None)
        self.missing += missing
        self.rest += len(cells) - missing


class Private(Presence):
    """Private values, which are counted only: nothing is told of a few that are alike."""

    def __init__(self, reference: dict[str, Any]) -> None:
        super().__init__(reference)
        self._cells = self._empty = 0

    def add(self, values: Iterable[Any]) -> None:
        """Count some more."""
        cells = list(values)
        self._cells += len(cells)
        self._empty += cells.count(None)
        self.missing = few_hidden(self._empty, self._cells)
        self.rest = self._cells - self.missing


class Traffic:
    """The requests of one model in a window of time, counted beside its reference profile.

    Attributes:
        requests, rows: how many there are; `with_inputs`: how many rows of which inputs are known.
        days: requests and rows of each day, in the reader's time zone, in the order of time.
        features, predictions: what they held.
    """

    def __init__(self, profile: dict[str, Any]) -> None:
        self.features = {name: _empty(part) for name, part in profile["features"].items()}
        self.predictions = _empty(profile["predictions"])
        self.requests = self.rows = self.with_inputs = 0
        self.days: dict[str, list[int]] = {}

    def add(self, requests: Iterable[Request]) -> None:
        """Count some more; not all of them are in memory at the same time."""
        inputs: list[list[Any]] = []
        predictions: list[Any] = []
        for request in requests:
            predicted = request.outputs["predictions"]
            day = datetime.fromtimestamp(time_of(request.request_id)).strftime("%Y-%m-%d")
            of_day = self.days.setdefault(day, [0, 0])
            of_day[0] += 1
            of_day[1] += len(predicted)
            inputs += request.inputs or []
            predictions += predicted
            self.requests += 1
            if len(predictions) >= BATCH:
                self.count(inputs, predictions)
                inputs, predictions = [], []
        self.count(inputs, predictions)

    def count(self, inputs: list[list[Any]], predictions: list[Any]) -> None:
        """Count rows: those of which the inputs are known, and the predictions of all."""
        self.rows += len(predictions)
        self.with_inputs += len(inputs)
        self.predictions.add(predictions)
        for tally, values in zip(self.features.values(), zip(*inputs, strict=True), strict=False):
            tally.add(values)


def _empty(reference: dict[str, Any]) -> Numbers | Classes:
    if reference["type"] == PRIVATE:
        return Private(reference)
    if reference["type"] in COUNTED:
        return Presence(reference)
    return Numbers(reference) if "edges" in reference else Classes(reference)

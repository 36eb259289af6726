"""One worker's service: the model that answers, how requests reach it, and how it is changed."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.refusal import Refusal
from serving.batching import Batcher, Busy, Unanswerable
from serving.counters import Counters
from serving.current import Current
from serving.live import Live, load
from serving.options import Settings
from serving.records import Answered, Records, tidy
from serving.rows import Contract, Problem, Rows, Unfit

LOG = logging.getLogger("uvicorn.error")
# Seconds between two looks for another package, and between two times of tidying the records
LOOK, TIDY = 0.5, 10.0
# How many rows may wait, for each row that one request may have
WAITING = 4


class Rejected(Exception):
    """A request that gets no prediction.

    Attributes:
        status: the HTTP status.
        detail: why, in a sentence.
        problems: the values that break the schema, where that is why.
    """

    def __init__(self, status: int, detail: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = problems


class Service:
    """The state of a worker.

    Attributes:
        settings: how it is run.
        counters: what it tells Prometheus.
        live: the model that answers.
        refused: why the package that should be served now is not, or "".
        following: why the last look for a newer version failed, or "".
    """

    def __init__(self, settings: Settings) -> None:
        """Load the model and open the records.

        Raises:
            Refusal: the package or the records cannot be used.
        """
        self.settings = settings
        self.counters = Counters()
        self.refused = self.following = ""
        self._path = Path(settings.current)
        self._current = Current.read(self._path)
        self.live = load(Path(self._current.package), self._current.version)
        self.counters.model(self.live, None)
        self._records = Records(Path(settings.records)) if settings.records else None
        if self._records:
            self._records.know(*_known(self.live))
        most_waiting = WAITING * settings.max_rows
        self._batcher = Batcher(self._records, settings.keep_inputs, most_waiting)

    @property
    def stage(self) -> str:
        """The stage that is served, or ""."""
        return self._current.stage

    @property
    def unrecorded(self) -> int:
        """How many answered requests are not recorded: yet, or because they were too many."""
        return len(self._records.pending) + self._records.lost if self._records else 0

    def health(self) -> dict[str, Any]:
        """Return "status", ok or degraded, the version that answers, and what is wrong."""
        recording = self._records.failure if self._records else None
        wrong = {
            "refused_package": self.refused,
            "following": self.following,
            "recording": recording or "",
        }
        faults = {name: fault for name, fault in wrong.items() if fault}
        return {
            "status": "degraded" if faults else "ok",
            "version": self.live.version or None,
            "stage": self.stage or None,
            "recipe_id": self.live.recipe_id,
            "unrecorded_requests": self.unrecorded,
            **faults,
        }

    async def predict(self, read: Callable[[Contract], Rows]) -> tuple[Live, Answered]:
        """Answer a request.

        Args:
            read: returns the request's rows by the contract of the model.

        Raises:
            Rejected: it breaks the schema or a limit, or cannot be answered now.
        """
        live = self.live
        try:
            rows = read(live.contract)
        except Unfit as unfit:
            self._count_refused(live, unfit.problems)
            raise Rejected(422, _told(unfit.problems), unfit.problems) from None
        if len(rows) > self.settings.max_rows:
            raise Rejected(413, f"{len(rows)} rows; at most {self.settings.max_rows} at once.")
        try:
            async with asyncio.timeout(self.settings.timeout):
                answered = await self._batcher.answer(live, rows)
        except Unanswerable as error:
            problem = Problem(None, "", f"values that the model can use: {error}", "unanswerable")
            self._count_refused(live, (problem,))
            raise Rejected(422, _told((problem,)), (problem,)) from None
        except (Busy, TimeoutError):
            raise Rejected(503, "Too many requests are waiting; try again soon.") from None
        self.counters.unusual(live.contract.unusual(rows))
        self.counters.predicted(live, answered.outputs["predictions"])
        return live, answered

    async def attend(self) -> None:
        """Change over to another package when there is one, and keep the records, for ever."""
        while True:
            await asyncio.sleep(LOOK)
            await self._look()
            self._batcher.flush()

    async def tidy(self) -> None:
        """Keep the file of the records small, for ever."""
        while self._records:
            await asyncio.sleep(TIDY)
            try:
                await asyncio.to_thread(tidy, Path(self.settings.records), self.settings.keep_days)
            except sqlite3.Error as error:
                LOG.warning("the records cannot be tidied now: %s", error)

    async def close(self) -> None:
        """Finish what was begun."""
        await self._batcher.close()

    async def _look(self) -> None:
        """Load the package that is to be served, if it is another one than before."""
        try:
            current = Current.read(self._path)
        except Refusal as refusal:
            self.following = str(refusal)
            return
        self.following = current.failure
        before, self._current = self._current, current
        if (current.package, current.version) == (before.package, before.version):
            return
        try:
            live = await asyncio.to_thread(load, Path(current.package), current.version)
        except Refusal as refusal:
            self.refused = str(refusal)
            return
        except Exception as error:
            # The old model answers on, whatever is wrong with the new one.
            LOG.exception("%s cannot be loaded", current.package)
            self.refused = f"{current.package} cannot be loaded: {error!r}"
            return
        self.refused = ""
        if self._records:
            self._records.know(*_known(live))
        self.counters.model(live, self.live)
        self.live = live
        LOG.info("%s answers now", live.version or live.directory)

    def _count_refused(self, live: Live, problems: tuple[Problem, ...]) -> None:
        self.counters.refused(problems)
        if self._records:
            for problem in problems:
                self._records.refuse(live.recipe_id, live.version, problem.reason, problem.column)


def _known(live: Live) -> tuple[str, str, list[str]]:
    return live.recipe_id, live.version, live.contract.features


def _told(problems: tuple[Problem, ...]) -> str:
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}."

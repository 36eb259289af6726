"""One worker's service: the model that answers, how requests reach it, and how it is changed."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelkeep.serving.batching import Batcher, Busy, Unanswerable
from modelkeep.serving.counters import Counters
from modelkeep.serving.current import Current
from modelkeep.serving.options import Settings
from modelkeep.serving.records import Answered, Records, tidy
from modelkeep.serving.rows import Contract, Problem, Rows, Unfit
from modelkeep.serving.served import ServedModel, load
from modelkeep_core.errors import UserError

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
        served: the model that answers.
        refused: why the package that should be served now is not, or "".
        following: why the last look for a newer version failed, or "".
    """

    def __init__(self, settings: Settings) -> None:
        """Load the model and open the records.

        Raises:
            UserError: the package or the records cannot be used.
        """
        self.settings = settings
        self.counters = Counters()
        self.refused = self.following = ""
        self._path = Path(settings.current)
        self._current = Current.read(self._path)
        self.served = _loaded(self._current)
        self.counters.model(self.served, None)
        self._records = Records(Path(settings.records)) if settings.records else None
        if self._records:
            self._records.note_model(*_features(self.served))
        most_waiting = WAITING * settings.max_rows
        self._batcher = Batcher(self._records, settings.keep_inputs, most_waiting)

    @property
    def stage(self) -> str:
        """The stage that is served, or ""."""
        return self._current.stage

    @property
    def ready(self) -> bool:
        """Whether requests are answered and recorded, as far as that can be told."""
        return not self._batcher.fault

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
            "recording": self._batcher.fault or recording or "",
        }
        faults = {name: fault for name, fault in wrong.items() if fault}
        return {
            "status": "degraded" if faults else "ok",
            "version": self.served.version or None,
            "stage": self.stage or None,
            "recipe_id": self.served.recipe_id,
            "unrecorded_requests": self.unrecorded,
            **faults,
        }

    async def predict(self, read: Callable[[Contract], Rows]) -> tuple[ServedModel, Answered]:
        """Answer a request.

        Args:
            read: returns the request's rows by the contract of the model.

        Raises:
            Rejected: it breaks the schema or a limit, or cannot be answered now.
        """
        served = self.served
        try:
            rows = read(served.contract)
        except Unfit as unfit:
            self._count_refused(served, unfit.problems)
            raise Rejected(422, _told(unfit.problems), unfit.problems) from None
        if len(rows) > self.settings.max_rows:
            raise Rejected(413, f"{len(rows)} rows; at most {self.settings.max_rows} at once.")
        try:
            async with asyncio.timeout(self.settings.timeout):
                answered = await self._batcher.answer(served, rows)
        except Unanswerable as error:
            problem = Problem(None, "", f"values that the model can use: {error}", "unanswerable")
            self._count_refused(served, (problem,))
            raise Rejected(422, _told((problem,)), (problem,)) from None
        except (Busy, TimeoutError):
            raise Rejected(503, "Too many requests are waiting; try again soon.") from None
        self.counters.out_of_range(served.contract.out_of_range(rows))
        self.counters.predicted(served, answered.outputs["predictions"])
        return served, answered

    async def attend(self) -> None:
        """Change over to another package when there is one, and keep the records, for ever."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self._look()
            except Exception as error:
                LOG.exception("a look for another package failed")
                self.following = repr(error)
            self._batcher.flush()

    async def tidy(self) -> None:
        """Keep the file of the records small, for ever."""
        path, keep_days = self.settings.records, self.settings.keep_days
        while path:
            await asyncio.sleep(TIDY)
            try:
                await asyncio.to_thread(tidy, Path(path), keep_days)
            except (OSError, sqlite3.Error) as error:
                LOG.warning("the records cannot be tidied now: %s", error)

    async def close(self) -> None:
        """Finish what was begun."""
        await self._batcher.close()

    async def _look(self) -> None:
        """Load the package that is to be served, if it is another than before."""
        try:
            current = Current.read(self._path)
        except UserError as error:
            self.following = str(error)
            return
        self.following = current.failure
        previous, self._current = self._current, current
        if (current.package, current.version) == (previous.package, previous.version):
            return
        try:
            served = await asyncio.to_thread(_loaded, current)
        except UserError as error:
            self._refuse(str(error))
            return
        except Exception as error:
            # The old model answers on, whatever is wrong with the next.
            LOG.exception("%s cannot be loaded", current.package)
            self._refuse(f"{current.package} cannot be loaded: {error!r}")
            return
        self._refuse("")
        if self._records:
            self._records.note_model(*_features(served))
        self.counters.model(served, self.served)
        self.served = served
        LOG.info("%s answers now", served.version or served.directory)

    def _refuse(self, reason: str) -> None:
        """Say, in the log, in metrics and to `/health`, why a package is refused; or that none is.

        Args:
            reason: why, or "".
        """
        self.refused = reason
        self.counters.package_refused(bool(reason))
        if reason:
            LOG.error("the package that should answer now is refused: %s", reason)

    def _count_refused(self, served: ServedModel, problems: tuple[Problem, ...]) -> None:
        self.counters.refused(problems)
        if self._records:
            for problem in problems:
                self._records.refuse(
                    served.recipe_id, served.version, problem.reason, problem.column
                )


def _loaded(current: Current) -> ServedModel:
    return load(Path(current.package), current.version, current.trust_code)


def _features(served: ServedModel) -> tuple[str, str, list[str]]:
    return served.recipe_id, served.version, served.contract.features


def _told(problems: tuple[Problem, ...]) -> str:
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}."

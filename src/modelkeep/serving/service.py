"""One worker's service: the model that answers, how requests reach it, and how it is changed."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from modelkeep.serving.batching import Batcher, Busy, Unanswerable
from modelkeep.serving.clock import Clock
from modelkeep.serving.counters import Counters
from modelkeep.serving.current import Current
from modelkeep.serving.explaining import Explainer
from modelkeep.serving.health import Faults, Task, now
from modelkeep.serving.inlet import Inlet, Rejected
from modelkeep.serving.memory import give_back
from modelkeep.serving.options import Settings
from modelkeep.serving.recording import Records
from modelkeep.serving.records import DAY, REFUSED_ROW, Answered, tidy
from modelkeep.serving.rows import Contract, Problem, Rows, TooMany, Unfit
from modelkeep.serving.served import ServedModel, load
from modelkeep.unseen import Unseen
from modelkeep_core.errors import UserError

Read = TypeVar("Read")
LOG = logging.getLogger("uvicorn.error")
# Seconds between two looks for another package, and between two times of tidying the records
LOOK, TIDY = 0.5, 10.0
# Seconds that a look, or tidying, takes at most when all is well: a package may be large
PATIENCE = 60.0
# Seconds after which somebody must have looked for a newer version, if not three times as often
LATE = 30.0
# How many rows may wait, for each row that one request may have
WAITING = 4
# How many values, lists and objects JSON may have for each cell of its rows, and besides
VALUES, OTHER_VALUES = 2, 100_000
WAIT = "Too many requests are waiting; try again soon."


class Service:
    """The state of a worker.

    Attributes:
        settings: how it is run.
        counters: what it tells Prometheus.
        served: the model that answers.
        inlet: takes the bodies of requests.
        faults: what is wrong.
        tasks: what is to be run beside the requests, for ever.
    """

    def __init__(self, settings: Settings) -> None:
        """Load the model and open the records.

        Raises:
            UserError: the package or the records cannot be used.
        """
        self.settings = settings
        self.counters = Counters()
        self.faults = Faults(self.counters)
        self.inlet = Inlet(settings.timeout, settings.max_bytes)
        self._path = Path(settings.current)
        self._current = Current.read(self._path)
        self._touched, self._looked, self._looked_at = 0, time.monotonic(), now()
        self.served = self._loaded(self._current)
        self.counters.model(self.served, None)
        self.faults.tell("following", self._current.failure)
        self._records = Records(Path(settings.records)) if settings.records else None
        if self._records:
            self._records.note_model(*_features(self.served))
        last = self._records.last if self._records else None
        self._clock = Clock(last, (settings.keep_days or 0) * DAY)
        most_waiting = WAITING * settings.max_rows
        self._batcher = Batcher(self._records, settings.keep_inputs, most_waiting)
        self._explainer = Explainer(most_waiting)
        # Long requests are read there, one after the other, while the event loop goes on.
        self._reading = ThreadPoolExecutor(1, "reading")
        self.tasks = [
            Task("attending", self._attend, LOOK, PATIENCE),
            Task("tidying", self._tidy, TIDY, PATIENCE),
        ]

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
        """Return "status", ok or degraded, the version that answers, what is wrong, since when."""
        self.watch()
        faults = self.faults.reasons
        return {
            "status": "degraded" if faults else "ok",
            "version": self.served.version or None,
            "stage": self.stage or None,
            "recipe_id": self.served.recipe_id,
            "unrecorded_requests": self.unrecorded,
            **faults,
            **({"since": self.faults.since} if faults else {}),
        }

    def watch(self) -> None:
        """See what is wrong with the records and the tasks now."""
        recording = self._records.failure if self._records else None
        self.faults.tell("recording", self._batcher.fault or recording or "")
        for task in self.tasks:
            self.faults.tell(task.name, task.fault)
        self.counters.unrecorded(self.unrecorded)

    @property
    def most_values(self) -> int:
        """How many values, lists and objects a request in JSON may have, whatever its form."""
        cells = (len(self.served.contract.features) + 1) * (self.settings.max_rows + 1)
        return VALUES * cells + OTHER_VALUES

    async def predict(
        self, read: Callable[[Contract], Rows], is_long: bool, explained: bool = False
    ) -> tuple[ServedModel, Answered]:
        """Answer a request.

        Args:
            read: returns the request's rows by the contract of the model.
            is_long: whether that may take long, so that others are to be answered meanwhile.
            explained: whether the answer says what each feature contributes.

        Raises:
            Rejected: it breaks the schema or a limit, or cannot be answered now; or it is to be
                explained, and that model cannot be.
        """
        served, explanation = self.served, None
        if explained and served.unexplainable:
            raise Rejected(400, served.unexplainable)
        try:
            async with asyncio.timeout(self.settings.timeout):
                rows, out_of_range, unseen = await self._read(served, read, is_long)
                if explained:
                    explanation = await self._explainer.explain(served, rows)
                answered = await self._batcher.answer(served, rows)
        except TooMany as many:
            most = self.settings.max_rows
            raise Rejected(413, f"{many.rows} rows; at most {most} at once.") from None
        except Unfit as unfit:
            self._count_refused(served, unfit)
            raise Rejected(422, _first_problem(unfit), unfit.problems) from None
        except Unanswerable as error:
            # What a library says of values may name them.
            private = served.contract.schema.private
            rule = "values that the model can use" + ("" if private else f": {error}")
            unusable = Unfit(Problem(None, "", rule, "unanswerable"))
            self._count_refused(served, unusable)
            raise Rejected(422, _first_problem(unusable), unusable.problems) from None
        except (Busy, TimeoutError):
            raise Rejected(503, WAIT) from None
        self.counters.out_of_range(out_of_range)
        self.counters.predicted(served, answered.outputs["predictions"])
        return served, replace(answered, unseen=unseen, explanation=explanation)

    async def beside(self, read: Callable[[], Read]) -> Read:
        """Return what a function returns that may take long: others are answered meanwhile.

        Raises:
            Rejected: too many others wait for the same.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.settings.timeout):
                return await loop.run_in_executor(self._reading, read)
        except TimeoutError:
            raise Rejected(503, WAIT) from None

    async def close(self) -> None:
        """Finish what was begun."""
        await self._batcher.close()
        self._explainer.close()
        self._reading.shutdown(wait=False, cancel_futures=True)

    async def _read(
        self, served: ServedModel, read: Callable[[Contract], Rows], is_long: bool
    ) -> tuple[Rows, Counter[str], Sequence[Unseen]]:
        """Return the rows of a request, and what is to be told of their values.

        That is how many of each column are out of range, and the categories that are new.
        """

        def all_of_it() -> tuple[Rows, Counter[str], Sequence[Unseen]]:
            rows = read(served.contract)
            return rows, served.contract.out_of_range(rows), served.unseen(rows)

        return await self.beside(all_of_it) if is_long else all_of_it()

    async def _attend(self) -> None:
        """Change over to another package when there is one, and keep the records."""
        try:
            await self._look()
        except Exception as error:
            if self.faults.reasons.get("following") != repr(error):
                LOG.exception("a look for another package failed")
            self.faults.tell("following", repr(error))
        self._batcher.flush()
        self.watch()

    async def _tidy(self) -> None:
        """Keep the file of the records and the memory small."""
        await asyncio.to_thread(give_back)
        if self.settings.records:
            moment, keep_days = self._clock.believed(), self.settings.keep_days
            before = None if moment is None or keep_days is None else moment - keep_days * DAY
            await asyncio.to_thread(tidy, Path(self.settings.records), before)

    async def _look(self) -> None:
        """Load the package that is to be served, if it is another than before."""
        try:
            current = Current.read(self._path)
            touched = self._path.stat().st_mtime_ns
        except UserError as error:
            self.faults.tell("following", str(error))
            return
        except OSError as error:
            self.faults.tell("following", f"{self._path} cannot be read: {error.strerror}")
            return
        self.faults.tell("following", current.failure or self._overdue(current, touched))
        previous, self._current = self._current, current
        if (current.package, current.version) == (previous.package, previous.version):
            return
        try:
            served = await asyncio.to_thread(self._loaded, current)
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

    def _overdue(self, current: Current, touched: int) -> str:
        """Say whether whoever looks for newer versions has not looked for too long, or ""."""
        if touched != self._touched:
            self._touched, self._looked, self._looked_at = touched, time.monotonic(), now()
        if not current.every or time.monotonic() - self._looked < max(LATE, 3 * current.every):
            return ""
        return f"nobody has looked for one since {self._looked_at}"

    def _refuse(self, reason: str) -> None:
        """Say why the package that should answer is refused; or, with "", that none is."""
        self.faults.tell("refused_package", reason)
        self.counters.package_refused(bool(reason))

    def _count_refused(self, served: ServedModel, unfit: Unfit) -> None:
        """Count refused values; a column that the schema does not have is a client's invention."""
        columns = served.contract.schema.columns
        counts: Counter[tuple[str, str]] = Counter()
        for (reason, column), count in unfit.counts.items():
            counts[reason, column if column in columns else ""] += count
        self.counters.refused(counts)
        if self._records:
            self._records.refuse(served.recipe_id, served.version, REFUSED_ROW, count=unfit.rows)
            for (reason, column), count in counts.items():
                self._records.refuse(served.recipe_id, served.version, reason, column, count)

    def _loaded(self, current: Current) -> ServedModel:
        served = load(Path(current.package), current.version, current.trust_code)
        served.contract.most_rows = self.settings.max_rows
        return served


def _features(served: ServedModel) -> tuple[str, str, list[str]]:
    return served.recipe_id, served.version, served.contract.features


def _first_problem(unfit: Unfit) -> str:
    others = unfit.counts.total() - 1
    return f"{unfit.problems[0]}{f' ({others:,} more)' if others else ''}."

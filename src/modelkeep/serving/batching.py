"""Requests that wait at the same time are answered by one call of the model.

Nobody waits for others to come: what arrives while the model is busy is the next batch. Predictions
are recorded, in one transaction for the batch, before any of them is given.
"""

import asyncio
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

from threadpoolctl import threadpool_limits

from modelkeep.serving.recording import Records
from modelkeep.serving.records import Answered, new_id
from modelkeep.serving.rows import Rows
from modelkeep.serving.served import ServedModel
from modelkeep_core.predictions import Predictions, undefined

LOG = logging.getLogger("uvicorn.error")
# Rows that are answered by one call, unless one request alone has more
BATCH_ROWS = 512
# So few rows are answered at once; for more, the event loop goes on beside a thread.
FEW_ROWS = 64


class Busy(Exception):
    """More rows are waiting than may wait."""


class Unanswerable(Exception):
    """The model cannot use a value that the schema allows."""


class Broken(Exception):
    """The model fails at rows with private values, which its own exception may repeat."""


@dataclass(frozen=True)
class Job:
    """A request that waits: the model that it is for, its rows, and where the answer goes."""

    served: ServedModel
    rows: Rows
    done: "asyncio.Future[Answered]" = field(default_factory=asyncio.Future)


class Batcher:
    """The single place where a model is called, and where answers are recorded.

    Attributes:
        fault: what went unexpectedly wrong when requests were recorded, until it goes right again,
            or "".
    """

    def __init__(self, records: Records | None, keep_inputs: bool, most_waiting: int) -> None:
        """Begin with nobody waiting.

        Args:
            records: where answers are recorded, or None.
            keep_inputs: whether their inputs are recorded with them.
            most_waiting: how many rows may wait.
        """
        self.fault = ""
        self._records = records
        self._keep_inputs = keep_inputs
        self._most_waiting = most_waiting
        self._waiting: list[Job] = []
        self._thread = ThreadPoolExecutor(1, "model", initializer=compute_alone)
        self._working: asyncio.Task[None] | None = None

    async def answer(self, served: ServedModel, rows: Rows) -> Answered:
        """Return the answer to rows that fit the contract of the model.

        Raises:
            Busy: too many others wait.
            Unanswerable: the model cannot use a value.
        """
        if self._waiting and _count(self._waiting) + len(rows) > self._most_waiting:
            raise Busy
        job = Job(served, rows)
        self._waiting.append(job)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await job.done

    def flush(self) -> None:
        """Record what was noted since the last batch."""
        if self._working is None:
            self._record([])

    async def close(self) -> None:
        """Answer who waits, and close the records."""
        if self._working is not None:
            await self._working
        if self._records is not None:
            self._records.close()
        self._thread.shutdown()

    async def _work(self) -> None:
        """Answer batch after batch until nobody waits, whatever goes wrong with one of them."""
        try:
            while self._waiting:
                jobs = self._next_batch()
                results: list[Answered | Exception]
                try:
                    results = await self._results(jobs)
                except Exception as error:
                    LOG.exception("a batch of requests could not be answered")
                    results = [error] * len(jobs)
                for job, result in zip(jobs, results, strict=True):
                    if job.done.done():
                        continue
                    if isinstance(result, Exception):
                        job.done.set_exception(result)
                    else:
                        job.done.set_result(result)
        finally:
            self._working = None

    async def _results(self, jobs: list[Job]) -> list[Answered | Exception]:
        """Answer a batch: few rows here, many in the thread."""
        if _count(jobs) > FEW_ROWS:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._answered, jobs)
        results = self._answered(jobs)
        await asyncio.sleep(0)
        return results

    def _next_batch(self) -> list[Job]:
        """Take those who came first, up to BATCH_ROWS rows, and at least one."""
        taken = rows = 0
        for job in self._waiting:
            rows += len(job.rows)
            if taken and rows > BATCH_ROWS:
                break
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return [job for job in batch if not job.done.cancelled()]

    def _answered(self, jobs: list[Job]) -> list[Answered | Exception]:
        """Answer and record a batch; an exception is the answer of its job alone."""
        results: list[Answered | Exception] = []
        for _, group in groupby(jobs, key=lambda job: id(job.served)):
            results += self._of_one_model([*group])
        self._record([result for result in results if isinstance(result, Answered)])
        return results

    def _record(self, answered: list[Answered]) -> None:
        """Record requests and what was noted; no answer waits for a fault of the records."""
        if self._records is None:
            return
        try:
            self._records.write(answered)
        except Exception as error:
            LOG.exception("requests could not be recorded")
            self.fault = f"requests could not be recorded: {error!r}"
        else:
            # A write that waits for its next try has not succeeded.
            if self._records.failure is None:
                self.fault = ""

    def _of_one_model(self, jobs: list[Job]) -> list[Answered | Exception]:
        try:
            predicted = jobs[0].served.predict([row for job in jobs for row in job.rows])
            _check_finite(predicted)
        except ValueError as error:
            if len(jobs) == 1:
                return [Unanswerable(str(error))]
            # The rows of a single job are at fault, and must not spoil the answers of the others.
            return [result for job in jobs for result in self._of_one_model([job])]
        except Exception as error:
            return [without_values(error, jobs[0].served)] * len(jobs)
        return self._shared_out(jobs, predicted)

    def _shared_out(self, jobs: list[Job], predicted: Predictions) -> list[Answered | Exception]:
        predictions = predicted.predictions.tolist()
        probabilities = predicted.probabilities
        chances = None if probabilities is None else probabilities.tolist()
        results: list[Answered | Exception] = []
        start = 0
        for job in jobs:
            end = start + len(job.rows)
            outputs = {"predictions": predictions[start:end]}
            if chances is not None:
                outputs["probabilities"] = chances[start:end]
            served = job.served
            inputs = served.hider.rows(job.rows) if self._keep_inputs else None
            results.append(Answered(new_id(), served.recipe_id, served.version, inputs, outputs))
            start = end
        return results


def without_values(error: Exception, served: ServedModel) -> Exception:
    """Return what may be logged of an exception: of a model with private columns, its place."""
    if not served.hider.places:
        return error
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Broken(f"{type(error).__name__} in {last.name}, line {last.lineno} of {last.filename}")


def compute_alone() -> None:
    """Let models compute in the calling thread: to wake others costs more than a few rows do."""
    threadpool_limits(1)


def _check_finite(predicted: Predictions) -> None:
    """Make sure that numbers are numbers, which extreme inputs can prevent.

    Raises:
        ValueError: a prediction or a probability is none.
    """
    if undefined(predicted):
        raise ValueError("its answer would not be a finite number")


def _count(jobs: list[Job]) -> int:
    return sum(len(job.rows) for job in jobs)

"""Requests that wait at the same time are answered by one call of the model.

Nobody waits for others to come: what arrives while the model is busy is the next batch. Answers
are recorded, in one transaction for the batch, before any of them is given.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.answers import Answers
from serving.live import Live
from serving.records import Answered, Records, new_id
from serving.rows import Rows

# Rows that are answered by one call, unless one request alone has more
BATCH_ROWS = 512
# So few rows are answered at once; for more, the event loop goes on beside a thread.
FEW_ROWS = 64


class Busy(Exception):
    """More rows are waiting than may wait."""


class Unanswerable(Exception):
    """The model cannot use a value that the schema allows."""


@dataclass(frozen=True)
class Job:
    """A request that waits: the model that it is for, its rows, and where the answer goes."""

    live: Live
    rows: Rows
    done: "asyncio.Future[Answered]" = field(default_factory=asyncio.Future)


class Batcher:
    """The one place where a model is called, and where answers are recorded."""

    def __init__(self, records: Records | None, keep_inputs: bool, most_waiting: int) -> None:
        """Begin with nobody waiting.

        Args:
            records: where answers are recorded, or None.
            keep_inputs: whether their inputs are recorded with them.
            most_waiting: how many rows may wait.
        """
        self._records = records
        self._keep_inputs = keep_inputs
        self._most_waiting = most_waiting
        self._waiting: list[Job] = []
        self._thread = ThreadPoolExecutor(1, "model", initializer=compute_alone)
        self._working: asyncio.Task[None] | None = None

    async def answer(self, live: Live, rows: Rows) -> Answered:
        """Return the answer to rows that fit the contract of the model.

        Raises:
            Busy: too many others wait.
            Unanswerable: the model cannot use a value.
        """
        if self._waiting and _count(self._waiting) + len(rows) > self._most_waiting:
            raise Busy
        job = Job(live, rows)
        self._waiting.append(job)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await job.done

    def flush(self) -> None:
        """Record what was noted since the last batch."""
        if self._records is not None and self._working is None:
            self._records.write([])

    async def close(self) -> None:
        """Answer who waits, and close the records."""
        if self._working is not None:
            await self._working
        if self._records is not None:
            self._records.close()
        self._thread.shutdown()

    async def _work(self) -> None:
        """Answer batch after batch until nobody waits."""
        while self._waiting:
            jobs = self._next_batch()
            if _count(jobs) <= FEW_ROWS:
                results = self._answered(jobs)
                await asyncio.sleep(0)
            else:
                loop = asyncio.get_running_loop()
                results = await loop.run_in_executor(self._thread, self._answered, jobs)
            for job, result in zip(jobs, results, strict=True):
                if job.done.cancelled():
                    continue
                if isinstance(result, Exception):
                    job.done.set_exception(result)
                else:
                    job.done.set_result(result)
        self._working = None

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
        """Answer and record a batch, in the thread; an exception is the answer of its job alone."""
        results: list[Answered | Exception] = []
        for _, group in groupby(jobs, key=lambda job: id(job.live)):
            results += self._of_one_model([*group])
        if self._records is not None:
            self._records.write([it for it in results if isinstance(it, Answered)])
        return results

    def _of_one_model(self, jobs: list[Job]) -> list[Answered | Exception]:
        try:
            said = jobs[0].live.answer([row for job in jobs for row in job.rows])
            _check_finite(said.predictions)
        except ValueError as error:
            if len(jobs) == 1:
                return [Unanswerable(str(error))]
            # One of them spoils the batch, and must not spoil the answers of the others.
            return [result for job in jobs for result in self._of_one_model([job])]
        except Exception as error:
            return [error] * len(jobs)
        return self._shared_out(jobs, said)

    def _shared_out(self, jobs: list[Job], said: Answers) -> list[Answered | Exception]:
        predictions = said.predictions.tolist()
        probabilities = None if said.probabilities is None else said.probabilities.tolist()
        results: list[Answered | Exception] = []
        start = 0
        for job in jobs:
            end = start + len(job.rows)
            outputs = {"predictions": predictions[start:end]}
            if probabilities is not None:
                outputs["probabilities"] = probabilities[start:end]
            inputs = job.rows if self._keep_inputs else None
            live = job.live
            results.append(Answered(new_id(), live.recipe_id, live.version, inputs, outputs))
            start = end
        return results


def compute_alone() -> None:
    """Let models compute in the calling thread: to wake others costs more than a few rows do."""
    threadpool_limits(1)


def _check_finite(predictions: np.ndarray) -> None:
    """Make sure that predicted numbers are numbers, which extreme inputs can prevent.

    Raises:
        ValueError: one is not.
    """
    if predictions.dtype.kind == "f" and not np.isfinite(predictions).all():
        raise ValueError("its answer would not be a finite number")


def _count(jobs: list[Job]) -> int:
    return sum(len(job.rows) for job in jobs)

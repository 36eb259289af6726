"""What is wrong is told once, with since when, and a task is seen when it fails, hangs or ends."""

import asyncio
import logging

import pytest

from modelkeep.serving import health as module
from modelkeep.serving.counters import Counters
from modelkeep.serving.health import Faults, Task


@pytest.fixture
def times(monkeypatch):
    """Let the clock show what it is told to."""
    shown = ["12:00"]
    monkeypatch.setattr(module, "now", lambda: shown[0])
    return shown


def test_a_fault_is_told_once_with_since_when(times, caplog):
    """In the log and the metrics, until it is over; what changes is told again."""
    counters = Counters()
    faults = Faults(counters)
    with caplog.at_level(logging.INFO):
        for reason, time in (("full", "12:01"), ("full", "12:02"), ("read-only", "12:03")):
            times[0] = time
            faults.tell("recording", reason)
        assert faults.reasons == {"recording": "read-only"}
        assert faults.since == {"recording": "12:01"}
        assert 'serving_degraded{fault="recording"} 1.0' in counters.text().decode()
        faults.tell("recording", "")
        faults.tell("recording", "")
    assert (faults.reasons, faults.since) == ({}, {})
    assert 'serving_degraded{fault="recording"} 0.0' in counters.text().decode()
    assert [record.getMessage() for record in caplog.records] == [
        "answers are not recorded now: full",
        "answers are not recorded now: read-only",
        "no longer, since 12:01: answers are not recorded now",
    ]


def run(task, done=None):
    """Run a task until something is true, or it has a fault; return its fault then."""

    async def beside():
        running = asyncio.create_task(task.run())
        async with asyncio.timeout(60):
            while not (done() if done else task.fault):
                await asyncio.sleep(0.001)
        fault = task.fault
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return fault

    return asyncio.run(beside())


def test_a_task_is_done_again_and_again_whatever_goes_wrong(monkeypatch, caplog):
    """A fault lasts until the next time goes right, and is logged once with its traceback."""
    monkeypatch.setattr(module, "AGAIN", 0.001)
    times = []

    async def step():
        times.append(len(times))
        if len(times) <= 3:
            raise OSError("bad")

    async def broken():
        raise OSError("bad")

    assert run(Task("tidying", step, 0.001, 9), lambda: len(times) > 3) == ""
    assert sum("Traceback" in (record.exc_text or "") for record in caplog.records) == 1
    assert run(Task("tidying", broken, 0.001, 9)) == "OSError('bad')"


def test_a_task_that_does_not_come_to_an_end_is_seen(times):
    """With the time at which it began."""
    begun = []

    async def step():
        begun.append(True)
        await asyncio.sleep(600)

    assert run(Task("tidying", step, 0.001, 0.02)) == "it has not come to an end since 12:00"
    begun.clear()
    assert run(Task("tidying", step, 0.001, 600), lambda: begun) == ""


def test_a_task_that_ended_is_seen(times):
    """Whatever ended it: nothing would be done any more."""

    async def step():
        raise asyncio.CancelledError

    assert run(Task("attending", step, 0.001, 9)).startswith("it ended at 12:00")

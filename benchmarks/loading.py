"""Load on a server: wrk on the loopback, and the server's CPU time meanwhile."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import HERE
from systems import System

# Seconds until a server must answer its first request, and until wrk gives one up
STARTING, PATIENCE = 180.0, 60


@dataclass(frozen=True)
class Load:
    """What came of some seconds of load.

    Attributes:
        requests: how many were answered.
        cpu: seconds of user and system time for one request.
        p50: the median of the seconds that a client waited.
        p99: what 99 of 100 did not wait longer than.
        errors: requests with a status other than 2xx, or without any answer.
    """

    requests: int
    cpu: float
    p50: float
    p99: float
    errors: int


def put_under_load(system: System, bodies: Path, connections: int, seconds: int) -> Load:
    """Send requests over some connections, each the next one as soon as the last is answered.

    When wrk ends, one request of each connection is under way. The server works on it to the end,
    so the CPU time is read when it has come to rest, and counts for these requests too.

    Raises:
        SystemExit: the server has ended.
    """
    before = system.process.cpu
    done = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", f"{PATIENCE}s"),
            *("--script", HERE / "load.lua", system.url, "--", bodies),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    system.process.check_alive()
    if done.returncode:
        sys.exit(f"error: wrk failed:\n{done.stdout}{done.stderr}")
    answered = json.loads(done.stdout.splitlines()[-1])
    system.process.wait_until_idle()
    cpu = system.process.cpu - before
    return Load(
        answered["requests"],
        cpu / (answered["requests"] + connections),
        answered["p50"],
        answered["p99"],
        answered["refused"] + answered["broken"],
    )


def middle(loads: list[Load]) -> Load:
    """Return the medians of several rounds, and all of their requests and errors."""
    return Load(
        sum(load.requests for load in loads),
        median(load.cpu for load in loads),
        median(load.p50 for load in loads),
        median(load.p99 for load in loads),
        sum(load.errors for load in loads),
    )


def wait_for_answer(system: System, body: bytes) -> None:
    """Wait until a server that was started answers.

    Raises:
        SystemExit: it ends, or does not answer in time.
    """
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        system.process.check_alive()
        try:
            ask(system, body)
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
        else:
            return
    system.process.fail("does not answer")


def ask(system: System, body: bytes) -> list[Any]:
    """Send one request and return what is predicted."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(system.url, body, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)["predictions"]

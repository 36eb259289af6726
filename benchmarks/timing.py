"""Time commands side by side: wall clock, CPU seconds and peak memory, and tables of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MIB = 2**20


@dataclass(frozen=True)
class Run:
    """What one run of a command took.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of user and system time, of the command and all that it started.
        peak: resident bytes of the heaviest single process among them.
    """

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Contender:
    """A command to be timed.

    Attributes:
        name: what the table calls it.
        command: program and arguments.
        directory: where it runs.
        before: called with the number of the round before each run; it is not timed.
    """

    name: str
    command: list[str]
    directory: Path
    before: Callable[[int], None]


def measure(command: list[str], directory: Path, environment: dict[str, str], log: Path) -> Run:
    """Run a command with its output in the file `log`, and time it.

    On Linux the usage that wait4 returns holds the CPU time of the process and of its descendants
    that were waited for, and the largest peak of any one of them.

    Raises:
        SystemExit: the command failed.
    """
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        shown = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        sys.exit(f"error: a command that was to be timed failed: {' '.join(command)}\n{shown}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def compare(
    contenders: list[Contender], rounds: int, environment: dict[str, str], log: Path
) -> dict[str, list[Run]]:
    """Time every contender once a round, each round beginning with the next one.

    Round 0 comes before the others and is not counted: it compiles bytecode and fills the page
    cache. Before each run, what earlier ones wrote is flushed to disk.
    """
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number in range(rounds + 1):
        first = number % len(contenders)
        for contender in contenders[first:] + contenders[:first]:
            contender.before(number)
            os.sync()
            run = measure(contender.command, contender.directory, environment, log)
            print(f"  round {number}: {contender.name}: {run.wall:.2f} s", file=sys.stderr)
            if number:
                runs[contender.name].append(run)
    return runs


def table(
    title: str,
    runs: dict[str, list[Run]],
    peers: list[str],
    per: tuple[str, int] | None = None,
) -> str:
    """Return a Markdown table of medians.

    Args:
        title: its first heading.
        runs: the runs of each contender.
        peers: the contenders that get a column of ratios to them.
        per: what the wall clock is divided by in one more column: its name, and how many.
    """
    ratios = [f"wall / {peer}" for peer in peers]
    header = [title, "wall, s", "min to max", "CPU, s", "peak, MiB", *ratios]
    header += [f"s / {per[0]}"] if per else []
    lines = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for name in runs:
        share = [f"{median(run.wall for run in runs[name]) / per[1]:.4f}"] if per else []
        lines.append([*_row(name, runs, peers), *share])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(name: str, runs: dict[str, list[Run]], peers: list[str]) -> list[str]:
    walls = [run.wall for run in runs[name]]
    return [
        name,
        f"{median(walls):.2f}",
        f"{min(walls):.2f} to {max(walls):.2f}",
        f"{median(run.cpu for run in runs[name]):.2f}",
        f"{max(run.peak for run in runs[name]) / MIB:.0f}",
        *(f"{median(walls) / median(run.wall for run in runs[peer]):.2f}" for peer in peers),
    ]

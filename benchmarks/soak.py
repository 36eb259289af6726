"""Serve, ask, attack and roll back for half an hour, and print what came of it as Markdown.

    python tools/demo.py
    taskset -c 1 python benchmarks/soak.py PROJECT > soak.md

PROJECT is a generated project with two registered versions and its environment in `.venv`, as
`tools/demo.py` makes one. README.md beside this file says what is measured, and how.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from attacks import ATTACKS
from facts import machine
from intrusions import INTRUSIONS, Place
from mixed_load import KINDS, Journal, put_to_work, recorded, sent_home
from processes import Process, start
from soak_project import prepared, rows_of
from systems import free_port

HERE = Path(__file__).resolve().parent
MINUTE = 60.0
# Seconds of each minute at which an attack begins, how long it goes on, and at which the stage
# changes: in every second minute after the attack, in every third during it
BEGIN, LONG, AFTER, DURING = 5.0, 20.0, 35.0, 12.0
# Seconds within which a change must be followed, until no one waits for it, and between looks
SOON, PATIENCE, LOOK = 3.0, 30.0, 0.02
VERSIONS = ("v1.0.0", "v1.1.0")


@dataclass
class Minute:
    """What happened in a minute: the attack, when it went on, and what became of changes."""

    attack: str
    began: float = 0.0
    ended: float = 0.0
    answers: dict[str, int] = field(default_factory=dict)
    followed: list[float] = field(default_factory=list)
    health: str = ""


@dataclass(frozen=True)
class Probe:
    """One question whether the server is ready."""

    began: float
    took: float
    ready: bool
    memory: int


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("project", type=Path, help="a generated project with two versions")
    parser.add_argument("--minutes", type=int, default=30, help="how long (30)")
    names = [*ATTACKS, *INTRUSIONS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="the attacks")
    return parser.parse_args()


class Soak:
    """A server under attack, its clients, and who releases versions."""

    def __init__(self, place: Place, port: int) -> None:
        self._place, self._port = place, port
        self._now = VERSIONS[1]

    def minute(self, number: int, attack: str) -> Minute:
        """Attack once, and change the stage now and then."""
        begun = time.monotonic()
        minute = Minute(attack)
        time.sleep(BEGIN)
        minute.began = time.time()
        until = time.monotonic() + LONG
        of_client = attack in ATTACKS
        if of_client:
            attacker = self._attacker(attack)
        else:
            INTRUSIONS[attack].begin(self._place)
        if of_client and number % 3 == 0:
            _sleep_until(begun + DURING)
            minute.followed.append(self._changed())
        if of_client:
            said, _ = attacker.communicate()
            minute.answers = json.loads(said or "{}")
        else:
            _sleep_until(until)
            INTRUSIONS[attack].end(self._place)
        minute.ended = time.time()
        if number % 2 == 0:
            _sleep_until(begun + AFTER)
            minute.followed.append(self._changed())
        _sleep_until(begun + MINUTE)
        minute.health = _asked(self._port, "health")["status"]
        return minute

    def _attacker(self, attack: str) -> subprocess.Popen[str]:
        command = [sys.executable, HERE / "attacks.py", attack, str(self._port), str(LONG)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")

    def _changed(self) -> float:
        """Promote or roll back, and return how many seconds the server took to follow."""
        number, other = VERSIONS.index(self._now), VERSIONS[1 - VERSIONS.index(self._now)]
        change = ["promote", other, "prod"] if number == 0 else ["rollback", "prod", "--to", other]
        # What others did to the tags at origin is to be known here first.
        tags = "refs/tags/*:refs/tags/*"
        self._place.run("git", "fetch", "--quiet", "--force", "--prune", "origin", tags)
        self._place.run("modelkeep", *change, "-m", "soak", "--push")
        self._now = other
        start = time.monotonic()
        while (waited := time.monotonic() - start) < PATIENCE:
            if _asked(self._port, "ready").get("version") == other:
                return time.monotonic() - start
            time.sleep(LOOK)
        return waited


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _asked(port: int, path: str) -> dict[str, str]:
    """Return what the server says of itself; nothing where it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=PATIENCE) as answer:
            said: dict[str, str] = json.load(answer)
    except OSError:
        return {}
    return said


def probes_of(path: Path) -> list[Probe]:
    """Read what probing.py wrote."""
    probes = []
    for line in path.read_text(encoding="ascii").splitlines():
        began, took, ready, memory = line.split()
        probes.append(Probe(float(began), float(took), ready == "1", int(memory)))
    return probes


def quantile(values: list[float], share: float) -> float:
    """Return the value that a share of all does not exceed; 0 where there is none."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else 0.0


def table(minutes: list[Minute], probes: list[Probe]) -> str:
    """Return a line for each minute."""
    lines = [
        "| minute | attack | answered with | `/ready` p50, ms | p99, ms | not ready | "
        "memory, MiB | followed within, s | health afterwards |",
        "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for number, minute in enumerate(minutes, start=1):
        during = [probe for probe in probes if minute.began <= probe.began < minute.ended]
        took = [probe.took for probe in during]
        answers = ", ".join(f"{status}: {n:,}" for status, n in sorted(minute.answers.items()))
        followed = ", ".join(f"{seconds:.1f}" for seconds in minute.followed)
        failed = sum(not probe.ready for probe in during)
        memory = max((probe.memory for probe in during), default=0) / 1024
        lines.append(
            f"| {number} | {minute.attack} | {answers} | {quantile(took, 0.5):.1f} | "
            f"{quantile(took, 0.99):.0f} | {failed} of {len(during):,} | {memory:.0f} | "
            f"{followed} | {minute.health} |"
        )
    return "\n".join(lines)


def soaked(place: Place, minutes: int, attacks: list[str]) -> bool:
    """Run everything, print what came of it, and return whether all was right."""
    port = free_port()
    server = _served(place, port)
    log = place.directory / "probes"
    with log.open("wb") as output:
        command = [sys.executable, str(HERE / "probing.py"), str(port), str(server.popen.pid)]
        prober = subprocess.Popen(command, stdout=output)
    pool, journal = rows_of(place, VERSIONS), Journal()
    soak, past = Soak(place, port), []
    clients = put_to_work(port, pool, journal, KINDS)
    try:
        for number, attack in zip(range(1, minutes + 1), cycle(attacks), strict=False):
            try:
                past.append(soak.minute(number, attack))
                server.check_alive()
            except SystemExit as failure:
                journal.wrong.append(f"minute {number}, {attack}: {failure}")
                break
            print(f"{number}: {past[-1]}, {len(journal.wrong)} wrong", file=sys.stderr, flush=True)
    finally:
        sent_home(clients)
        prober.terminate()
        prober.wait()
        server.end()
    count, lost = recorded(journal, pool, str(place.data / "records.sqlite"))
    print(table(past, probes_of(log)))
    late = [seconds for minute in past for seconds in minute.followed if seconds > SOON]
    changes = sum(len(minute.followed) for minute in past)
    print(
        f"\nAnswered: {len(journal.answers):,}, of them wrong: {len(journal.wrong)}. Recorded: "
        f"{count:,}, lost or other than answered: {len(lost)}. Changes: {changes}, of them "
        f"followed after more than {SOON:g} s: {len(late)}."
    )
    others = ", ".join(f"{kind} {what}: {n:,}" for (kind, what), n in journal.others.most_common())
    print(f"\nBesides, the clients met: {others}.")
    for sentence in [*journal.wrong[:10], *lost[:10]]:
        print(f"\n- {sentence}")
    return not (journal.wrong or lost or late)


def _served(place: Place, port: int) -> Process:
    """Start the server, and wait until it is ready.

    Raises:
        SystemExit: it ends.
    """
    command = ["modelkeep", "serve", "--stage", "prod", "--follow", "--every", "1"]
    options = ["--port", str(port), "--data", str(place.data)]
    log = place.directory / "server.log"
    server = start("the server", [*command, *options], place.server, place.environment, log)
    while not _asked(port, "ready"):
        server.check_alive()
        time.sleep(LOOK)
    return server


def main() -> None:
    """Run the soak."""
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        place = prepared(args.project.resolve(), Path(directory))
        cores = len(os.sched_getaffinity(0))
        print(f"{', '.join(machine(place.directory))}; on {cores} of its cores.\n", flush=True)
        sys.exit(not soaked(place, args.minutes, args.only))


if __name__ == "__main__":
    main()

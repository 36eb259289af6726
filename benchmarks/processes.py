"""Server processes: started, watched through /proc, and ended with all that they started."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# Seconds: until a server ends, and between two looks whether it is still busy
ENDING, LOOK = 20.0, 0.1
# So many looks, at most, until a server that got its last request is at rest
LOOKS = 300


@dataclass(frozen=True)
class Process:
    """A server that runs in a session of its own."""

    name: str
    popen: subprocess.Popen
    log: Path

    @property
    def cpu(self) -> float:
        """Seconds of user and system time, of it and of all that it started."""
        return sum(sum(times) for _, times in self._tree().values()) / TICKS

    def wait_until_idle(self) -> None:
        """Wait until it has finished what it was asked, also by clients that have gone.

        Raises:
            SystemExit: it does not come to rest.
        """
        before = self.cpu
        for _ in range(LOOKS):
            time.sleep(LOOK)
            now = self.cpu
            if now - before <= 1 / TICKS:
                return
            before = now
        self.fail("does not come to rest")

    def check_alive(self) -> None:
        """Make sure that it still runs.

        Raises:
            SystemExit: it has ended.
        """
        if self.popen.poll() is not None:
            self.fail("has ended")

    def fail(self, why: str) -> None:
        """Leave with the end of its log."""
        shown = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        sys.exit("\n".join([f"error: {self.name} {why}:", *shown]))

    def end(self) -> None:
        """Ask it to end, and kill what is left of it after a while."""
        tree = self._tree()
        self.popen.terminate()
        try:
            self.popen.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for pid, (started, _) in tree.items():
            # A number that was given to another process since has another start.
            if _stat(pid)[1:2] == (started,):
                os.kill(pid, signal.SIGKILL)

    def _tree(self) -> dict[int, tuple[int, tuple[int, ...]]]:
        """Return start and times of the process and its descendants, by their numbers."""
        stats = {int(path.name): _stat(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
        tree, more = {}, [self.popen.pid]
        while more:
            pid = more.pop()
            if stats.get(pid):
                _, started, times = stats[pid]
                tree[pid] = (started, times)
                more += [child for child, stat in stats.items() if stat and stat[0] == pid]
        return tree


def start(
    name: str, command: list[str], directory: Path, environment: dict[str, str], log: Path
) -> Process:
    """Start a server, with its output in the file `log`."""
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(name, popen, log)


def _stat(pid: int) -> tuple:
    """Return parent, start and times of a process, or nothing where it has ended.

    The times are those of its own and of its children that were waited for, each as user and
    system time, in ticks.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ()
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), int(fields[19]), tuple(int(field) for field in fields[11:15])

"""No worker outlives the process that started it."""

import multiprocessing
import os
import signal
import time

from modelkeep.serving.parent import end_with_parent
from project import FORKS, ended, forked
from server import until


def works():
    """Do as a worker does."""
    end_with_parent()
    time.sleep(60)


@FORKS
def test_a_worker_ends_with_its_parent(tmp_path):
    """Though the parent was killed, and could tell it nothing."""
    written = tmp_path / "worker"

    def start():
        worker = multiprocessing.get_context("fork").Process(target=works)
        worker.start()
        written.with_suffix(".partial").write_text(str(worker.pid))
        written.with_suffix(".partial").replace(written)
        time.sleep(60)

    parent = forked(start)
    until(written.exists)
    worker = int(written.read_text())
    assert is_alive(worker)
    os.kill(parent, signal.SIGKILL)
    ended(parent)
    until(lambda: not is_alive(worker))


def is_alive(process):
    """Say whether a process runs; one that ended and that nobody waited for does not."""
    try:
        os.kill(process, 0)
        with open(f"/proc/{process}/stat", encoding="utf-8") as status:
            return status.read().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return os.path.isdir("/proc") is False
    except ProcessLookupError:
        return False


def test_what_nobody_started_goes_on():
    """A server of one process has no such parent."""
    end_with_parent()

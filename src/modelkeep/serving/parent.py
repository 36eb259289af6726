"""A worker ends with the process that started it, even where that was killed."""

import multiprocessing
import os
import signal
import threading


def end_with_parent() -> None:
    """Tell this process to end, as a signal would, as soon as the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()

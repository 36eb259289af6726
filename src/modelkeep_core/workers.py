"""Where tasks run: in this process, in processes of this machine, or on a Dask cluster.

The environment decides: MODELKEEP_SCHEDULER is the address of a Dask scheduler, such as
tcp://10.0.0.5:8786; else MODELKEEP_PROCESSES is the number of processes. Neither changes a result:
a task is a function of its arguments, and results are returned in the order of the tasks. So where
they ran is in no recipe.
"""

import io
import multiprocessing
import os
import pickle
import platform
import signal
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Generic, TypeVar

from threadpoolctl import threadpool_limits

from modelkeep_core.errors import UserError

SCHEDULER, PROCESSES = "MODELKEEP_SCHEDULER", "MODELKEEP_PROCESSES"
# A worker that dies takes its task along; the task is tried again so many times
RETRIES = 2
# Processes take seconds to start: they are worth it where they spare more than this. Seconds are of
# processor time, since both take longer where others compute
START_SECONDS = 3.0
CONNECT_SECONDS = 10
# Hundredths of a second in which a thread writes down that a process has ended
TOLD = 100

Result = TypeVar("Result")


class Workers(Generic[Result]):
    """Runs tasks; a context manager, at whose end nothing of it runs any more.

    Args:
        expected: how many tasks there will be in all, by which processes are worth their start.
        here: whether all must run in this process.
    """

    def __init__(self, expected: int, here: bool = False) -> None:
        self.remote = remote() and not here
        self._left = expected
        self._quickest: float | None = None
        self._processes = 1 if self.remote or here else processes()
        self._executor: Executor | None = None
        self._client: Any = None

    def __enter__(self) -> "Workers[Result]":
        if self.remote:
            self._client = _client(os.environ[SCHEDULER])
            self._executor = self._client.get_executor(retries=RETRIES)
        return self

    def __exit__(self, *_: object) -> None:
        if self.remote:
            self._client.close()
        elif self._executor is not None:
            _end(self._executor)

    def run(
        self,
        function: Callable[..., Result],
        tasks: Sequence[tuple[Any, ...]],
        done: Callable[[int, Result], None] = lambda number, result: None,
    ) -> list[Result]:
        """Call a function of a module with the arguments of each task.

        Args:
            function: returns numbers, and nothing large.
            tasks: the arguments, small as well: a path, not a table.
            done: called here with number and result of each task, in the order that they end.

        Returns:
            The results in the order of `tasks`.

        Raises:
            Exception: what the first task that failed raised, in their order.
            UserError: workers die again and again.
        """
        results: dict[int, Result] = {}
        with ExitStack() as limits:
            limited = 0
            while self._executor is None and len(results) < len(tasks):
                if len(sys.modules) != limited:
                    limits.enter_context(threadpool_limits(1))
                    limited = len(sys.modules)
                number, began = len(results), time.process_time()
                results[number] = function(*tasks[number])
                self._took(time.process_time() - began)
                done(number, results[number])
        for attempt in range(RETRIES + 1):
            try:
                self._rest(function, tasks, results, done)
                return [results[number] for number in range(len(tasks))]
            except BrokenExecutor:
                if self.remote or attempt == RETRIES:
                    break
                self._executor = _pool(self._processes)
        raise UserError(
            f"a process that computes was ended {RETRIES + 1} times, perhaps for want of memory. "
            f"Use fewer of them: {PROCESSES}=1."
        )

    def _took(self, seconds: float) -> None:
        """Start processes where they spare more than their start takes.

        The first task of all is slower, since it imports and reads: it is looked at like the others
        only where it alone took as long as a start.
        """
        self._left -= 1
        first = self._quickest is None
        self._quickest = seconds if self._quickest is None else min(seconds, self._quickest)
        wanted = min(self._processes, self._left)
        if wanted < 2 or (first and seconds < START_SECONDS):
            return
        if self._quickest * self._left * (1 - 1 / wanted) > START_SECONDS:
            self._executor = _pool(wanted)

    def _rest(
        self,
        function: Callable[..., Result],
        tasks: Sequence[tuple[Any, ...]],
        results: dict[int, Result],
        done: Callable[[int, Result], None],
    ) -> None:
        """Run what has no result yet in the executor."""
        missing = [number for number in range(len(tasks)) if number not in results]
        if not missing or self._executor is None:
            return
        places: dict[Future[Result], int] = {}
        with _uninterrupted():
            for number in missing:
                places[self._executor.submit(alone, function, *tasks[number])] = number
        failed = len(tasks)
        for future in as_completed(places):
            number = places[future]
            if future.cancelled():
                continue
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                raise error
            if error is None:
                results[number] = future.result()
                self._left -= 1
                done(number, results[number])
            elif number < failed:
                failed, first = number, error
                for other, place in places.items():
                    if place > number:
                        other.cancel()
        if failed < len(tasks):
            raise first


def remote() -> bool:
    """Return whether a cluster computes."""
    return bool(os.environ.get(SCHEDULER))


def processes() -> int:
    """Return how many processes compute: MODELKEEP_PROCESSES, or one for each processor.

    Raises:
        UserError: the variable is no whole number above zero.
    """
    text = os.environ.get(PROCESSES)
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores()
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"{PROCESSES}={text}: this is the number of processes, 1 or more.")
    return int(text)


def check_shared(path: Path) -> None:
    """Make sure that this worker sees a file of the machine that asks it.

    Raises:
        UserError: it does not.
    """
    if not path.is_file():
        raise UserError(
            f"the worker on {platform.node()} has no {path}: workers of other machines need a file "
            "system that they share with this one."
        )


def alone(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a worker, where linear algebra has one thread from now on.

    The limit is never lifted: another task may run in a thread of the same worker.
    """
    threadpool_limits(1)
    return function(*arguments)


def packed(value: Any) -> bytes:
    """Return an object for a worker; on a cluster with the code of the project that it holds.

    A worker of a cluster goes on for days, and would use what it imported of the project first.

    Raises:
        pickle.PicklingError: it holds code that a worker of this machine would not find.
    """
    if not remote():
        buffer = io.BytesIO()
        _Pickler(buffer).dump(value)
        return buffer.getvalue()
    cloudpickle = _imported("cloudpickle")
    modules = list(_of_project())
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        content: bytes = cloudpickle.dumps(value)
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)
    return content


class _Pickler(pickle.Pickler):
    """Imports nothing: code that a loaded model brought along is not what lies in the work tree."""

    def reducer_override(self, obj: Any) -> Any:
        module = obj.__module__ if isinstance(obj, type | FunctionType) else None
        if module and module not in sys.modules:
            raise pickle.PicklingError(f"{module} is not imported.")
        return NotImplemented


def _of_project() -> Iterator[ModuleType]:
    """Yield the modules that are imported from the working directory, and are not installed."""
    home = os.path.realpath(Path.cwd()) + os.sep
    installed = {
        os.path.realpath(path) + os.sep for path in (sysconfig.get_path("purelib"), sys.prefix)
    }
    for name, module in [*sys.modules.items()]:
        file = os.path.realpath(getattr(module, "__file__", None) or os.sep)
        inside = file.startswith(home) and not any(file.startswith(place) for place in installed)
        if inside and name.partition(".")[0] not in (__package__, "__main__", "__mp_main__"):
            yield module


def _client(address: str) -> Any:
    """Return a client of the scheduler at an address.

    Raises:
        UserError: Dask is not installed, or no scheduler answers.
    """
    distributed = _imported("distributed")
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{SCHEDULER}={address}: no Dask scheduler answers there: {reason}. Start one with "
            f"`dask scheduler`, or unset {SCHEDULER}."
        ) from None


def _imported(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        raise UserError(
            f'{SCHEDULER} is set, and Dask is not installed: add "distributed" to dependencies in '
            f"pyproject.toml and lock it, or unset {SCHEDULER}."
        ) from None


def _cores() -> int:
    return os.cpu_count() or 1


def _pool(number: int) -> ProcessPoolExecutor:
    # A fork would take along the locks of threads that it has not
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(number, mp_context=context, initializer=_start)


def _start() -> None:
    """Leave Ctrl-C to the process that waits for this one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _end(executor: Executor) -> None:
    """End the processes of a pool, whatever they do."""
    # ProcessPoolExecutor.terminate_workers is there from Python 3.14 on
    running = {*(getattr(executor, "_processes", None) or {})}
    executor.shutdown(wait=False, cancel_futures=True)
    for child in multiprocessing.active_children():
        if child.pid in running:
            child.terminate()
            wait([child.sentinel])
            # A thread of the pool waits as well: whom the system tells of the end writes it down
            for _ in range(TOLD):
                if not child.is_alive():
                    break
                time.sleep(0.01)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let processes that start inside inherit that Ctrl-C is not for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""Where a search runs changes nothing of it, even where a worker dies."""

import importlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from modelkeep_core import model_file, search, training, workers
from modelkeep_core.errors import UserError
from modelkeep_core.params import Search
from modelkeep_core.progress import Progress
from modelkeep_core.scoring import read_prepared
from modelkeep_core.workers import PROCESSES, SCHEDULER, Workers
from pipeline.prepare import prepare
from pipeline.train import train


def double(number):
    """Return twice a number."""
    if number < 0:
        raise UserError(f"{number} is below zero.")
    return 2.0 * number


def forever(seconds):
    """Take long."""
    time.sleep(seconds)


@pytest.fixture
def pool(monkeypatch):
    """Let two processes start after the first task."""
    monkeypatch.setenv(PROCESSES, "2")
    monkeypatch.setattr(workers, "START_SECONDS", -1)


@pytest.fixture
def made(tmp_path, table, classification, params):
    """Return a function that searches on what prepare wrote, and gives all that is kept of it."""
    (tmp_path / "raw").mkdir()
    table.write_csv(tmp_path / "raw" / "rows.csv")
    params.prepare.split, params.prepare.split_by = "group", "shop"
    prepare(tmp_path / "raw", classification, params.prepare, tmp_path / "prepared")
    params.train.search = Search.model_validate(
        params.train.search.model_dump()
        | {"method": "tpe", "trials": 6, "batch": 3, "estimators": ["RandomForestClassifier"]}
        | {"ranges": {"RandomForestClassifier": {"n_estimators": {"low": 5, "high": 30}}}}
    )

    def search_once():
        rows = pd.read_parquet(tmp_path / "prepared" / "train.parquet")
        source = read_prepared(tmp_path / "prepared", classification)
        fitted = train(rows, classification, params.train, source)
        model_file.save(fitted.model, tmp_path / "model.skops")
        kept = (tmp_path / "model.skops").read_bytes()
        return kept, search.table(fitted.trials), training.summary(fitted, len(rows))

    return search_once


@pytest.fixture
def after_two(monkeypatch):
    """Return a function that lets something be done when two fits are done."""

    def do(action):
        count, usual = [], Progress.fitted

        def fitted(self):
            count.append(1)
            if len(count) == 2:
                action()
            usual(self)

        monkeypatch.setattr(Progress, "fitted", fitted)

    return do


def test_results_are_in_the_order_of_the_tasks(monkeypatch):
    """In this process, each result is told when it is there."""
    monkeypatch.setenv(PROCESSES, "1")
    reported = []
    with Workers(3) as here:
        results = here.run(double, [(3,), (1,), (2,)], lambda *done: reported.append(done))
    assert results == [6.0, 2.0, 4.0]
    assert reported == [(0, 6.0), (1, 2.0), (2, 4.0)]


@pytest.mark.parametrize(
    ("processes", "seconds", "started"),
    [(2, 0.05, False), (2, 0.1, True), (1, 9.0, False), (64, 0.05, True)],
)
def test_processes_start_where_they_are_worth_it(monkeypatch, processes, seconds, started):
    """Of a hundred tasks: half of 5 s is not, half of 10 s is; the first one is not asked."""
    monkeypatch.setenv(PROCESSES, str(processes))
    pools = []
    monkeypatch.setattr(workers, "_pool", pools.append)
    tasks = Workers(100)
    tasks._took(2.5)
    assert not pools
    tasks._took(seconds)
    assert pools == [processes] * started


@pytest.mark.slow
def test_the_first_task_that_fails_is_told(pool):
    """Whichever failed first, the message is that of the first in order; no process is left."""
    before = {child.pid for child in multiprocessing.active_children()}
    with Workers(6) as two, pytest.raises(UserError, match="-2 is below zero"):
        two.run(double, [(1,), (-2,), (3,), (-4,), (5,), (-6,)])
    assert {child.pid for child in multiprocessing.active_children()} == before


@pytest.mark.parametrize("number", ["0", "two", "-1"])
def test_a_number_of_processes_that_is_none_is_refused(monkeypatch, number):
    """The message names the variable."""
    monkeypatch.setenv(PROCESSES, number)
    with pytest.raises(UserError, match=f"{PROCESSES}={number}: this is the number of processes"):
        Workers(1)


def test_a_scheduler_that_is_not_there_is_refused(monkeypatch):
    """The message names variable, address and how to start one."""
    monkeypatch.setenv(SCHEDULER, "tcp://127.0.0.1:9")
    monkeypatch.setattr(workers, "CONNECT_SECONDS", 0.2)
    with pytest.raises(UserError, match=r"MODELKEEP_SCHEDULER=tcp://127.0.0.1:9: no Dask sched"):
        Workers(1).__enter__()


def test_without_dask_the_message_says_what_to_install(monkeypatch):
    """It is needed only where an address is set."""
    monkeypatch.setenv(SCHEDULER, "tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match='Dask is not installed: add "distributed" to dependenc'):
        Workers(1).__enter__()


@pytest.mark.slow
def test_processes_and_one_that_is_killed_change_nothing(made, monkeypatch, after_two, request):
    """One process, and two of which one dies, give the same bytes of model, table and summary."""
    monkeypatch.setenv(PROCESSES, "1")
    alone = made()
    request.getfixturevalue("pool")
    before = {child.pid for child in multiprocessing.active_children()}
    killed = []

    def kill():
        child = next(
            process for process in multiprocessing.active_children() if process.pid not in before
        )
        os.kill(child.pid, signal.SIGKILL)
        killed.append(child.pid)

    after_two(kill)
    assert made() == alone
    assert killed
    assert {child.pid for child in multiprocessing.active_children()} <= before


@pytest.mark.slow
def test_a_cluster_and_a_worker_that_is_killed_change_nothing(made, monkeypatch, after_two):
    """Two Dask workers behind a scheduler on loopback give the same bytes when one dies."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv(PROCESSES, "1")
    alone = made()
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        with distributed.Client(cluster) as client:
            pids = [*client.run(os.getpid).values()]
        monkeypatch.setenv(SCHEDULER, cluster.scheduler_address)
        after_two(lambda: os.kill(pids[0], signal.SIGKILL))
        assert made() == alone


def test_code_of_the_project_travels_with_the_job(tmp_path, monkeypatch):
    """A worker of a cluster that imported an older feature computes the new one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(SCHEDULER, "tcp://127.0.0.1:9")
    path = tmp_path / "own_features.py"
    path.write_text("def ratio(number):\n    return number / 2\n", encoding="utf-8")
    ratio = importlib.import_module("own_features").ratio
    content = workers.packed({"ratio": ratio})
    monkeypatch.delitem(sys.modules, "own_features")
    path.write_text("def ratio(number):\n    return number / 4  # old\n", encoding="utf-8")
    assert pickle.loads(content)["ratio"](8) == 4


@pytest.mark.slow
def test_a_worker_with_other_rows_is_refused(made, pool, monkeypatch, tmp_path):
    """What a worker reads must be what the stage trains on, or its numbers mean nothing."""
    usual = training._job

    def changed(*arguments):
        job = usual(*arguments)
        path = tmp_path / "prepared" / "train.parquet"
        pd.read_parquet(path)[::-1].to_parquet(path)
        return job

    monkeypatch.setattr(training, "_job", changed)
    with pytest.raises(
        UserError, match=r"read other rows from .*train.parquet than pipeline/train"
    ):
        made()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_processes_end_with_the_one_that_waits(name, tmp_path):
    """After Ctrl-C, or where it is killed, none of them goes on, and Ctrl-C shows no traceback."""
    script = tmp_path / "waiting.py"
    script.write_text(WAITING, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {PROCESSES: "2", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(process.stdout.readline()) for _ in range(2)]
    number = getattr(signal, name)
    if name == "SIGINT":
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, error = process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in pids)
    assert "Traceback" not in error
    assert error == "interrupted\n" or name == "SIGKILL"


WAITING = """
import os, sys, time
from modelkeep_core import workers

def wait(seconds):
    if seconds:
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(seconds)

if __name__ == "__main__":
    workers.START_SECONDS = -1
    try:
        with workers.Workers(3) as two:
            two.run(wait, [(0,), (100,), (100,)])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
"""


def _runs(pid):
    """Say whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_progress_says_what_is_left(monkeypatch, capsys):
    """A terminal has one line with fits, best score and time left, and it is gone at the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("modelkeep_core.progress.REDRAW", -1)
    progress = Progress(4, "rmse")
    progress.tried(1.25, 7)
    progress.fitted()
    progress.end()
    shown = capsys.readouterr().err
    assert "\rsearch: 1 of 4 fits, best rmse 1.25 (trial 7), 0:01 left" in shown
    assert shown.endswith("\r")


def test_progress_is_quiet_where_nobody_watches(monkeypatch, capsys):
    """A log gets a line now and then."""
    progress = Progress(4, "rmse")
    progress.fitted()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("modelkeep_core.progress.SECONDS", -1)
    progress.fitted()
    assert capsys.readouterr().err == "search: 2 of 4 fits, 0:01 left\n"

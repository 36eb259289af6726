"""The model is changed under way: a good package takes over, a bad one is refused and said."""

import os
import shutil
import sqlite3
import threading
import time

import pytest
from threadpoolctl import threadpool_info

from modelkeep.serving import service as module
from modelkeep.serving.current import Current
from modelkeep.serving.recording import Records
from modelkeep.serving.records import DAY
from modelkeep.serving.rows import LISTED
from modelkeep_core.fast_path import FastPath
from server import Server, until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """Nobody waits half a second in a test."""
    monkeypatch.setattr(module, "LOOK", 0.02)


@pytest.fixture
def stronger(made_project, tmp_path):
    """Another package for the same rows, of another recipe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made_project.directory)
        return shutil.copytree("package", tmp_path / "stronger")


def version(server):
    """Return the version that the server says it has."""
    return server.get("/ready").json["version"]


def test_another_package_takes_over(own_server, stronger, row):
    """Soon after the file names it, it answers, and records and counters know it."""
    before = own_server.post("/predict", {"records": [row]}).json
    Current(str(stronger), "v2.0.0", "prod").write(own_server.current)
    until(lambda: version(own_server) == "v2.0.0")
    after = own_server.post("/predict", {"records": [row]}).json
    assert before["recipe_id"] != after["recipe_id"]
    assert own_server.get("/version").json["stage"] == "prod"
    assert own_server.get("/openapi.json").json["info"]["version"] == "v2.0.0"
    assert {name for _, name, _ in own_server.rows("models")} == {"", "v2.0.0"}
    text = own_server.get("/metrics").content.decode()
    assert f'recipe_id="{after["recipe_id"]}",version="v2.0.0"}} 1.0' in text
    assert f'recipe_id="{before["recipe_id"]}",version=""}} 0.0' in text


def test_no_request_is_lost_while_another_package_takes_over(own_server, run, stronger, row):
    """Under load, every request of eight clients is answered, by one model or the other."""
    stop, replies = threading.Event(), []

    def ask():
        while not stop.is_set():
            replies.append(own_server.post("/predict", {"records": [row]}))

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    try:
        for number in range(1, 5):
            package = stronger if number % 2 else run.package
            Current(str(package), f"v{number}.0.0").write(own_server.current)
            until(lambda wanted=f"v{number}.0.0": version(own_server) == wanted)
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert {reply.status for reply in replies} == {200}
    versions = {reply.json["version"] for reply in replies}
    assert {"v1.0.0", "v2.0.0", "v3.0.0"} <= versions
    recorded = {row[0]: row[2] for row in own_server.rows("requests")}
    for reply in replies:
        assert recorded[reply.json["request_id"]] == (reply.json["version"] or "")


def test_a_bad_package_is_refused_and_the_old_one_stays(own_server, stronger, row, caplog):
    """`/health`, the log and the metrics say what is wrong, until a good one comes."""
    (stronger / "model.skops").write_bytes(b"damaged")
    Current(str(stronger), "v2.0.0").write(own_server.current)
    until(lambda: own_server.get("/health").json["status"] == "degraded")
    health = own_server.get("/health").json
    assert "model.skops is not the file that was packaged" in health["refused_package"]
    assert "the package that should answer now is refused: " in caplog.text
    assert b"serving_package_refused 1.0" in own_server.get("/metrics").content
    assert own_server.post("/predict", {"records": [row]}).status == 200
    assert version(own_server) is None


def test_a_package_that_breaks_in_an_unforeseen_way_is_refused_too(
    own_server, run, caplog, monkeypatch
):
    """Whatever is wrong with it, the old one stays, and the log has the traceback."""
    monkeypatch.setattr(module, "load", lambda *_: {}["unforeseen"])
    Current(str(run.package), "v2").write(own_server.current)
    until(lambda: own_server.get("/health").json["status"] == "degraded")
    assert "KeyError" in own_server.get("/health").json["refused_package"]
    assert version(own_server) is None
    assert "cannot be loaded" in caplog.text


def test_a_look_for_newer_versions_that_failed_is_said(own_server, run):
    """The model answers on, and `/health` says why nothing newer would be noticed."""
    Current(str(run.package), failure="no network").write(own_server.current)
    until(lambda: own_server.get("/health").json["status"] == "degraded")
    assert own_server.get("/health").json["following"] == "no network"
    own_server.current.unlink()
    until(lambda: "missing" in own_server.get("/health").json["following"])
    Current(str(run.package)).write(own_server.current)
    until(lambda: own_server.get("/health").json["status"] == "ok")


def test_a_fault_of_recording_is_not_ready_until_it_is_gone(own_server, row, monkeypatch, caplog):
    """Requests are answered, and whoever asks whether the server is ready learns of the fault."""

    def broken(*_):
        raise TypeError("no such type")

    ready = ("/ready", "/v2/health/ready", "/v2/models/made-up/ready")
    with monkeypatch.context() as patch:
        patch.setattr(Records, "write", broken)
        for _ in range(2):
            assert own_server.post("/predict", {"records": [row]}).status == 200
        until(lambda: own_server.get("/ready").status == 503)
        assert {own_server.get(path).status for path in ready} == {503}
        assert own_server.get("/ready").json["ready"] is False
        health = own_server.get("/health").json
        assert health["recording"] == "requests could not be recorded: TypeError('no such type')"
    until(lambda: own_server.get("/ready").status == 200)
    reply = own_server.post("/predict", {"records": [row]})
    assert [row[0] for row in own_server.rows("requests")] == [reply.json["request_id"]]
    assert {own_server.get(path).status for path in ready} == {200}


def test_a_look_that_breaks_does_not_end_the_looking(own_server, run, monkeypatch, caplog):
    """Whatever goes wrong once, the next look finds another package."""
    with monkeypatch.context() as patch:
        patch.setattr(Current, "read", lambda _: 1 / 0)
        until(lambda: own_server.get("/health").json["status"] == "degraded")
        assert "ZeroDivisionError" in own_server.get("/health").json["following"]
    Current(str(run.package), "v3.0.0").write(own_server.current)
    until(lambda: version(own_server) == "v3.0.0")
    assert own_server.get("/health").json["status"] == "ok"


def test_a_locked_database_stops_no_answer_and_is_said(own_server, row, monkeypatch):
    """While nothing can be recorded, health and metrics say so; then everything is."""
    monkeypatch.setattr("modelkeep.serving.recording.RETRY", 0.05)
    with sqlite3.connect(own_server.records) as other:
        other.execute("BEGIN IMMEDIATE")
        ids = [own_server.post("/predict", {"records": [row]}).json["request_id"] for _ in range(3)]
        health = own_server.get("/health").json
        assert (health["status"], health["unrecorded_requests"]) == ("degraded", 3)
        assert "locked" in health["recording"]
        assert b"serving_unrecorded_requests 3.0" in own_server.get("/metrics").content
        other.rollback()
    until(lambda: own_server.get("/health").json["status"] == "ok")
    assert sorted(row[0] for row in own_server.rows("requests")) == sorted(ids)


def test_old_records_are_deleted_while_serving(run, tmp_path, row, monkeypatch):
    """Retention needs no second program."""
    monkeypatch.setattr(module, "TIDY", 0.02)
    with Server(run.package, tmp_path, keep_days=1e-9) as server:
        server.post("/predict", {"records": [row]})
        until(lambda: not server.rows("requests"))


def test_a_jump_of_the_clock_deletes_nothing(run, tmp_path, row, monkeypatch):
    """Not while it lasts, nor when the server starts with it."""
    monkeypatch.setattr(module, "TIDY", 0.02)
    true_time = time.time
    with Server(run.package, tmp_path, keep_days=30) as server:
        server.post("/predict", {"records": [row]})
        until(lambda: server.rows("requests"))
        monkeypatch.setattr(time, "time", lambda: true_time() + 90 * DAY)
        time.sleep(0.3)
        assert len(server.rows("requests")) == 1
    with Server(run.package, tmp_path, keep_days=30) as server:
        server.post("/predict", {"records": [row]})
        until(lambda: len(server.rows("requests")) == 2)
        time.sleep(0.3)
        assert len(server.rows("requests")) == 2


def test_values_out_of_range_are_answered_and_counted(own_server, row):
    """Inside the schema and outside of what was trained on."""
    assert own_server.post("/predict", {"records": [row | {"size": 99}]}).status == 200
    text = own_server.get("/metrics").content.decode()
    assert 'serving_out_of_range_total{column="size"} 1.0' in text


def test_names_that_a_client_makes_up_are_counted_as_none(own_server, row):
    """Neither the metrics nor the records grow with them, and the first are told."""
    strange = row | {f"made_up_{number}": 1 for number in range(5000)}
    reply = own_server.post("/predict", {"records": [strange, strange]})
    assert (reply.status, len(reply.json["problems"])) == (422, LISTED)
    assert "(9,999 more)" in reply.json["error"]
    line = 'serving_refused_total{column="",reason="column"} 10000.0'
    assert line in own_server.get("/metrics").content.decode()
    until(lambda: own_server.rows("refused"))
    counted = {row[3:] for row in own_server.rows("refused")}
    assert counted == {("column", "", 10_000), ("row", "", 2)}


def test_a_request_of_very_many_rows_keeps_nobody_waiting(run, tmp_path, row):
    """It is refused before its rows are looked at, and others are answered meanwhile."""
    with Server(run.package, tmp_path, max_bytes=5_000_000) as server:
        for row_text in (b"{}", b"[]", b"1", b'{"size":1}'):
            many = 4_000_000 // (len(row_text) + 1)
            for name in (b"records", b"features"):
                body = b'{"%s":[' % name + b",".join([row_text] * many) + b"]}"
                began = time.process_time()
                reply = server.post("/predict", body)
                assert reply.status == 413
                assert time.process_time() - began < 2
        assert server.get("/metrics").content.count(b"serving_refused_total{") == 0


def test_a_task_that_hangs_is_said(run, tmp_path, monkeypatch):
    """With the time at which it began; the server answers on."""
    monkeypatch.setattr(module, "TIDY", 0.02)
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    hang = threading.Event()
    monkeypatch.setattr(module, "tidy", lambda *_: hang.wait(20))
    with Server(run.package, tmp_path) as server:
        try:
            until(lambda: "tidying" in server.get("/health").json)
            health = server.get("/health").json
            assert health["tidying"].startswith("it has not come to an end since 20")
            assert health["since"]["tidying"]
            assert b'serving_degraded{fault="tidying"} 1.0' in server.get("/metrics").content
        finally:
            hang.set()
        until(lambda: server.get("/health").json["status"] == "ok")


def test_somebody_who_should_look_and_does_not_is_missed(own_server, run, monkeypatch):
    """The file is touched after each look; when it is not, newer versions may be missed."""
    monkeypatch.setattr(module, "LATE", 0.1)
    Current(str(run.package), every=0.01).write(own_server.current)
    until(lambda: own_server.get("/health").json["status"] == "degraded")
    assert "nobody has looked for one since 20" in own_server.get("/health").json["following"]
    monkeypatch.setattr(module, "LATE", 60)
    os.utime(own_server.current)
    until(lambda: own_server.get("/health").json["status"] == "ok")


def test_models_compute_in_one_thread(own_server, row, monkeypatch):
    """However many rows there are: more requests are answered than where threads wait in line."""
    threads, answer = [], FastPath.__call__

    def watching(self, rows):
        threads.append((len(rows), {library["num_threads"] for library in threadpool_info()}))
        return answer(self, rows)

    monkeypatch.setattr(FastPath, "__call__", watching)
    for rows in (1, 100):
        assert own_server.post("/predict", {"records": [row] * rows}).status == 200
    assert threads == [(1, {1}), (100, {1})]


def test_a_request_that_takes_too_long_is_given_up(run, tmp_path, row, monkeypatch):
    """503 says when to come back; nobody waits for ever."""
    slow, answer = threading.Event(), FastPath.__call__

    def waits(self, rows):
        slow.wait()
        return answer(self, rows)

    with Server(run.package, tmp_path, timeout=1) as server:
        monkeypatch.setattr(FastPath, "__call__", waits)
        try:
            # Many rows are answered beside the event loop, which goes on.
            reply = server.post("/predict", {"records": [row] * 100})
            assert (reply.status, reply.headers["retry-after"]) == (503, "1")
            assert server.get("/ready").status == 200
        finally:
            slow.set()
        until(lambda: server.post("/predict", {"records": [row]}).status == 200)

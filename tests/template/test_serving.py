"""The prediction service of generated projects under fire: real processes, loads, crashes, fuzzing.

Every server listens on a free port of the loopback and is ended by its own process id.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import LOOSER, PROJECT, SAMPLE, Bake, Run, Warmed
from walk import free_port

pytestmark = pytest.mark.slow

ROW = {
    "island": "Biscoe",
    "bill_length_mm": 44.5,
    "bill_depth_mm": 17.2,
    "flipper_length_mm": 197,
    "body_mass_g": 4050,
    "sex": "male",
}
BODY = json.dumps({"records": [ROW]})
# Seconds after which something does not happen; a busy machine needs some of them
PATIENCE = 120
RELEASE = "git add . && git commit -qm '{0}' && dvc push -q && modelkeep register"
FUZZ = "not_a_server_error,status_code_conformance,content_type_conformance"
FUZZ += ",response_schema_conformance,negative_data_rejection"


@pytest.fixture(scope="module")
def project(bake: Bake, warmed: Warmed, run: Run) -> Path:
    """Return a project with two released versions, the second of which is in prod."""
    project = bake(ci="github")
    for change, version in ((SAMPLE, "v1.0.0"), (LOOSER, "v1.1.0")):
        warmed(project, change)
        release = f"{RELEASE.format(version)} && modelkeep promote {version} prod"
        run(release, project)
    return project


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path

    def ask(self, path: str, body: str | None = None) -> tuple[int, dict]:
        """Ask once, and return status and content."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            client.request("GET" if body is None else "POST", path, body)
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            client.close()

    def recorded(self) -> set[str]:
        """Return the ids of all recorded requests."""
        with sqlite3.connect(self.data / "records.sqlite") as database:
            return {name for (name,) in database.execute("SELECT request_id FROM requests")}


Serve = Callable[..., Server]


@pytest.fixture
def serve(project: Path, environment: Path, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that starts a server; all of them are ended after the test."""
    started: list[Server] = []

    def serve(*options: str, prefix: tuple[str, ...] = ()) -> Server:
        port = free_port()
        data, log = tmp_path / f"data-{port}", tmp_path / f"log-{port}"
        with log.open("w") as printed:
            process = subprocess.Popen(
                [
                    *(*prefix, environment / "bin" / "modelkeep", "serve", *options),
                    *("--port", str(port), "--data", data),
                ],
                cwd=project,
                env=os.environ | {"PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"},
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(process, port, data)
        started.append(server)
        until(lambda: process.poll() is not None or answers(server))
        assert process.poll() is None, log.read_text("utf-8")
        return server

    yield serve
    for server in started:
        # Its workers too, which may outlive it
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()


def answers(server: Server) -> bool:
    """Say whether a server answers."""
    try:
        return server.ask("/ready")[0] == 200
    except OSError:
        return False


def until(true: Callable[[], object]) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


@dataclass
class Load:
    """What a number of clients that ask one request after the other were answered."""

    replies: list[tuple[int, dict]]
    broken: list[OSError]

    @property
    def ids(self) -> set[str]:
        """The ids of the answered requests."""
        return {content["request_id"] for _, content in self.replies}


@contextmanager
def load(server: Server, clients: int = 8) -> Iterator[Load]:
    """Let clients ask over and over, each on a connection that it keeps."""
    answered, stop = Load([], []), threading.Event()

    def ask() -> None:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        while not stop.is_set():
            try:
                client.request("POST", "/predict", BODY)
                answer = client.getresponse()
                answered.replies.append((answer.status, json.loads(answer.read())))
            except (OSError, http.client.HTTPException) as error:
                answered.broken.append(error)
                client.close()
                time.sleep(0.05)
        client.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_rollback_under_load_fails_no_request(project: Path, run: Run, serve: Serve) -> None:
    """Seconds after `rollback prod` the old version answers, and after a promotion the new one."""
    server = serve("--stage", "prod", "--follow", "--every", "0.3")
    with load(server) as answered:
        until(lambda: answered.replies)
        run("modelkeep rollback prod -m Complaints", project)
        start = time.monotonic()
        until(lambda: server.ask("/ready")[1]["version"] == "v1.0.0")
        took = time.monotonic() - start
        run("modelkeep promote v1.1.0 prod", project)
        until(lambda: server.ask("/ready")[1]["version"] == "v1.1.0")
    assert not answered.broken
    assert {status for status, _ in answered.replies} == {200}
    assert {content["version"] for _, content in answered.replies} == {"v1.0.0", "v1.1.0"}
    assert server.ask("/health")[1]["status"] == "ok"
    assert took < 10
    assert answered.ids <= server.recorded()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_answered_request_has_its_record_after_kill_9(serve: Serve, workers: str) -> None:
    """Killed under load, with everything that it began, the server had recorded each answer."""
    server = serve("--package", "package", "--workers", workers)
    with load(server) as answered:
        until(lambda: len(answered.replies) > 500)
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
    assert answered.broken
    assert {status for status, _ in answered.replies} == {200}
    assert answered.ids <= server.recorded()


def test_a_worker_that_crashes_is_replaced(serve: Serve) -> None:
    """The other one goes on, and soon there are two again."""
    server = serve("--package", "package", "--workers", "2")
    workers = children(server.process.pid)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    until(lambda: len(set(children(server.process.pid)) - set(workers)) == 1)
    until(lambda: len(children(server.process.pid)) == 2)
    with load(server) as answered:
        until(lambda: len(answered.replies) > 200)
    assert {status for status, _ in answered.replies} == {200}
    status, _ = server.ask("/version")
    assert status == 200


def children(parent: int) -> list[int]:
    """Return the workers of a server: its children that are no helpers of multiprocessing."""
    workers = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            ppid = int(stat.read_text().rpartition(")")[2].split()[1])
            command = (stat.parent / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if ppid == parent and b"spawn_main" in command:
            workers.append(int(stat.parent.name))
    return sorted(workers)


def test_two_workers_tell_the_sum_of_their_numbers(serve: Serve) -> None:
    """Whichever worker is asked for metrics, all requests are counted."""
    server = serve("--package", "package", "--workers", "2")
    for _ in range(40):
        assert server.ask("/predict", BODY)[0] == 200
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    client.request("GET", "/metrics")
    text = client.getresponse().read().decode()
    client.close()
    assert 'serving_requests_total{path="/predict",status="200"} 40.0' in text
    assert re.search(r'serving_model_info\{name="model",.*\} 1\.0', text)


def test_a_thousand_connections_are_answered(serve: Serve) -> None:
    """One worker answers a thousand clients that are all connected at the same time."""
    server = serve("--package", "package")
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODY)}\r\n"
    request = f"{head}Connection: close\r\n\r\n{BODY}".encode()
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1000)]
    for client in clients:
        client.sendall(request)
    statuses = []
    for client in clients:
        with client, client.makefile("rb") as stream:
            statuses.append(stream.readline())
    assert statuses == [b"HTTP/1.1 200 OK\r\n"] * 1000
    assert len(server.recorded()) == 1000


def test_a_disk_that_is_full_stops_no_answer(serve: Serve) -> None:
    """Where the file of records cannot grow, requests are answered and `/health` says why."""
    server = serve("--package", "package", prefix=("bash", "-c", 'ulimit -f 200; exec "$@"', "-"))
    with load(server) as answered:
        until(lambda: server.ask("/health")[1]["status"] == "degraded")
        before = len(answered.replies)
        until(lambda: len(answered.replies) > before + 100)
    health = server.ask("/health")[1]
    assert re.search("full|disk I/O error", health["recording"])
    assert health["unrecorded_requests"] > 0
    assert {status for status, _ in answered.replies} == {200}
    assert not answered.broken


def test_no_input_that_the_description_allows_or_forbids_breaks_the_server(serve: Serve) -> None:
    """Fuzzed by its own OpenAPI description: no 5xx, and every answer is as described."""
    server = serve("--package", "package")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"http://127.0.0.1:{server.port}/openapi.json",
            *("--checks", FUZZ, "--max-examples", "15", "--seed", "1"),
            *("--phases", "examples,coverage,fuzzing", "--request-timeout", "30"),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=server.data,
    )
    assert done.returncode == 0, done.stdout
    assert server.ask("/predict", BODY)[0] == 200


def dockerfile() -> list[tuple[str, str]]:
    """Return the instructions of the generated Dockerfile, each with its arguments."""
    text = (PROJECT / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_dockerfile_passes_a_linter(project: Path) -> None:
    """Hadolint finds nothing to say about it."""
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent)
    done = subprocess.run([hadolint, project / "Dockerfile"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


def test_the_image_would_answer(project: Path, tmp_path: Path) -> None:
    """In a bare environment with what is copied, the install, start and health commands work."""
    image = tmp_path / "srv"
    image.mkdir()
    subprocess.run([sys.executable, "-m", "uv", "venv", "-q", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    port, server = str(free_port()), None
    try:
        for word, rest in dockerfile():
            if word == "COPY":
                *sources, target = rest.split()
                for source in sources:
                    copy(project / source, image / target)
            elif word == "RUN" and "pip install" in rest:
                command = rest.replace("python -m pip", f"{sys.executable} -m uv pip")
                command = command.replace("--no-cache-dir", f"--python {python}")
                subprocess.run(["bash", "-c", command], cwd=image, check=True)
            elif word == "RUN":
                readable, user = rest.split(" && ", 1)
                assert user.startswith("useradd ")
                subprocess.run(["bash", "-c", readable], cwd=image, check=True)
                (image / "var").mkdir()
            elif word == "CMD":
                program, *words = [*json.loads(rest), "--port", port]
                assert words[-3] == "0.0.0.0"
                words[-3] = "127.0.0.1"
                server = subprocess.Popen([python.with_name(program), *words], cwd=image)
        (check,) = (rest for word, rest in dockerfile() if word == "HEALTHCHECK")
        health = json.loads(check.partition(" CMD ")[2])[1:]
        health[-1] = health[-1].replace("8000", port)
        until(lambda: subprocess.run([python, *health], capture_output=True).returncode == 0)
        assert Server(server, int(port), image / "var").ask("/predict", BODY)[0] == 200
    finally:
        if server:
            server.terminate()
            server.wait()
    ignored = (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
    copied = {word for name, rest in dockerfile() if name == "COPY" for word in rest.split()[:-1]}
    assert ignored[0] == "*"
    for path in copied:
        assert f"!{path.split('/')[0]}" in ignored, path


def copy(source: Path, target: Path) -> None:
    """Copy as the instruction COPY does."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)

"""`modelkeep serve`: what is served, with which settings, and what is refused before it starts."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from modelkeep import cli, place
from modelkeep.serving import listening
from modelkeep.serving.counters import SHARED
from modelkeep.serving.current import Current
from modelkeep.serving.options import API_KEY, SETTINGS, Settings
from modelkeep_core.errors import UserError
from server import until

pytestmark = pytest.mark.slow

SOURCE = Path(cli.__file__).parents[1]
SIGNALS = pytest.mark.skipif(os.name == "nt", reason="a process cannot be asked to end here")


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Return a function that runs the command up to where the server would start."""
    monkeypatch.chdir(tmp_path)
    # Others may run the tests on this machine, where only one can listen on a port.
    monkeypatch.setattr(listening, "open_to", lambda *_: None)
    for name in (SETTINGS, SHARED):
        # What the command sets is taken back after the test.
        monkeypatch.setenv(name, "")
    monkeypatch.delenv(SHARED)

    def start(*words):
        served = []
        monkeypatch.setattr(listening, "serve", lambda *given: served.append(given))
        assert cli.run(cli.arguments(["serve", *map(str, words)])) == 0
        ((_, *options),) = served
        return options, Settings.handed_over()

    return start


def test_a_package_is_served_on_the_loopback_unless_told(started, run):
    """Safe defaults: nobody else reaches it, inputs are recorded beside it, limits are set."""
    options, settings = started("--package", run.package)
    assert options == ["127.0.0.1", 1, 30.0]
    assert Current.read(Path(settings.current)) == Current(str(run.package))
    assert settings.current == str(Path("var/current-8000.json"))
    assert settings.records == str(Path("var/records.sqlite"))
    assert (settings.keep_inputs, settings.keep_days, settings.max_rows) == (True, None, 10_000)


def test_every_setting_arrives(started, run, tmp_path):
    """What the command line says is what the workers get."""
    options, settings = started(
        *("--package", run.package, "--host", "0.0.0.0", "--port", 8123, "--workers", 2),
        *("--data", tmp_path / "elsewhere", "--no-inputs", "--keep-days", 30),
        *("--max-rows", 7, "--max-body", 0.5, "--timeout", 3),
    )
    assert options == ["0.0.0.0", 2, 3.0]
    assert settings == Settings(
        current=str(tmp_path / "elsewhere" / "current-8123.json"),
        records=str(tmp_path / "elsewhere" / "records.sqlite"),
        keep_inputs=False,
        keep_days=30.0,
        max_rows=7,
        max_bytes=524288,
        timeout=3.0,
    )
    assert os.environ[SHARED] == str(tmp_path / "elsewhere" / "numbers-8123")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "one of the arguments --stage --version --package is required"),
        (["--package", "p", "--stage", "prod"], "not allowed with"),
        (["--package", "p", "--workers", "0"], "invalid"),
        (["--package", "p", "--max-rows", "-1"], "invalid"),
        (["--package", "p", "--timeout", "0"], "invalid"),
        (["--package", "p", "--keep-days", "nan"], "invalid"),
        (["--package", "p", "--max-body", "inf"], "invalid"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(words, sentence, capsys):
    """With the usage, and status 2."""
    with pytest.raises(SystemExit) as ended:
        cli.arguments(["serve", *words])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--package", "p", "--follow"], "--follow needs --stage"),
        (["--version", "v1.0.0", "--follow"], "--follow needs --stage"),
        (["--version", "v1.0.0", "--trust-code"], "--trust-code is for --package"),
    ],
)
def test_options_that_do_not_go_together_are_refused(started, words, sentence):
    """Before anything is looked for."""
    with pytest.raises(UserError, match=sentence):
        started(*words)


def test_a_package_that_cannot_be_served_is_refused_before_anything_starts(started, package_copy):
    """One sentence; nothing is written."""
    (package_copy / "model.skops").write_bytes(b"changed")
    with pytest.raises(UserError, match=r"model\.skops is not the file that was packaged"):
        started("--package", package_copy)
    with pytest.raises(UserError, match="is no package"):
        started("--package", "nowhere")
    assert not Path("var").exists()


def test_a_version_or_a_stage_is_fetched(started, numbered, monkeypatch):
    """From the repository that one stands in."""
    numbered.assign("prod", "strong")
    monkeypatch.chdir(numbered.directory)
    for words, version in ((["--version", "v1.2.0"], "v1.2.0"), (["--stage", "prod"], "v1.1.0")):
        _, settings = started("--repo", numbered.directory, *words)
        assert Current.read(Path(settings.current)).version == version


def test_a_stage_is_served_from_below_the_root_of_a_project(numbered, monkeypatch, tmp_path):
    """The versions are those of the project, and what is fetched lies at its root."""
    numbered.assign("prod", "strong")
    (numbered.directory / "notes").mkdir()
    monkeypatch.chdir(numbered.directory / "notes")
    monkeypatch.setattr(place, "_typed_from", Path())
    monkeypatch.setenv(SETTINGS, "")
    monkeypatch.setattr(listening, "open_to", lambda *_: None)
    monkeypatch.setattr(listening, "serve", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["modelkeep", "serve", "--stage", "prod"])
    assert cli.main() == 0
    assert Current.read(numbered.directory / "var" / "current-8000.json").version == "v1.1.0"


@contextmanager
def process(*words, directory, **variables):
    """Run the command in a process of its own until it says that it listens; end it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "modelkeep", "serve", *map(str, words), "--port", str(port)],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(SOURCE)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            until(lambda: listens(port) or running.poll() is not None, 60)
            yield running, port
        finally:
            running.kill()


def listens(port):
    """Say whether somebody listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def answer(port, package, **headers):
    """Ask for the predictions of a package's example, and make sure that they are those."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    example = json.loads((package / "example.json").read_text("utf-8"))
    client.request("POST", "/predict", json.dumps({"records": example["records"]}), headers)
    content = json.loads(client.getresponse().read())
    client.close()
    assert content["predictions"] == example["predictions"]


@SIGNALS
def test_the_command_serves_and_ends_as_it_is_told(run, tmp_path):
    """A real process answers with a key, and a signal ends it cleanly, its records closed."""
    with process(
        "--package", run.package, "--data", tmp_path, directory=tmp_path, **{API_KEY: "key"}
    ) as (server, port):
        answer(port, run.package, **{"X-API-Key": "key"})
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=30)
        assert server.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in output
    assert not (tmp_path / "records.sqlite-wal").exists()


@pytest.mark.parametrize(
    ("host", "sentence"),
    [("127.0.0.1", "is taken"), ("192.0.2.1", "is no address of this machine")],
)
def test_an_address_that_cannot_be_had_is_told_before_anything_is_loaded(tmp_path, host, sentence):
    """In one sentence, and nothing is written: the server that is there goes on as it was."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        words = ["--package", tmp_path / "nowhere", "--host", host, "--port", port]
        with pytest.raises(UserError, match=sentence):
            cli.run(cli.arguments(["serve", *map(str, words), "--data", str(tmp_path / "var")]))
    assert [*tmp_path.iterdir()] == []


def test_a_second_server_of_the_same_files_changes_nothing(started, run, tmp_path):
    """Though it may have an address of its own, as in another container with the same volume."""
    with listening.held(tmp_path / "var", 8000):
        with pytest.raises(UserError, match="another server of port 8000 keeps its files in var"):
            started("--package", run.package)
        assert [path.name for path in (tmp_path / "var").iterdir()] == ["current-8000.lock"]


def test_a_server_that_all_can_reach_has_a_key_or_says_so(started, run, monkeypatch, capsys):
    """And on the loopback, it is called by its own names alone."""
    _, settings = started("--package", run.package, "--allow-host", "model.example")
    assert settings.hosts == ["localhost", "127.0.0.1", "[::1]", "model.example"]
    assert capsys.readouterr().err == ""
    _, settings = started("--package", run.package, "--host", "0.0.0.0")
    assert settings.hosts is None
    assert "everybody who reaches port 8000 of this machine may ask" in capsys.readouterr().err
    monkeypatch.setenv(API_KEY, "key")
    _, settings = started("--package", run.package, "--host", "0.0.0.0")
    assert (settings.hosts, capsys.readouterr().err) == (None, "")
    monkeypatch.setenv(API_KEY, "")
    with pytest.raises(UserError, match="is set and empty"):
        started("--package", run.package)


def test_a_server_ends_before_docker_kills_it(monkeypatch):
    """Docker waits for ten seconds; a client whose body is slow does not take longer."""
    configs = []
    monkeypatch.setattr(uvicorn.Config, "load_app", lambda _: None)
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, _: configs.append(server.config))
    with listening.bound("127.0.0.1", 0) as sockets:
        for timeout in (0.5, 30.0):
            listening.serve(sockets, "127.0.0.1", 1, timeout)
    assert [config.timeout_graceful_shutdown for config in configs] == [1, 7]
    assert not any(config.access_log for config in configs)


@SIGNALS
def test_workers_start_wherever_a_person_stands(run, tmp_path):
    """Below the root of a project, the package and what is recorded lie at the root."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "dvc.yaml").touch()
    shutil.copytree(run.package, tmp_path / "package")
    with process("--package", "../package", "--workers", 2, directory=tmp_path / "notes") as (
        server,
        port,
    ):
        answer(port, run.package)
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=60)
    assert "Traceback" not in output
    assert (tmp_path / "var" / "records.sqlite").is_file()
    assert [path.name for path in (tmp_path / "notes").iterdir()] == []


@SIGNALS
def test_a_package_is_served_without_a_project(run, tmp_path):
    """Where there is nothing but a package, as in an image: no work tree, no `pipeline`."""
    package = shutil.copytree(run.package, tmp_path / "image" / "package")
    with process("--package", "package", directory=package.parent) as (server, port):
        answer(port, package)
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    """No traceback for a person's mistake, and status 1."""
    with process("--package", tmp_path / "nowhere", directory=tmp_path) as (server, _):
        output, _ = server.communicate(timeout=30)
    assert server.returncode == 1
    assert output == (
        f"error: {tmp_path}/nowhere is no package: it is missing (`dvc repro` makes that of a "
        "project, `dvc checkout` or `dvc pull` brings it back).\n"
    )


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_port_that_is_none_is_refused(port, capsys):
    """A number that the system would fold into another port is a mistake."""
    with pytest.raises(SystemExit) as ended:
        cli.arguments(["serve", "--package", "package", "--port", port])
    assert ended.value.code == 2
    assert f"'{port}' is no port: it is a number from 0 to 65535" in capsys.readouterr().err

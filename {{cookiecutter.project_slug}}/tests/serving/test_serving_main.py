"""The command line: what is served, with which settings, and what is refused before it starts."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from server import until

from pipeline.refusal import Refusal
from serving import __main__ as command
from serving.current import Current
from serving.options import API_KEY, SETTINGS, Settings

ROOT = Path(command.__file__).parents[1]


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Return a function that runs the command up to where the server would start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SETTINGS, "")
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)

    def start(*words):
        options = {}
        monkeypatch.setattr(command.uvicorn, "run", lambda app, **given: options.update(given))
        monkeypatch.setattr(sys, "argv", ["serving", *map(str, words)])
        command.main()
        return options, Settings.handed_over()

    return start


def test_a_package_is_served_on_the_loopback_unless_told(started, run):
    """Safe defaults: nobody else reaches it, inputs are recorded beside it, limits are set."""
    options, settings = started("--package", run.package)
    assert (options["host"], options["port"], options["workers"]) == ("127.0.0.1", 8000, 1)
    assert options["access_log"] is False
    assert Current.read(Path(settings.current)) == Current(str(run.package))
    assert settings.records == str(Path("var/records.sqlite"))
    assert (settings.keep_inputs, settings.keep_days, settings.max_rows) == (True, None, 10_000)


def test_every_setting_arrives(started, run, tmp_path):
    """What the command line says is what the workers get."""
    options, settings = started(
        *("--package", run.package, "--host", "0.0.0.0", "--port", 8123, "--workers", 2),
        *("--data", tmp_path / "elsewhere", "--no-inputs", "--keep-days", 30),
        *("--max-rows", 7, "--max-body", 0.5, "--timeout", 3),
    )
    assert (options["host"], options["port"], options["workers"]) == ("0.0.0.0", 8123, 2)
    assert settings == Settings(
        current=str(tmp_path / "elsewhere" / "current-8123.json"),
        records=str(tmp_path / "elsewhere" / "records.sqlite"),
        keep_inputs=False,
        keep_days=30.0,
        max_rows=7,
        max_bytes=524288,
        timeout=3.0,
    )
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "elsewhere" / "numbers-8123")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "one of the arguments --stage --version --package is required"),
        (["--package", "p", "--stage", "prod"], "not allowed with"),
        (["--package", "p", "--follow"], "--follow needs --stage"),
        (["--version", "v1.0.0", "--follow"], "--follow needs --stage"),
        (["--package", "p", "--workers", "0"], "must be at least 1"),
        (["--package", "p", "--max-rows", "-1"], "must be at least 1"),
        (["--package", "p", "--timeout", "0"], "invalid"),
        (["--package", "p", "--keep-days", "nan"], "invalid"),
        (["--package", "p", "--max-body", "inf"], "invalid"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(words, sentence, capsys):
    """With the usage, and status 2."""
    with pytest.raises(SystemExit) as ended:
        command.arguments(words)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_package_that_cannot_be_served_is_refused_before_anything_starts(started, package_copy):
    """One sentence; nothing is written."""
    (package_copy / "model.skops").write_bytes(b"changed")
    with pytest.raises(Refusal, match=r"model\.skops is not the file that was packaged"):
        started("--package", package_copy)
    with pytest.raises(Refusal, match="is no package"):
        started("--package", "nowhere")
    assert not Path("var").exists()


def test_a_version_or_a_stage_is_fetched(started, numbered, monkeypatch):
    """From the repository that one stands in."""
    numbered.assign("prod", "strong")
    monkeypatch.chdir(numbered.directory)
    for words, version in ((["--version", "v1.2.0"], "v1.2.0"), (["--stage", "prod"], "v1.1.0")):
        _, settings = started("--repo", numbered.directory, *words)
        assert Current.read(Path(settings.current)).version == version


@contextmanager
def process(*words, **variables):
    """Run the command in a process of its own until it says that it listens; end it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "serving", *map(str, words), "--port", str(port)],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as started:
        try:
            until(lambda: listens(port) or started.poll() is not None, 60)
            yield started, port
        finally:
            started.kill()


def listens(port):
    """Say whether somebody listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_the_command_serves_and_ends_as_it_is_told(run, tmp_path):
    """A real process answers with a key, and a signal ends it cleanly, its records closed."""
    import http.client

    with process("--package", run.package, "--data", tmp_path, **{API_KEY: "key"}) as (
        server,
        port,
    ):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        example = json.loads((run.package / "example.json").read_text("utf-8"))
        body = json.dumps({"records": example["records"]})
        client.request("POST", "/predict", body, {"X-API-Key": "key"})
        assert json.loads(client.getresponse().read())["predictions"] == example["predictions"]
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=30)
        assert server.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in output
    assert not (tmp_path / "records.sqlite-wal").exists()


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    """No traceback for a person's mistake, and status 1."""
    with process("--package", tmp_path / "nowhere") as (server, _):
        output, _ = server.communicate(timeout=30)
    assert server.returncode == 1
    assert output == f"error: {tmp_path}/nowhere is no package: it has no manifest.json.\n"

"""A real MLflow, with a database, in an environment of its own, follows the tags.

MLflow takes no pyarrow as new as the one in the locks, so that it cannot stand beside them.
"""

import json
import os
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import modelkeep_core
from modelkeep.export.tracking import Tracking

SOURCES = Path(modelkeep_core.__file__).resolve().parents[1]
CORE = tomllib.loads((SOURCES / "modelkeep_core" / "pyproject.toml").read_text(encoding="utf-8"))
LOAD = """\
import sys
import mlflow
import pandas as pd

model = mlflow.pyfunc.load_model("models:/made-up@prod")
answer = model.predict(pd.read_parquet(sys.argv[1]))
answer.to_json(sys.argv[2], orient="split", double_precision=15)
"""
SECONDS = 120


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The interpreter of an environment with MLflow and with what the core library needs."""
    place = tmp_path_factory.mktemp("mlflow") / "environment"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    needed = ["mlflow>=3.17", *CORE["project"]["dependencies"]]
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, *needed], check=True)
    return python


@pytest.fixture
def uri(environment, tmp_path):
    """The address of a server on loopback, which ends with the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--backend-store-uri", f"sqlite:///{tmp_path / 'mlflow.db'}", "--workers", "1"]
    words += ["--artifacts-destination", (tmp_path / "artifacts").as_uri()]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path / "server.log"
    with log.open("w", encoding="utf-8") as written:
        server = subprocess.Popen(
            [environment, "-m", "mlflow", "server", *words],
            stdout=written,
            stderr=written,
            cwd=tmp_path,
            env=os.environ
            | {
                "MLFLOW_DISABLE_TELEMETRY": "true",
                # Three processes that wait for jobs, busily
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            start_new_session=True,
        )
        try:
            _wait(server, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(server)


def _wait(server, port, log):
    """Wait until the server listens."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(log.read_text(encoding="utf-8"))


def _end(server):
    """End the server with the workers that it started."""
    if hasattr(os, "killpg"):
        os.killpg(server.pid, 15)
    else:
        server.terminate()
    server.wait(SECONDS)


def follow(project, uri):
    """Let MLflow follow the project."""
    with project.catalogue() as catalogue:
        return Tracking(uri, catalogue, "made-up").follow()


@pytest.mark.slow
def test_a_real_server_follows(numbered, uri, environment, frame, tmp_path):
    """Versions, aliases, a rollback and a removed version are there, and models predict the same.

    Exporting twice writes nothing more, and a model loaded by MLflow alone in its environment
    predicts, to the last digit that is written, what the package predicts here.
    """
    from mlflow import MlflowClient

    numbered.assign("prod", "main")
    assert follow(numbered, uri).added == ["v1.0.0", "v1.1.0", "v1.2.0"]
    assert follow(numbered, uri).added == []
    numbered.assign("prod", "strong")
    numbered.tag("made-up@v1.2.0!", "main")
    assert follow(numbered, uri).removed == ["v1.2.0"]
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    version = client.get_model_version_by_alias("made-up", "prod")
    assert version.tags["modelkeep.version"] == "v1.1.0"
    assert len(client.search_model_versions("name = 'made-up'")) == 2

    rows, answers = tmp_path / "rows.parquet", tmp_path / "answers.json"
    frame.to_parquet(rows)
    subprocess.run(
        [environment, "-c", LOAD, rows, answers],
        check=True,
        cwd=tmp_path,
        env=os.environ | {"MLFLOW_TRACKING_URI": uri, "PYTHONPATH": str(SOURCES)},
    )
    numbered.run("fetch", "prod", str(tmp_path / "package"))
    wanted = _here(tmp_path / "package", frame)
    assert json.loads(answers.read_text(encoding="utf-8")) == wanted


def _here(package, frame):
    """Return what the package predicts in this environment, as it is written to JSON."""
    from modelkeep.export.pyfunc import _load_pyfunc

    answer = _load_pyfunc(str(package)).predict(frame)
    return json.loads(answer.to_json(orient="split", double_precision=15))

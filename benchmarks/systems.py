"""The servers that are compared: what starts each, and in which form it takes rows."""

import json
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench import HERE, Bench
from processes import Process, start

PEERS = HERE / "peers"
IN_PROCESS = "no server: `model.predict` in a loop"
FLASK = "Flask, development server"
OWN = "`modelkeep serve`, 1 worker"
OWN_TWO = "`modelkeep serve`, 2 workers"
UNRECORDED = "the same without records"
UNPROVEN = "the same without the fast path"
# The server's own command, but for the one setting that it has no option for
WITHOUT_RECORDS = """
from dataclasses import replace
from modelkeep.cli import main
from modelkeep.serving.options import Settings
hand_over = Settings.hand_over
Settings.hand_over = lambda self: hand_over(replace(self, records=None))
main()
"""
Command = list[str]
Rows = list[list[Any]]


@dataclass(frozen=True)
class Peers:
    """Interpreters of other environments, as far as they are given.

    Attributes:
        plain: has Flask, gunicorn, FastAPI and uvicorn.
        bentoml: has BentoML.
        mlflow: has MLflow.
    """

    plain: Path | None
    bentoml: Path | None
    mlflow: Path | None


@dataclass(frozen=True)
class System:
    """A server with a model.

    Attributes:
        process: its process.
        url: where it takes rows.
        form: a name of FORMS.
    """

    process: Process
    url: str
    form: str


@dataclass(frozen=True)
class Place:
    """A project with one package of a model, and a directory for what servers write."""

    project: Path
    package: Path
    directory: Path


def in_features(names: list[str], rows: Rows) -> dict[str, Any]:
    """Return a request with a list for each row."""
    return {"features": rows}


def in_split(names: list[str], rows: Rows) -> dict[str, Any]:
    """Return a request to MLflow."""
    return {"dataframe_split": {"columns": names, "data": rows}}


FORMS = {"features": in_features, "split": in_split}


def started(bench: Bench, place: Place, peers: Peers) -> Iterator[tuple[str, System]]:
    """Start one server after the other, without waiting for any of them."""
    for name, command in own(bench, place).items():
        yield name, launch(bench, place, name, command, place.project, "features")
    for name, command in plain(peers).items():
        yield name, launch(bench, place, name, command, PEERS, "features")
    if peers.mlflow:
        command = mlflow(bench, place, peers.mlflow)
        yield "MLflow", launch(bench, place, "MLflow", command, PEERS, "split", "invocations")


def own(bench: Bench, place: Place) -> dict[str, Command]:
    """Return the commands of the generated project's server, and of two that lack something."""
    serve = [str(bench.python.with_name("modelkeep")), "serve"]
    package = ["--package", str(place.package)]
    unrecorded = [str(bench.python), "-c", WITHOUT_RECORDS, "serve"]
    slow = ["--package", str(without_fast_path(place))]

    def data(name: str) -> Command:
        return ["--data", str(place.directory / name), "--port", "PORT"]

    return {
        OWN: [*serve, *package, *data("one")],
        OWN_TWO: [*serve, *package, *data("two"), "--workers", "2"],
        UNRECORDED: [*unrecorded, *package, *data("unrecorded")],
        UNPROVEN: [*serve, *slow, *data("slow")],
    }


def without_fast_path(place: Place) -> Path:
    """Return a copy of the package that says of the fast path that it is not exact."""
    copy = Path(shutil.copytree(place.package, place.directory / "package"))
    metadata = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    metadata["fast_path"] |= {"exact": False, "reason": "a benchmark"}
    (copy / "model.json").write_text(json.dumps(metadata), encoding="utf-8")
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["model.json"] = sha256((copy / "model.json").read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return copy


def plain(peers: Peers) -> dict[str, Command]:
    """Return the commands of the peers that need no model of another form."""
    commands = {}
    if peers.plain:
        python = str(peers.plain)
        flask = [python, "-m", "flask", "--app", "flask_app", "run", "--port", "PORT"]
        gunicorn = [python, "-m", "gunicorn", "--bind", "127.0.0.1:PORT", "flask_app:app"]
        uvicorn = [python, "-m", "uvicorn", "--port", "PORT", "fastapi_app:app"]
        commands |= {
            FLASK: flask,
            "Flask, gunicorn, 1 worker": gunicorn,
            "Flask, gunicorn, 2 workers": [*gunicorn, "--workers", "2"],
            "FastAPI, uvicorn, 1 worker": uvicorn,
            "FastAPI, uvicorn, 2 workers": [*uvicorn, "--workers", "2"],
        }
    if peers.bentoml:
        serve = [str(peers.bentoml), "-m", "bentoml", "serve", "bentoml_app:Peer"]
        commands["BentoML, 1 worker"] = [*serve, "--host", "127.0.0.1", "--port", "PORT"]
    return commands


def mlflow(bench: Bench, place: Place, python: Path) -> Command:
    """Save the model for MLflow, and return the command that serves it."""
    out = place.directory / "mlflow"
    table = place.project / "data" / "raw" / "table.csv"
    model = f"MODEL={place.package / 'model.skops'}"
    bench.run("env", model, python, PEERS / "mlflow_model.py", table, out)
    serve = [str(python), "-m", "mlflow", "models", "serve", "--model-uri", str(out)]
    return [*serve, "--env-manager", "local", "--workers", "1", "--port", "PORT"]


def launch(
    bench: Bench,
    place: Place,
    name: str,
    command: Command,
    directory: Path,
    form: str,
    path: str = "predict",
) -> System:
    """Start a server on a port that is free; PORT stands for it in the command."""
    port = free_port()
    words = [word.replace("PORT", str(port)) for word in command]
    environment = environment_of(bench, place, Path(words[0]))
    log = place.directory / f"{port}.log"
    process = start(name, words, directory, environment, log)
    return System(process, f"http://127.0.0.1:{port}/{path}", form)


def environment_of(bench: Bench, place: Place, python: Path) -> dict[str, str]:
    """Return the variables that a server sees: one thread for arithmetic in each process."""
    return bench.environment | {
        "PATH": f"{python.parent}:{bench.environment['PATH']}",
        "MODEL": str(place.package / "model.skops"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "BENTOML_DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def free_port() -> int:
    """Return a port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

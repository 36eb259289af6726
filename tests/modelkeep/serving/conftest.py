"""What the tests of the server share: rows that fit, packages that were tampered with, servers."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelkeep.serving.served import ServedModel, load
from modelkeep_core.files import sha256
from server import Server

ROW = {"size": 10.5, "count": 3, "member": True, "colour": "red"}


@pytest.fixture
def row() -> dict[str, object]:
    """A row that fits the schema."""
    return dict(ROW)


@pytest.fixture(scope="session")
def served(run) -> ServedModel:
    """The classification, ready to answer."""
    return load(run.package, "v1.2.0")


@pytest.fixture(scope="session")
def served_regression(regression_run) -> ServedModel:
    """The regression, ready to answer."""
    return load(regression_run.package)


@pytest.fixture(scope="session")
def server(run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the classification; ask it, do not change it."""
    with Server(run.package, tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def own_server(run, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own."""
    with Server(run.package, tmp_path / "own") as running:
        yield running


@pytest.fixture
def tampered(run, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a package in which one file is another, and vouched for."""

    def tamper(name: str, content: str | None, vouched: bool = True) -> Path:
        package = tmp_path / "tampered"
        shutil.copytree(run.package, package)
        manifest = json.loads((package / "manifest.json").read_text("utf-8"))
        if content is None:
            (package / name).unlink()
            del manifest["files"][name]
        else:
            (package / name).write_text(content, encoding="utf-8")
            manifest["files"][name] = sha256(package / name)
        if vouched:
            (package / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return package

    return tamper

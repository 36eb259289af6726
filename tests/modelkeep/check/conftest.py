"""What the tests of check share: fresh projects."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from checked import Checked, generated
from project import set_aside


@pytest.fixture(scope="session")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that generates a project with some answers."""

    def make(**answers: object) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            set_aside(patch, tmp_path_factory.mktemp("home"))
            return generated(tmp_path_factory.mktemp("generated"), **answers)

    return make


@pytest.fixture(scope="session")
def fresh(generate: Callable[..., Path]) -> Path:
    """A fresh project; copy it, do not change it."""
    return generate()


@pytest.fixture
def home(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """A copy of the fresh project, in which the test runs and which it may break."""
    copy = shutil.copytree(fresh, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(copy)
    return Checked(copy)

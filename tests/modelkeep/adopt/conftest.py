"""What the tests of adopt share: a project whose data may be replaced."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from made import made_params, made_schema
from project import dvc, git

HOME = {
    "data/raw/old.csv": "a,b\n1,2\n",
    ".dvc/config": "[core]\n    analytics = false\n",
    ".gitignore": "/data/raw\n*.partial\n",
}


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose data/raw is in DVC; copy it, do not change it."""
    directory = tmp_path_factory.mktemp("made") / "home"
    for name, text in HOME.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    schema = made_schema("classification", "colour")
    params = made_params("LogisticRegression", "macro_f1")
    for name, content in (("schema.yaml", schema), ("params.yaml", params)):
        YAML().dump(content.model_dump(), directory / name)
    git(directory, "init", "--quiet", "--template=")
    assert dvc(directory, "add", "data/raw") == 0
    return directory


@pytest.fixture
def home(made_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that project, in which the test runs and which it may change."""
    copy = shutil.copytree(made_home, tmp_path / "home")
    monkeypatch.chdir(copy)
    return copy

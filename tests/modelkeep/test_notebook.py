"""A notebook gets any version, from a directory or a URL, and nothing is left behind."""

import importlib
import sys
import tempfile
from pathlib import Path

import pytest

from modelkeep.notebook import load, use_code
from modelkeep_core.errors import UserError


@pytest.mark.slow
def test_a_version_is_loaded_from_a_clone_and_from_a_url(project):
    """Model, metadata and test rows belong together, wherever the notebook lies in the clone."""
    (project.directory / "notebooks").mkdir()
    before = project.status()
    places = [project.directory / "notebooks", project.directory.as_uri()]
    for place in places:
        loaded = load("strong", place)
        target = loaded.test[loaded.metadata["target"]]
        right = (loaded.predict(loaded.test).predictions == target).mean()
        assert right == pytest.approx(loaded.metadata["metrics"]["test"]["accuracy"])
        assert list(loaded.schema.features) == ["size", "count", "member", "colour"]
    assert project.status() == before
    assert not [*Path(tempfile.gettempdir()).glob("notebook-*")]


@pytest.mark.slow
def test_a_version_that_is_not_there_is_refused(project):
    """It is the sentence of the command line."""
    with pytest.raises(UserError, match="nowhere"):
        load("nowhere", project.directory)


def test_the_code_of_the_project_is_imported_from_any_directory(tmp_path, monkeypatch):
    """It is found at the root, twice or once, and not where there is no project."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    monkeypatch.chdir(notebooks)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "found_at_the_root.py").write_text("WORD = 'here'\n", encoding="utf-8")
    with pytest.raises(UserError, match="notebooks is in no project"):
        use_code()
    (tmp_path / "dvc.yaml").touch()
    assert use_code() == use_code(notebooks) == tmp_path
    assert sys.path.count(str(tmp_path)) == 1
    assert importlib.import_module("found_at_the_root").WORD == "here"

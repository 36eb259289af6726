"""`modelkeep export mlflow URI` writes all models of a repository, or says why it cannot."""

import pytest

from modelkeep.cli import arguments, run
from modelkeep.export import tracking
from modelkeep_core.errors import UserError


def export(*words):
    """Run the command."""
    return run(arguments(["export", *words]))


def test_all_models_are_written(numbered, monkeypatch, capsys):
    """Each has a line that says what was done."""
    asked = []

    def follow(self):
        asked.append((self.uri, self.name))
        return tracking.Done(self.name, added=["v1.0.0"], present=1, aliases={"prod": "v1.0.0"})

    monkeypatch.setattr(tracking.Tracking, "follow", follow)
    assert export("mlflow", "http://127.0.0.1:1", "--prefix", "ours-") == 0
    assert asked == [("http://127.0.0.1:1", "ours-made-up")]
    wanted = "ours-made-up: 1 version; v1.0.0 added; prod is v1.0.0.\n"
    assert capsys.readouterr().out == wanted


@pytest.mark.parametrize("uri", ["mlruns", "sqlite:///mlflow.db", "localhost:5000"])
def test_only_a_server_is_written_to(numbered, uri):
    """A directory or a database would take the packages into the work tree."""
    with pytest.raises(UserError, match="no tracking server"):
        export("mlflow", uri)


def test_a_repository_without_a_version_is_told(repository, monkeypatch):
    """There is nothing to write, and it says so."""
    repository.commit()
    monkeypatch.chdir(repository.directory)
    with pytest.raises(UserError, match="no version"):
        export("mlflow", "http://127.0.0.1:1")

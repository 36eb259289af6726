"""A notebook gets any version, from a directory or a URL, and nothing is left behind."""

import tempfile
from pathlib import Path

import pytest

from modelkeep.notebook import load
from modelkeep_core.errors import UserError

pytestmark = pytest.mark.slow


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


def test_a_version_that_is_not_there_is_refused(project):
    """It is the sentence of the command line."""
    with pytest.raises(UserError, match="nowhere"):
        load("nowhere", project.directory)

"""A version is a model on a commit, with a number or without, in a project anywhere."""

import pytest

from modelkeep.registry.tags import Event
from modelkeep.registry.version import Version, full_name

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("model", "directory", "name"),
    [
        ("model", "", "model"),
        ("sub:model", "sub/", "model"),
        ("some/deep.er/sub:a/b", "some/deep.er/sub/", "a/b"),
    ],
)
def test_the_name_of_a_model_has_its_directory(model, directory, name):
    """Directory and name are taken apart and put together again."""
    version = Version(model, COMMIT)
    assert (version.directory, version.name) == (directory, name)
    assert full_name(directory, name) == model


def test_a_version_is_called_by_its_number_or_its_commit(monkeypatch):
    """A commit that nobody registered goes by the beginning of its id."""
    parts = dict.fromkeys(Event.__dataclass_fields__) | {"version": "v1.2.0"}
    registered = Version("model", COMMIT, Event(**parts))
    assert (registered.number, registered.label) == ("v1.2.0", "v1.2.0")
    unregistered = Version("model", COMMIT)
    assert (unregistered.number, unregistered.label) == (None, "0123456")

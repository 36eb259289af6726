"""The file that names the package is read as it was written, or said to be broken."""

import pytest

from modelkeep.serving.current import Current
from modelkeep_core.errors import UserError


def test_it_is_read_as_it_was_written(tmp_path):
    """Every field comes back, whatever characters it has."""
    current = Current('a "dir"/päckage', "v1.0.0", "prod", "no\nnetwork")
    current.write(tmp_path / "current.json")
    assert Current.read(tmp_path / "current.json") == current


def test_a_missing_or_broken_file_is_refused(tmp_path):
    """Whoever reads it gets a sentence."""
    path = tmp_path / "current.json"
    with pytest.raises(UserError, match="is missing"):
        Current.read(path)
    path.write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        Current.read(path)
    for content in ('{"package": "x", "newer": 1}', "[]", "{}"):
        path.write_text(content)
        with pytest.raises(UserError, match="was not written by this version"):
            Current.read(path)
    path.write_text('{"package": "x", "version": null}')
    with pytest.raises(UserError, match="a value of another kind for 'version'"):
        Current.read(path)

"""A package is read for what it says only after its files were checked."""

import sys

import pytest

from modelkeep.monitoring.reference import read_reference
from modelkeep_core.errors import UserError
from recorded import repackaged


def test_a_package_is_read(run, classification):
    """Metadata, contract and profile are those that were packaged."""
    result = read_reference(run.package)
    assert result.schema == classification
    assert result.metadata["recipe_id"] == result.recipe_id
    assert list(result.profile["features"]) == list(classification.features)


def test_a_changed_profile_is_refused(package_copy):
    """What is compared with is what was made."""
    with (package_copy / "profile.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(UserError, match=r"profile\.json is not the file that was packaged"):
        read_reference(package_copy)


def test_a_package_without_a_profile_is_refused(run, tmp_path):
    """It was made by an older project; what to do is said."""
    old = repackaged(run.package, tmp_path / "old", profile=None)
    with pytest.raises(UserError, match=r"has no profile\.json to compare with"):
        read_reference(old)


def test_what_is_no_package_is_refused(tmp_path):
    """One sentence."""
    with pytest.raises(UserError, match="is no package"):
        read_reference(tmp_path)


def test_the_model_is_not_loaded(run, monkeypatch):
    """A report takes no scikit-learn to read a package."""
    monkeypatch.setitem(sys.modules, "modelkeep_core.model_file", None)
    assert read_reference(run.package)

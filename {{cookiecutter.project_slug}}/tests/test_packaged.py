"""A package is believed only after everything in it was checked."""

import json
import shutil
from importlib.metadata import version

import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator

from pipeline.features import features_of
from pipeline.files import sha256, write_json
from pipeline.packaged import check_library, open_package
from pipeline.refusal import Refusal

FILES = [
    *("model.skops", "model.json", "schema.yaml", "example.json", "profile.json"),
    *("requirements.lock", "MODEL_CARD.md"),
]


class Foreign(BaseEstimator):
    """An estimator that no loader trusts."""


def sealed(package):
    """Write a manifest that fits the files as they are now."""
    files = {name: sha256(package / name) for name in FILES}
    write_json(package / "manifest.json", {"files": files})


def test_a_package_opens_to_model_schema_and_metadata(run, classification):
    """What was packaged is ready to answer."""
    found = open_package(run.package)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    assert found.schema == classification
    assert found.metadata["name"] == "made-up"
    assert set(found.model.predict(features_of(rows, found.schema))) <= {"low", "mid", "high"}


def test_a_package_opens_wherever_it_lies(run, tmp_path):
    """A copy of the directory is all that is needed."""
    copy = shutil.copytree(run.package, tmp_path / "some" / "where")
    assert open_package(copy).metadata == open_package(run.package).metadata


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(package_copy, name):
    """One byte more in any file is found, and the file is named."""
    with (package_copy / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(Refusal, match=rf"{name} is not the file that was packaged"):
        open_package(package_copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(package_copy, name):
    """A file that the manifest lists has to be there."""
    (package_copy / name).unlink()
    with pytest.raises(Refusal, match=rf"{name} is missing; the manifest lists it"):
        open_package(package_copy)


def test_a_directory_without_a_manifest_is_no_package(tmp_path):
    """Nothing is loaded from a directory that proves nothing."""
    with pytest.raises(Refusal, match=r"is no package: it has no manifest\.json"):
        open_package(tmp_path)


def test_a_broken_manifest_is_refused(package_copy):
    """A manifest that cannot be read proves nothing."""
    (package_copy / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(Refusal, match=r"manifest\.json is not valid JSON"):
        open_package(package_copy)


def test_a_model_that_the_manifest_does_not_list_is_refused(package_copy):
    """A model whose bytes nothing vouches for is not loaded."""
    manifest = json.loads((package_copy / "manifest.json").read_text(encoding="utf-8"))
    del manifest["files"]["model.skops"]
    write_json(package_copy / "manifest.json", manifest)
    with pytest.raises(Refusal, match=r"model\.skops"):
        open_package(package_copy)


@pytest.mark.parametrize("manifest", [{}, [], {"files": []}, "text"])
def test_a_manifest_that_lists_no_files_is_refused(package_copy, manifest):
    """A manifest of another shape is no manifest."""
    write_json(package_copy / "manifest.json", manifest)
    with pytest.raises(Refusal, match=r"manifest\.json is no manifest"):
        open_package(package_copy)


def test_a_file_that_is_not_the_packages_does_not_matter(package_copy):
    """What someone puts beside the package is neither checked nor read."""
    (package_copy / "notes.txt").write_text("hello", encoding="utf-8")
    open_package(package_copy)


def remade_with(package, number):
    """Say that the model was made with another version of scikit-learn."""
    metadata = json.loads((package / "model.json").read_text(encoding="utf-8"))
    metadata["libraries"]["scikit-learn"] = number
    write_json(package / "model.json", metadata)
    sealed(package)


def test_another_version_of_scikit_learn_is_refused(package_copy):
    """A model of another minor version could answer differently without a word."""
    remade_with(package_copy, "1.2.3")
    installed = version("scikit-learn")
    message = (
        rf"(?s)made with scikit-learn 1\.2\.3, and {installed} is installed.*requirements\.lock"
    )
    with pytest.raises(Refusal, match=message):
        open_package(package_copy)


def test_another_bug_fix_of_scikit_learn_is_taken(package_copy):
    """Within a minor version models are compatible."""
    minor = version("scikit-learn").rsplit(".", 1)[0]
    remade_with(package_copy, f"{minor}.99")
    open_package(package_copy)


@pytest.mark.parametrize("wanted", ["1", "2.9.0", "0.9.1", "1.90.1"])
def test_a_version_is_compared_by_its_numbers(wanted, tmp_path):
    """Major and minor both have to be the same, as numbers and not as beginnings."""
    with pytest.raises(Refusal, match=f"made with scikit-learn {wanted}, and "):
        check_library("scikit-learn", wanted, tmp_path)


def test_an_untrusted_type_is_refused_even_with_a_fitting_manifest(package_copy):
    """The package cannot say what is to be trusted."""
    skops.io.dump(Foreign(), package_copy / "model.skops")
    sealed(package_copy)
    with pytest.raises(Refusal, match=r"Foreign, which the loader does not trust"):
        open_package(package_copy)


def test_the_manifest_is_checked_before_the_model_is_read(package_copy):
    """A model that was exchanged is refused for its bytes; what is in it is never looked at."""
    skops.io.dump(Foreign(), package_copy / "model.skops")
    with pytest.raises(Refusal, match="is not the file that was packaged"):
        open_package(package_copy)

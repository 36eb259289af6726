"""A package is believed only after everything in it was checked."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version

import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator

from modelkeep_core import model_file
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256, write_json
from modelkeep_core.inputs import model_inputs
from modelkeep_core.packaged import FORMAT, check_library, open_package
from modelkeep_core.transformers import ColumnFunction

pytestmark = pytest.mark.slow

FILES = [
    *("model.skops", "model.json", "schema.yaml", "example.json", "profile.json"),
    *("requirements.lock", "MODEL_CARD.md", "bom.json"),
]


class Foreign(BaseEstimator):
    """An estimator that no loader trusts."""


def sealed(package):
    """Write a manifest that fits the files as they are now."""
    paths = [path for path in sorted(package.rglob("*")) if path.is_file()]
    files = {path.relative_to(package).as_posix(): sha256(path) for path in paths}
    files.pop("manifest.json", None)
    write_json(package / "manifest.json", {"format": FORMAT, "files": files})


def test_a_package_opens_to_model_schema_and_metadata(run, classification):
    """What was packaged is ready to predict."""
    result = open_package(run.package)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    assert result.schema == classification
    assert result.metadata["name"] == "made-up"
    assert set(result.model.predict(model_inputs(rows, result.schema))) <= {"low", "mid", "high"}


def test_a_package_opens_wherever_it_lies(run, tmp_path):
    """A copy of the directory is all that is needed."""
    copy = shutil.copytree(run.package, tmp_path / "some" / "where")
    assert open_package(copy).metadata == open_package(run.package).metadata


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(package_copy, name):
    """One byte more in any file is found, and the file is named."""
    with (package_copy / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(UserError, match=rf"{name} is not the file that was packaged"):
        open_package(package_copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(package_copy, name):
    """A file that the manifest lists has to be there."""
    (package_copy / name).unlink()
    with pytest.raises(UserError, match=rf"{name} is missing; the manifest lists it"):
        open_package(package_copy)


def test_a_directory_that_is_missing_is_no_package(tmp_path):
    """What brings it back is said: it may have been deleted, or never pulled."""
    with pytest.raises(UserError, match=r"gone is no package: it is missing \(`dvc repro` makes"):
        open_package(tmp_path / "gone")


def test_a_directory_without_a_manifest_is_no_package(tmp_path):
    """Nothing is loaded from a directory that proves nothing."""
    with pytest.raises(UserError, match=r"is no package: it has no manifest\.json"):
        open_package(tmp_path)


def test_a_broken_manifest_is_refused(package_copy):
    """A manifest that cannot be read proves nothing."""
    (package_copy / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"manifest\.json is not valid JSON"):
        open_package(package_copy)


def test_a_model_that_the_manifest_does_not_list_is_refused(package_copy):
    """A model whose bytes nothing vouches for is not loaded."""
    manifest = json.loads((package_copy / "manifest.json").read_text(encoding="utf-8"))
    del manifest["files"]["model.skops"]
    write_json(package_copy / "manifest.json", manifest)
    with pytest.raises(UserError, match=r"model\.skops"):
        open_package(package_copy)


@pytest.mark.parametrize("manifest", [[], {"format": 1, "files": []}, {"format": 1}, "text"])
def test_a_manifest_that_lists_no_files_is_refused(package_copy, manifest):
    """A manifest of another shape is no manifest."""
    write_json(package_copy / "manifest.json", manifest)
    with pytest.raises(UserError, match=r"manifest\.json is no manifest"):
        open_package(package_copy)


def changed(package, name, **changes):
    """Change keys of a JSON file of a package; None takes one away; and seal the package."""
    content = json.loads((package / name).read_text(encoding="utf-8")) | changes
    content = {key: value for key, value in content.items() if value is not None}
    write_json(package / name, content)
    if name != "manifest.json":
        sealed(package)


@pytest.mark.parametrize("name", ["manifest.json", "model.json"])
@pytest.mark.parametrize("number", [None, 0, "1", 1.5])
def test_a_package_that_names_no_format_is_refused(package_copy, name, number):
    """How it is to be read is not guessed at."""
    changed(package_copy, name, format=number)
    with pytest.raises(UserError, match=rf"{name} names no format: it is not of a package"):
        open_package(package_copy)


@pytest.mark.parametrize("name", ["manifest.json", "model.json"])
def test_a_package_of_a_newer_format_is_refused(package_copy, name):
    """The message has both formats and the command that brings what can read it."""
    changed(package_copy, name, format=FORMAT + 1)
    message = rf"format {FORMAT + 1}, and this library reads up to {FORMAT}\. .*requirements\.lock"
    with pytest.raises(UserError, match=message):
        open_package(package_copy)


def test_a_newer_format_is_told_before_anything_else_is_read(package_copy):
    """Its manifest may be of another shape."""
    write_json(package_copy / "manifest.json", {"format": FORMAT + 1, "parts": []})
    with pytest.raises(UserError, match=f"format {FORMAT + 1}"):
        open_package(package_copy)


@pytest.mark.parametrize("change", [{"libraries": None}, {"libraries": {}}, {"code": None}])
def test_metadata_that_do_not_say_what_the_model_needs_are_refused(package_copy, change):
    """No traceback, whoever made the package."""
    changed(package_copy, "model.json", **change)
    with pytest.raises(UserError, match=r"model\.json does not say which scikit-learn"):
        open_package(package_copy)


# Code of the project


@pytest.fixture
def coded(package_copy, tmp_path, monkeypatch):
    """A package whose model holds a function of a project, which is gone."""
    project = tmp_path / "project"
    (project / "own").mkdir(parents=True)
    (project / "own" / "__init__.py").touch()
    code = "def twice(columns):\n    return columns['a'] * 2\n"
    (project / "own" / "steps.py").write_text(code, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.chdir(project)
        patch.syspath_prepend(project)
        step = ColumnFunction(importlib.import_module("own.steps").twice, "twice")
        model_file.save(step, package_copy / "model.skops", ["own.steps"])
    for name in ("own.steps", "own"):
        del sys.modules[name]
    shutil.rmtree(project)
    changed(package_copy, "model.json", code=["own.steps"])
    return package_copy


def test_code_of_a_package_runs_only_for_whoever_trusts_it(coded):
    """Without the word nothing is loaded; with it the model has the package's code."""
    with pytest.raises(UserError, match=r"code of its own \(own\.steps\).*--trust-code"):
        open_package(coded)
    assert "own.steps" not in sys.modules
    model = open_package(coded, trust_code=True).model
    assert model.transform(pd.DataFrame({"a": [1.0, 2.0]})).tolist() == [[2], [4]]
    assert "own.steps" not in sys.modules


def test_code_that_was_changed_is_refused_whoever_trusts_it(coded):
    """What somebody vouched for is what was packaged."""
    with (coded / "code" / "own" / "steps.py").open("a", encoding="utf-8") as file:
        file.write("1 / 0\n")
    with pytest.raises(UserError, match=r"steps\.py is not the file that was packaged"):
        open_package(coded, trust_code=True)


@pytest.mark.parametrize("name", ["own/more.py", "numpy.py", "own/__pycache__/steps.pyc"])
def test_code_that_the_manifest_does_not_list_is_refused(coded, name):
    """Whatever lies in `code/` could be imported."""
    (coded / "code" / name).parent.mkdir(exist_ok=True)
    (coded / "code" / name).write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(UserError, match="is not in the manifest: nobody vouches for it"):
        open_package(coded, trust_code=True)


def test_a_package_that_hides_its_code_is_refused(coded):
    """Metadata that name no code bring none to life, not even with the person's word."""
    changed(coded, "model.json", code=[])
    with pytest.raises(UserError, match=r"own\.steps\.twice, which the loader does not trust"):
        open_package(coded, trust_code=True)


def test_a_package_opens_where_there_is_no_work_tree(coded, tmp_path, monkeypatch):
    """A directory and this library are all that is needed, in a process of its own."""
    away = shutil.copytree(coded, tmp_path / "away" / "package")
    script = (
        "from pathlib import Path\n"
        "from modelkeep_core.packaged import open_package\n"
        "print(open_package(Path('package'), trust_code=True).model.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=away.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "twice\n"


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
    """A model of another minor version could predict differently without a word."""
    remade_with(package_copy, "1.2.3")
    installed = version("scikit-learn")
    message = (
        rf"(?s)made with scikit-learn 1\.2\.3, and {installed} is installed.*requirements\.lock"
    )
    with pytest.raises(UserError, match=message):
        open_package(package_copy)


def test_another_bug_fix_of_scikit_learn_is_taken(package_copy):
    """Within a minor version models are compatible."""
    minor = version("scikit-learn").rsplit(".", 1)[0]
    remade_with(package_copy, f"{minor}.99")
    open_package(package_copy)


@pytest.mark.parametrize("wanted", ["1", "2.9.0", "0.9.1", "1.90.1"])
def test_a_version_is_compared_by_its_numbers(wanted, tmp_path):
    """Major and minor both have to be the same, as numbers and not as beginnings."""
    with pytest.raises(UserError, match=f"made with scikit-learn {wanted}, and "):
        check_library("scikit-learn", wanted, tmp_path)


def test_an_untrusted_type_is_refused_even_with_a_fitting_manifest(package_copy):
    """The package cannot say what is to be trusted."""
    skops.io.dump(Foreign(), package_copy / "model.skops")
    sealed(package_copy)
    with pytest.raises(UserError, match=r"Foreign, which the loader does not trust"):
        open_package(package_copy)


def test_the_manifest_is_checked_before_the_model_is_read(package_copy):
    """A model that was exchanged is refused for its bytes; what is in it is never looked at."""
    skops.io.dump(Foreign(), package_copy / "model.skops")
    with pytest.raises(UserError, match="is not the file that was packaged"):
        open_package(package_copy)


# What a package from elsewhere may try


@pytest.mark.parametrize("name", ["../../../../../etc/hostname", "/etc/hostname", "..", "", "a\0b"])
def test_a_manifest_that_lists_what_is_elsewhere_is_refused(package_copy, name):
    """Files outside the package are not even hashed."""
    content = json.loads((package_copy / "manifest.json").read_text("utf-8"))
    content["files"][name] = "0" * 64
    write_json(package_copy / "manifest.json", content)
    with pytest.raises(UserError, match=r"leads out of|is no path"):
        open_package(package_copy)


@pytest.mark.parametrize("name", ["manifest.json", "model.json", "model.skops", "schema.yaml"])
@pytest.mark.parametrize("kind", ["pipe", "link", "device"])
def test_what_is_no_file_of_the_package_is_not_read(package_copy, name, kind):
    """A pipe is not waited for, and a link is not followed out."""
    path = package_copy / name
    outside = path.rename(package_copy.parent / "outside")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(outside if kind == "link" else "/dev/zero")
    with pytest.raises(UserError, match=r"no ordinary file|leads out of"):
        open_package(package_copy)


def test_a_directory_of_code_that_is_a_link_is_refused(coded, tmp_path):
    """It is not listed, and could be imported from."""
    (tmp_path / "elsewhere").mkdir()
    (coded / "code" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="is not in the manifest: nobody vouches for it"):
        open_package(coded, trust_code=True)


@pytest.mark.parametrize(
    "change",
    [
        *({"libraries": []}, {"libraries": {"scikit-learn": 5}}, {"code": "os"}, {"code": [5]}),
        *({"libraries": {"scikit-learn": "1.9.1", "numpy": 2}}, {"libraries": {"": "1"}}),
    ],
)
def test_metadata_of_other_types_are_refused(package_copy, change):
    """What is not what the format wants is no traceback."""
    changed(package_copy, "model.json", **change)
    with pytest.raises(UserError, match=r"model\.json does not say which scikit-learn"):
        open_package(package_copy)

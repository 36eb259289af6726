"""Code that a package carries runs unasked only where Git has the very package as a version."""

import json
import os
import shutil
from pathlib import Path

import pytest

from modelkeep.registry.vouching import is_whole, vouched
from modelkeep_core.files import read_json, write_json
from modelkeep_core.package import hashes


def seal(package):
    """Let metadata and manifest of a package list the files that it has, as `package` would."""
    metadata = read_json(package / "model.json")
    for name in ("model.json", "manifest.json"):
        (package / name).unlink()
    metadata["files"] = hashes(package)
    write_json(package / "model.json", metadata)
    write_json(package / "manifest.json", {"format": 1, "files": hashes(package)})


def test_the_package_of_the_present_commit_is_vouched_for(project):
    """Its metadata are those that are committed, and its files are those that they list."""
    assert vouched(Path("package"))


def test_a_package_counts_wherever_it_lies(project, tmp_path):
    """Its bytes decide."""
    assert vouched(shutil.copytree("package", tmp_path / "copy"))


@pytest.mark.parametrize("branch", ["weak", "strong"])
def test_a_registered_version_is_vouched_for(numbered, branch):
    """What was fetched of one that is not the present one, too."""
    numbered.run("fetch", branch, "got")
    assert vouched(Path("got"))


def test_a_version_without_a_number_is_not_vouched_for(project):
    """Somebody's branch is nobody's release."""
    project.run("fetch", "weak", "got")
    assert not vouched(Path("got"))


@pytest.mark.parametrize(
    "change",
    [
        lambda package: (package / "MODEL_CARD.md").write_text("", encoding="utf-8"),
        lambda package: (package / "MODEL_CARD.md").unlink(),
        lambda package: (package / "model.json").unlink(),
        lambda package: (package / "model.json").write_text("{}", encoding="utf-8"),
        lambda package: (package / "model.json").write_text("[" * 10**5, encoding="utf-8"),
        lambda package: (package / "model.json").write_bytes(b"\xff"),
        lambda package: (package / "json.py").write_text("", encoding="utf-8"),
        lambda package: (package / "link").symlink_to("model.skops"),
    ],
    ids=["changed", "removed", "no metadata", "empty", "nested", "no text", "added", "linked"],
)
def test_a_package_that_was_changed_is_not_vouched_for(project, change):
    """A file that nobody listed could be imported in the place of another."""
    change(Path("package"))
    assert not vouched(Path("package"))


@pytest.mark.parametrize("place", ["code/pipeline/features.py", "code/json/__init__.py"])
def test_a_package_that_was_changed_and_sealed_again_is_not_vouched_for(project, place):
    """It may be whole by its own word: what counts is that its metadata are committed."""
    package = Path("package")
    (package / place).parent.mkdir(parents=True)
    (package / place).write_text("print('hello')\n", encoding="utf-8")
    seal(package)
    assert not vouched(package)


def test_metadata_that_are_not_committed_vouch_for_nothing(project):
    """Not even where the work tree has them, as before a commit."""
    package = Path("package")
    metadata = read_json(package / "model.json") | {"title": "Another"}
    write_json(package / "model.json", metadata)
    seal(package)
    shutil.copy(package / "model.json", "model.json")
    assert not vouched(package)
    project.record()
    project.commit()
    assert vouched(package)


def test_metadata_of_another_file_of_the_commit_vouch_for_nothing(project):
    """They are a model's metadata where dvc.yaml and dvc.lock say so, and nowhere else."""
    package = Path("package")
    (package / "MODEL_CARD.md").write_text("Other\n", encoding="utf-8")
    seal(package)
    shutil.copy(package / "model.json", "other.json")
    project.commit()
    assert not vouched(package)


def test_where_there_is_no_repository_nobody_vouches(run, tmp_path, monkeypatch):
    """An image has a package, and no history."""
    monkeypatch.chdir(tmp_path)
    assert not vouched(run.package)
    assert not vouched(tmp_path / "nothing")


@pytest.mark.parametrize("change", ["less", "other"])
def test_a_manifest_that_says_something_else_than_the_metadata_is_not_whole(package_copy, change):
    """DVC names it by an MD5, which two files can share; Git has the SHA-256 of what it lists."""
    assert is_whole(package_copy)
    manifest = json.loads((package_copy / "manifest.json").read_bytes())
    if change == "less":
        del manifest["files"]["MODEL_CARD.md"]
    else:
        manifest["files"]["model.skops"] = "0" * 64
    (package_copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert not is_whole(package_copy)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes to be made")
@pytest.mark.parametrize("name", ["manifest.json", "model.json", "schema.yaml"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(package_copy, name):
    """Nobody may ever write into it."""
    (package_copy / name).unlink()
    os.mkfifo(package_copy / name)
    assert not is_whole(package_copy)

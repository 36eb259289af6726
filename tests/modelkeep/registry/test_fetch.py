"""The package of a version is put into a directory whole and verified, or not at all."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256, write_json
from modelkeep_core.packaged import open_package
from project import FORKS, contents, damage, killed_everywhere, nothing_left, relist

OUT = Path("../out")


def packaged(project, revision):
    """Return the bytes of the files of a version's package, by their names."""
    return {
        path.removeprefix("package/"): project.stored(name).read_bytes()
        for path, name in project.objects(revision).items()
        if path.startswith("package/")
    }


# What is fetched


@pytest.mark.parametrize("reference", ["v1.1.0", "prod", "strong"])
def test_the_package_of_a_version_is_fetched_by_any_of_its_names(numbered, reference):
    """It has the bytes that were packaged, and opens."""
    numbered.assign("prod", "strong")
    assert numbered.run("fetch", reference, "../out") == "../out: made-up v1.1.0, verified."
    assert contents(OUT) == packaged(numbered, "strong")
    assert open_package(OUT).metadata["name"] == "made-up"


def test_it_comes_from_the_remote_where_the_cache_is_gone(project):
    """As in a new clone; the cache has it afterwards."""
    project.lose_cache()
    project.run("fetch", "weak", "../out")
    assert contents(OUT) == packaged(project, "weak")
    assert project.cached(project.objects("weak")["package/model.skops"]).is_file()


def test_it_comes_from_the_cache_where_the_remote_is_gone(project):
    """Without need, the remote is not asked."""
    wanted = packaged(project, "main")
    shutil.rmtree(project.storage)
    project.run("fetch", "main", "../out")
    assert contents(OUT) == wanted


def test_directories_around_it_are_made(project):
    """The place may be anywhere."""
    project.run("fetch", "main", "../out/of the/way")
    assert contents(OUT / "of the" / "way") == packaged(project, "main")


def test_a_file_that_the_metadata_do_not_list_is_refused(project):
    """What DVC lists is not enough: the committed metadata name each file with its SHA-256."""
    extra = project.objects()["raw/rows.csv"]
    relist(project, lambda listed: listed.append({"md5": extra, "relpath": "more/a b/rows.csv"}))
    why = project.refusal("fetch", "HEAD", "../out")
    assert "does not have exactly the files that its committed metadata list" in why
    assert nothing_left()


def test_the_work_tree_is_left_alone(project):
    """Neither Git nor a file of the work tree notices."""

    def seen():
        files = (path for path in Path(".").rglob("*") if not {".git", ".dvc"} & {*path.parts})
        return {path: path.stat().st_mtime_ns for path in files}

    shutil.rmtree("package")
    before = project.status(), seen()
    project.run("fetch", "weak", "../out")
    assert (project.status(), seen()) == before


def test_a_bare_repository_will_do(numbered, monkeypatch, tmp_path):
    """A deployment needs no clone: tags, metadata and settings are read from the objects of Git."""
    bare = numbered.add_origin()
    numbered.git("push", "--quiet", "--tags", "origin")
    monkeypatch.chdir(tmp_path / "home")
    wanted = packaged(numbered, "strong")
    numbered.run("fetch", "v1.1.0", "by-path", "--repo", str(bare))
    numbered.run("fetch", "v1.1.0", "by-url", "--repo", bare.as_uri())
    assert contents(Path("by-path")) == contents(Path("by-url")) == wanted
    assert not [*bare.glob("*dvc*")]
    assert not [*Path().glob("registry-*")]


def test_a_repository_that_cannot_be_read_is_refused(project, tmp_path):
    """The message has its name, and Git's own words."""
    for where in ((tmp_path / "nothing").as_uri(), "https://user:secret@127.0.0.1:9/x"):
        with pytest.raises(UserError, match="cannot be read"):
            project.run("fetch", "main", "../out", "--repo", where)
    assert nothing_left()


# A directory that is there


def test_a_directory_that_is_the_package_already_is_left_as_it_is(project):
    """A deployment may be repeated: what someone put beside the package does not matter."""
    project.run("fetch", "main", "../out")
    (OUT / "notes.txt").write_text("mine", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in OUT.iterdir()}
    assert project.run("fetch", "main", "../out").endswith("verified.")
    assert {path: path.stat().st_mtime_ns for path in OUT.iterdir()} == before


@pytest.mark.parametrize("other", ["weak", "empty", "text"])
def test_another_directory_is_not_written_into(project, other):
    """What is there may be somebody's: another version, nothing, or a file."""
    if other == "weak":
        project.run("fetch", "weak", "../out")
    elif other == "empty":
        OUT.mkdir()
    else:
        OUT.write_text("mine", encoding="utf-8")
    before = contents(OUT), OUT.is_file()
    number = project.id("main")[:7]
    why = project.refusal("fetch", "main", "../out")
    assert why == f"../out exists, and is not {number}: remove it, or name another."
    assert (contents(OUT), OUT.is_file()) == before


@pytest.mark.parametrize("change", ["changed", "missing"])
def test_a_package_that_was_changed_is_told(project, change):
    """The file is named."""
    project.run("fetch", "main", "../out")
    if change == "changed":
        (OUT / "MODEL_CARD.md").write_text("Better", encoding="utf-8")
    else:
        (OUT / "MODEL_CARD.md").unlink()
    why = project.refusal("fetch", "main", "../out")
    assert "MODEL_CARD.md is" in why


def test_a_manifest_that_was_made_to_fit_is_not_believed(project):
    """A directory is verified by what is committed, not by what it says of itself."""
    project.run("fetch", "main", "../out")
    (OUT / "model.skops").write_bytes(b"another model")
    manifest = json.loads((OUT / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["model.skops"] = sha256(OUT / "model.skops")
    write_json(OUT / "manifest.json", manifest)
    assert "exists, and is not" in project.refusal("fetch", "main", "../out")


# What is missing or damaged


@pytest.mark.parametrize("path", ["package", "package/model.skops"])
def test_an_object_that_is_nowhere_is_told_before_anything_is_written(project, path):
    """Neither a part of the package is there then, nor any other object of it in the cache."""
    names = project.objects()
    project.lose_cache()
    project.stored(names[path]).unlink()
    why = project.refusal("fetch", "main", "../out")
    assert f"{path} (object {names[path]}) is not usable in the cache, and not in the remote" in why
    assert nothing_left()
    assert not project.cached(names["package/model.json"]).exists()


@pytest.mark.parametrize("path", ["package", "package/model.skops"])
def test_a_damaged_object_of_the_cache_is_told_and_mended(project, path, capsys):
    """The remote's takes its place, and the package is whole."""
    name = project.objects()[path]
    damage(project.cached(name))
    project.run("fetch", "main", "../out")
    assert f"note: {path} is damaged in the cache: " in capsys.readouterr().err
    assert contents(OUT) == packaged(project, "main")
    assert project.cached(name).read_bytes() == project.stored(name).read_bytes()


@pytest.mark.parametrize("path", ["package", "package/model.skops"])
def test_a_damaged_object_of_the_remote_is_refused(project, path):
    """Nothing of it is written."""
    name = project.objects()[path]
    project.lose_cache()
    damage(project.stored(name))
    why = project.refusal("fetch", "main", "../out")
    assert why == f"{path} (object {name}) is damaged in the remote 'storage'."
    assert nothing_left()


def test_a_damaged_package_is_not_mended_by_bytes_that_its_manifest_does_not_know(project):
    """A list that names another object for a file is found by the manifest."""
    weak = project.objects("weak")["package/model.skops"]

    def change(listed):
        next(entry for entry in listed if entry["relpath"] == "model.skops")["md5"] = weak

    relist(project, change)
    assert "model.skops is not the file that was packaged" in project.refusal(
        "fetch", "HEAD", "../out"
    )
    assert nothing_left()


def test_a_list_that_leads_out_of_the_directory_is_refused(project):
    """No file is written beside it."""
    name = project.objects()["raw/rows.csv"]
    relist(project, lambda listed: listed.append({"md5": name, "relpath": "../evil.csv"}))
    why = project.refusal("fetch", "HEAD", "../out")
    assert why == "'../evil.csv' leads out of package: it is not written."
    assert nothing_left()


def test_a_package_with_other_metadata_than_the_committed_is_refused(project):
    """What the registry says of a version is what is committed: the package has to agree."""
    text = Path("model.json").read_text(encoding="utf-8")
    Path("model.json").write_text(text.replace("Made up", "Made better"), encoding="utf-8")
    commit = project.commit()
    why = project.refusal("fetch", "HEAD", "../out")
    assert why == f"the package of {commit[:7]} does not have the metadata that are committed."
    assert nothing_left()


def test_a_version_without_a_package_is_refused(project):
    """Where no stage makes what dvc.yaml names, there is nothing to fetch."""
    text = Path("dvc.yaml").read_text(encoding="utf-8")
    Path("dvc.yaml").write_text(text.replace("path: package", "path: elsewhere"), encoding="utf-8")
    commit = project.commit()
    why = project.refusal("fetch", "HEAD", "../out")
    assert why == f"dvc.lock of commit {commit[:7]} has no package of the model 'made-up'."


def test_a_place_that_cannot_be_written_is_refused(project):
    """The system's own words say why."""
    OUT.write_text("a file", encoding="utf-8")
    why = project.refusal("fetch", "main", "../out/package")
    assert why == "../out/package cannot be written: Not a directory."


@FORKS
def test_a_fetch_that_is_killed_leaves_no_half_package(project):
    """Killed at any step, there is nothing under the name, and the next try works."""
    for _ in killed_everywhere(lambda: project.run("fetch", "main", "../out")):
        assert not OUT.exists() or contents(OUT) == packaged(project, "main")
    assert contents(OUT) == packaged(project, "main")
    assert [path.name for path in Path("..").glob("*out*")] == ["out"]
    assert not [*Path("..").glob(".*partial")]


@FORKS
def test_a_fetch_into_the_cache_that_is_killed_can_be_repeated(project):
    """No object is in the cache by half, wherever the process ends."""
    wanted = set(project.objects().values())
    project.lose_cache()
    for _ in killed_everywhere(lambda: project.run("fetch", "main", "../out"), stride=3):
        for name in wanted:
            path = project.cached(name)
            assert not path.exists() or path.read_bytes() == project.stored(name).read_bytes()
    assert contents(OUT) == packaged(project, "main")


def test_everybody_may_read_what_was_fetched(project):
    """In an image another user serves it, whatever the umask of who fetched it."""
    before = os.umask(0o077)
    try:
        project.run("fetch", "main", "../out")
    finally:
        os.umask(before)
    out = Path("../out")
    assert out.stat().st_mode & 0o777 == 0o755
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}


def test_a_stage_is_fetched_only_where_its_commit_was_registered(project):
    """A tag by hand puts nothing into a deployment."""
    project.assign("prod", "main")
    assert "has no version number" in project.refusal("fetch", "prod", "../out")
    assert not Path("../out").exists()


def test_a_cache_that_cannot_be_written_is_named(numbered, tmp_path):
    """And not the directory that was asked for, with which nothing is wrong."""
    numbered.lose_cache()
    Path(".dvc/cache").write_text("no directory", encoding="utf-8")
    assert re.fullmatch(
        r"the cache \S*\.dvc/cache cannot be written: (Not a directory|File exists)\. "
        "`dvc cache dir --local DIR` names another\\.",
        numbered.refusal("fetch", "v1.0.0", str(tmp_path / "fetched")),
    )
    assert not (tmp_path / "fetched").exists()

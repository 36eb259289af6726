"""One command says of all versions whether their bytes are in the remote; cron can run it."""

import shutil
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelkeep.cli import main
from modelkeep.registry.catalogue import Catalogue
from project import SETTINGS, UNREACHED, damage, dvc, git


def entries(project, *words):
    """Return what is found of each version, by its number."""
    return {entry["version"]: entry for entry in project.data("fsck", *words)[0]}


def paths(entry):
    """Return the faults of a version: path and problem."""
    return [(fault["path"], fault["problem"]) for fault in entry["faults"]]


def ended(monkeypatch, *words):
    """Run the command as a person would, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["modelkeep", "fsck", *words])
    return main()


def test_whole_versions_are_said_to_be_whole(numbered, monkeypatch, capsys):
    """With an exit status that says so as well, whatever the cache has."""
    numbered.assign("prod", "weak")
    numbered.lose_cache()
    assert ended(monkeypatch, "--deep") == 0
    assert capsys.readouterr().out.splitlines() == [
        "VERSION         STAGES  BYTES",
        "made-up v1.2.0  -       whole",
        "made-up v1.1.0  -       whole",
        "made-up v1.0.0  prod    whole",
    ]


def test_what_is_lost_is_named_with_its_version(numbered, monkeypatch, capsys):
    """A list of a directory, a file of it, or data that all versions share."""
    shared = numbered.objects("weak")["raw/rows.csv"]
    for name in (numbered.kept("weak")["package"], shared):
        numbered.stored(name).unlink()
    assert ended(monkeypatch) == 1
    versions = entries(numbered)
    assert paths(versions["v1.0.0"]) == [("raw/rows.csv", "missing"), ("package", "missing")]
    assert paths(versions["v1.1.0"]) == [("raw/rows.csv", "missing")]
    shown = capsys.readouterr().out
    assert "made-up v1.0.0  -       missing: raw/rows.csv and 1 more\n" in shown
    assert "3 of 3 are not whole. On a machine that has the bytes, `modelkeep fsck --rep" in shown


@pytest.mark.parametrize("cache", [True, False])
def test_a_size_that_does_not_fit_is_noticed_without_reading_all(numbered, cache):
    """The commit says how large the files are together, and the cache how large each is."""
    if not cache:
        numbered.lose_cache()
    damage(numbered.stored(numbered.objects("strong")["package/model.skops"]), b"cut")
    versions = entries(numbered)
    assert paths(versions["v1.1.0"]) == [("package/model.skops", "damaged")]
    assert versions["v1.0.0"]["whole"]


def test_other_bytes_of_the_same_size_are_noticed_where_all_are_read(numbered):
    """It is what --deep is for."""
    stored = numbered.stored(numbered.objects("strong")["package/model.skops"])
    damage(stored, stored.read_bytes()[::-1])
    assert entries(numbered)["v1.1.0"]["whole"]
    versions = entries(numbered, "--deep")
    assert paths(versions["v1.1.0"]) == [("package/model.skops", "damaged")]


def test_what_the_cache_has_is_sent(numbered, monkeypatch, capsys):
    """Missing or damaged, file or list; what is damaged here as well is left."""
    objects = numbered.objects("weak")
    lost, cut, gone = (
        objects[path] for path in ("package", "package/model.skops", "models/model.skops")
    )
    numbered.stored(lost).unlink()
    damage(numbered.stored(cut), b"cut")
    assert ended(monkeypatch, "--repair") == 0
    assert "2 objects were sent to the remote 'storage'." in capsys.readouterr().err
    for name in (lost, cut):
        assert numbered.stored(name).read_bytes() == numbered.cached(name).read_bytes()
        assert numbered.stored(name).stat().st_mode & 0o777 == 0o444
    numbered.stored(gone).unlink()
    damage(numbered.cached(gone))
    assert ended(monkeypatch, "--repair") == 1
    assert not numbered.stored(gone).exists()


def test_damage_of_the_cache_is_told_and_mended(numbered, capsys):
    """DVC trusts what is in the cache, and would send it anywhere."""
    name = numbered.objects("weak")["models/model.skops"]
    damage(numbered.cached(name))
    assert entries(numbered, "--deep")["v1.0.0"]["whole"]
    assert "models/model.skops is damaged in the cache: " in capsys.readouterr().err
    entries(numbered, "--deep", "--repair")
    assert numbered.cached(name).read_bytes() == numbered.stored(name).read_bytes()


def test_versions_can_be_named(numbered):
    """By number, stage or revision; others are left out."""
    numbered.stored(numbered.kept("weak")["package"]).unlink()
    assert entries(numbered, "v1.1.0", "main").keys() == {"v1.1.0", "v1.2.0"}


def test_a_shallow_clone_does_not_say_that_all_is_whole(numbered, monkeypatch, capsys):
    """It knows the versions of some commits only; one that is named is checked."""
    shallow = numbered.directory.with_name("shallow")
    source = f"file://{numbered.directory}"
    git(numbered.directory.parent, "clone", "--quiet", "--depth", "1", source, shallow)
    shutil.copy(".dvc/config.local", shallow / ".dvc")
    monkeypatch.chdir(shallow)
    assert ended(monkeypatch) == 2
    assert "this clone is shallow" in capsys.readouterr().err
    assert ended(monkeypatch, "HEAD") == 0


def test_what_is_in_a_stage_without_a_number_is_checked_too(project):
    """A server would serve it."""
    project.assign("prod", "weak")
    (entry,) = project.data("fsck")[0]
    assert (entry["version"], entry["stages"], entry["whole"]) == (None, ["prod"], True)


def test_another_repository_is_checked_from_anywhere(numbered):
    """A bare one on a server, such as by cron, with an empty cache."""
    numbered.add_origin()
    numbered.git("push", "--quiet", "--tags", "origin")
    assert all(entry["whole"] for entry in entries(numbered, "--repo", "../origin.git").values())


def test_what_cannot_be_checked_is_a_mistake_and_no_finding(numbered, monkeypatch, capsys):
    """Nobody knows: exit status 2, as other commands that cron runs have it."""
    Path(".dvc/config.local").write_text(SETTINGS.format(UNREACHED), encoding="utf-8")
    assert ended(monkeypatch) == 2
    assert capsys.readouterr().err.startswith("error: the remote 'storage' cannot be used: ")


def test_a_remote_that_cuts_what_it_sends_is_not_said_to_have_damaged_bytes(
    numbered, monkeypatch, capsys
):
    """A connection that breaks in the middle says nothing of what is there."""
    store = numbered.storage

    class Cutting(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(store))

        def copyfile(self, source, outputfile):
            content = source.read()
            outputfile.write(content[: len(content) // 2])
            self.close_connection = True

        def log_message(self, *_):
            pass

    numbered.lose_cache()
    with ThreadingHTTPServer(("127.0.0.1", 0), Cutting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        Path(".dvc/config.local").write_text(SETTINGS.format(url), encoding="utf-8")
        assert ended(monkeypatch) == 2
        server.shutdown()
    shown = capsys.readouterr()
    assert shown.err.startswith("error: the remote 'storage' cannot be used: ")
    assert "damaged" not in shown.out + shown.err


def test_a_cache_that_takes_nothing_is_no_damage_of_the_remote(numbered):
    """What is whole there is not called damaged; nor is anything sent in its place."""
    numbered.lose_cache()
    Path(".dvc/cache").write_text("no directory", encoding="utf-8")
    for words in ((), ("--deep", "--repair")):
        message = numbered.refusal("fsck", *words)
        assert "cannot be written" in message
        assert "names another" in message


def test_without_a_version_there_is_nothing_to_check(project):
    """It is said, and is no success."""
    assert project.refusal("fsck") == "no version is registered here: there is nothing to check."


def test_list_warns_where_a_stage_has_lost_its_package(numbered):
    """Without asking DVC, and only where the remote is a directory that is there."""
    numbered.assign("prod", "weak")
    before = numbered.run("list")
    assert "fsck" not in before
    numbered.stored(numbered.objects("weak")["package/model.skops"]).unlink()
    assert numbered.run("list") == (
        f"{before}\nv1.0.0 (prod): its package is not whole in the DVC remote. `modelkeep fsck` "
        "tells more."
    )
    numbered.stored(numbered.kept("weak")["package"]).unlink()
    assert "not whole" in numbered.run("list")
    shutil.rmtree(numbered.storage)
    assert numbered.run("list") == before


@pytest.mark.parametrize("claimed", ["true", "another"])
def test_list_believes_a_tag_as_far_as_the_lock_says_the_same(project, monkeypatch, claimed):
    """What `register` noted of the package saves reading the lock; another claim does not."""
    project.run("register")
    message = project.message("made-up@v1.0.0")
    content = project.kept()["package"]
    assert f"\nPackage: {content} package" in message
    if claimed == "another":
        raw = project.kept()["raw"]
        project.git("tag", "-d", "made-up@v1.0.0")
        project.tag("made-up@v1.0.0", "main", message.replace(content, raw))
    project.tag("made-up#prod#1", "main")
    read = []
    real = Catalogue.pipeline
    monkeypatch.setattr(Catalogue, "pipeline", lambda *args: read.append(1) or real(*args))
    assert "its package is not whole" not in project.run("list")
    project.stored(content).unlink()
    assert "v1.0.0 (prod): its package is not whole" in project.run("list")
    assert bool(read) == (claimed == "another")


# Outputs that have a remote for themselves


@pytest.fixture
def spread(project, tmp_path):
    """The project, whose package is pushed to a remote of its own, and its data to a third one."""
    for name in ("far", "cold"):
        assert dvc(project.directory, "remote", "add", "--local", name, tmp_path / name) == 0
    pipeline, pointer = Path("dvc.yaml"), Path("raw.dvc")
    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(text.replace("- package\n", "- package: {remote: far}\n"), encoding="utf-8")
    pointer.write_text(pointer.read_text(encoding="utf-8") + "  remote: cold\n", encoding="utf-8")
    project.commit()
    return project


def test_bytes_are_looked_for_in_the_remote_of_their_output(spread, tmp_path):
    """What the default remote has of them is no help to whoever fetches, and DVC does not look."""
    assert spread.refusal("register").startswith("the remote 'cold' does not have raw/")
    assert dvc(spread.directory, "push") == 0
    spread.run("register")
    spread.tag("made-up#prod#1", "main")
    before = spread.run("list")
    package = spread.kept()["package"]
    (place,) = (tmp_path / "far").rglob(package[2:])
    place.unlink()
    assert "its package is not whole" in spread.run("list")
    assert paths(entries(spread)["v1.0.0"]) == [("package", "missing")]
    assert "the remote 'far' does not have package" in spread.refusal(
        *("promote", "v1.0.0", "staging", "--force", "-m", "x")
    )
    spread.run("fsck", "--repair")
    assert (entries(spread)["v1.0.0"]["whole"], spread.run("list")) == (True, before)


def test_bytes_come_from_the_remote_of_their_output(spread, tmp_path):
    """On a machine without a cache: package, data, and what else is needed to restore."""
    assert dvc(spread.directory, "push") == 0
    spread.tag("made-up@v1.0.0", "main")
    spread.stored(spread.kept()["package"]).unlink()
    spread.lose_cache()
    assert "verified" in spread.run("fetch", "v1.0.0", str(tmp_path / "package"))
    spread.lose_cache()
    assert "verified" in spread.run("restore", "v1.0.0", "--into", str(tmp_path / "restored"))
    spread.lose_cache()
    assert "0 objects" in spread.run("gc", "--older-than", "0")


def test_a_remote_that_nobody_added_is_named(spread):
    """The name in dvc.yaml is not enough."""
    assert dvc(spread.directory, "remote", "remove", "--local", "cold") == 0
    assert spread.refusal("register") == (
        "DVC has no remote 'cold': `dvc remote add cold URL` adds it."
    )


# What comes from another repository


@pytest.fixture
def source(project, tmp_path):
    """A repository that the data of this project were imported from."""
    place = tmp_path / "source"
    place.mkdir()
    git(place, "init", "--quiet")
    (place / ".dvc").mkdir()
    settings = SETTINGS.format(tmp_path / "source-storage")
    (place / ".dvc" / "config").write_text(settings, encoding="utf-8")
    shutil.copy("raw.dvc", place)
    shutil.copytree(project.storage, tmp_path / "source-storage")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", "Data")
    shutil.rmtree("raw")
    Path("raw.dvc").unlink()
    assert dvc(project.directory, "import", place, "raw", "--out", "raw", "--force") == 0
    project.commit("Import")
    for name in (project.kept()["raw"], project.objects()["raw/rows.csv"]):
        project.stored(name).unlink()
    return place


def test_imported_data_are_looked_for_in_their_source(project, source):
    """This project's own remote does not have them, which is as it should be."""
    project.tag("made-up@v1.0.0", "main")
    assert entries(project)["v1.0.0"]["whole"]
    shutil.rmtree(source.with_name("source-storage"))
    entry = entries(project)["v1.0.0"]
    assert entry["problem"].startswith(
        f"raw was imported from {source}, which does not have raw/rows.csv any more: whoever"
    )
    assert not entry["whole"]
    shutil.rmtree(source)
    entry = entries(project)["v1.0.0"]
    assert entry["problem"].startswith(f"whether {source} still has raw (raw.dvc) cannot be told: ")


def test_files_in_git_of_the_source_are_there_as_well(project, source):
    """`dvc import` brings files of Git, too."""
    shutil.rmtree(source.with_name("source-storage"))
    git(source, "rm", "--quiet", "raw.dvc")
    shutil.copytree("raw", source / "raw")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "-m", "In Git")
    pointer = Path("raw.dvc").read_text(encoding="utf-8")
    old = pointer.partition("rev_lock: ")[2].split()[0]
    commit = git(source, "rev-parse", "HEAD").strip()
    Path("raw.dvc").write_text(pointer.replace(old, commit), encoding="utf-8")
    project.commit("Import anew")
    project.tag("made-up@v1.0.0", "main")
    assert entries(project)["v1.0.0"]["whole"]


def test_register_proves_that_the_source_still_has_the_bytes(project, source):
    """Nothing of an import is ever pushed: the source is all that there is."""
    storage = source.with_name("source-storage")
    storage.rename(storage.with_name("moved"))
    why = project.refusal("register")
    assert "which does not have raw/rows.csv any more: whoever clones this cannot have it" in why
    storage.with_name("moved").rename(storage)
    # That there are newer data is no reason to wait: the commit names those that it learnt from.
    git(source, "commit", "--quiet", "--allow-empty", "-m", "Newer")
    project.run("register")

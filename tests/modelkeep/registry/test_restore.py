"""All that a version was made of, and made, comes back byte for byte in a place of its own."""

import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest

from modelkeep.registry import restore
from modelkeep.registry.restore import check_places
from modelkeep_core.errors import UserError
from project import FORKS, contents, damage, dvc, git, killed_everywhere, nothing_left, relist

OUT = Path("../out")


@pytest.fixture
def quick(monkeypatch):
    """Let DVC do its work in this process."""

    def done(directory, *words):
        assert dvc(directory, *words) == 0

    monkeypatch.setattr(restore, "dvc", done)


def is_restored(project, revision, directory=OUT):
    """Say whether a directory has all files of a version in Git and in DVC, and no others."""
    wanted = {
        path: project.stored(name).read_bytes()
        for path, name in project.objects(revision).items()
        if "/" in path
    }
    for name in project.git("ls-tree", "-r", "--name-only", revision).split():
        shown = subprocess.run(
            ["git", "show", f"{revision}:{name}"], capture_output=True, check=True
        )
        wanted[name] = shown.stdout
    own = (".git/", ".dvc/config.local", ".dvc/cache/", ".dvc/tmp/")
    files = contents(directory)
    return {path: files[path] for path in files if not path.startswith(own)} == wanted


def test_a_version_comes_back_byte_for_byte(numbered):
    """Code, parameters, data, models, reports: what Git has and what DVC has."""
    commit = numbered.id("weak")[:7]
    assert numbered.run("restore", "v1.0.0", "--into", "../out") == (
        f"../out: made-up v1.0.0, commit {commit}, with 17 files of data and models, verified."
    )
    assert is_restored(numbered, "weak")


def test_what_is_restored_is_a_project_of_its_own(project, quick):
    """Git and DVC find it clean, on the version's commit, and what is done there stays there."""
    from dvc.repo import Repo

    before = project.status(), contents(Path(".dvc/cache/files"))
    origin = project.add_origin()
    project.run("restore", "weak", "--into", "../out")
    assert git(OUT, "status", "--porcelain") == ""
    assert git(OUT, "rev-parse", "HEAD").strip() == project.id("weak")
    assert git(OUT, "remote", "get-url", "origin").strip() == str(origin)
    with chdir(OUT), Repo(".") as repo:
        assert repo.status() == {}
    for path in ("raw/rows.csv", "models/model.skops", "params.yaml"):
        (OUT / path).write_bytes(b"changed")
    assert (project.status(), contents(Path(".dvc/cache/files"))) == before


def test_the_work_tree_is_left_alone(project, quick):
    """What is checked out here, and what is changed here, stays."""
    Path("params.yaml").write_text("mine", encoding="utf-8")
    shutil.rmtree("models")
    before = contents(Path("package")), project.status(), project.git("rev-parse", "HEAD")
    project.run("restore", "weak", "--into", "../out")
    assert is_restored(project, "weak")
    after = contents(Path("package")), project.status(), project.git("rev-parse", "HEAD")
    assert after == before
    assert not Path("models").exists()


def test_it_lies_beside_this_project_where_no_place_is_named(numbered, quick):
    """The version is in the name of the directory."""
    shown = numbered.run("restore", "v1.1.0")
    place = numbered.directory.with_name("project-v1.1.0")
    assert shown.startswith(f"{place}: made-up v1.1.0")
    assert is_restored(numbered, "strong", place)


def test_directories_around_it_are_made(project, quick):
    """The place may be anywhere."""
    project.run("restore", "main", "--into", "../out/of the/way")
    assert is_restored(project, "main", OUT / "of the" / "way")


def test_it_comes_from_the_remote_where_the_cache_is_gone(project, quick):
    """As in a new clone; the two share the cache afterwards."""
    project.lose_cache()
    project.run("restore", "weak", "--into", "../out")
    assert is_restored(project, "weak")
    assert all(project.cached(name).is_file() for name in project.objects("weak").values())
    assert not (OUT / ".dvc/cache/files").exists()


def test_a_damaged_object_of_the_cache_is_mended(project, quick, capsys):
    """The remote's takes its place, and the damage is told."""
    damage(project.cached(project.objects()["raw/rows.csv"]))
    project.run("restore", "main", "--into", "../out")
    assert "raw/rows.csv is damaged in the cache" in capsys.readouterr().err
    assert is_restored(project, "main")


def test_a_project_in_a_directory_is_restored_with_its_repository(project, quick):
    """The message names the project, and the rest of the repository is there too."""
    top = project.directory.parent
    shutil.rmtree(".git")
    git(top, "init", "--quiet")
    (top / "README.md").write_text("All", encoding="utf-8")
    git(top, "add", "project", "README.md")
    git(top, "commit", "--quiet", "-m", "All")
    shown = project.run("restore", "HEAD", "--into", "../out")
    assert shown.startswith("../out/project: project:made-up ")
    assert contents(OUT / "project" / "models") == contents(Path("models"))
    assert (OUT / "README.md").is_file()


def test_data_of_another_repository_come_from_there(project, quick, tmp_path):
    """What was imported is in neither cache nor remote of this project."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "shops.csv").write_text("shop\n1\n", encoding="utf-8")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "-m", "Shops")
    assert dvc(project.directory, "import", other, "shops.csv") == 0
    project.commit()
    project.lose_cache()
    project.run("restore", "HEAD", "--into", "../out")
    assert (OUT / "shops.csv").read_text(encoding="utf-8") == "shop\n1\n"


# What is refused


@pytest.mark.parametrize("path", ["raw/rows.csv", "models", "package/model.skops"])
def test_an_object_that_is_nowhere_is_told_before_anything_is_written(project, quick, path):
    """The message names the file or directory, and where help may be."""
    name = project.objects()[path]
    project.lose_cache()
    project.stored(name).unlink()
    why = project.refusal("restore", "main", "--into", "../out/deep")
    assert f"(object {name}) is not usable in the cache, and not in the remote 'storage'" in why
    assert nothing_left()


def test_a_damaged_object_of_the_remote_is_refused(project, quick):
    """Nothing is left of the clone that was begun."""
    name = project.objects()["raw/rows.csv"]
    project.lose_cache()
    damage(project.stored(name))
    assert "raw/rows.csv (object" in project.refusal("restore", "main", "--into", "../out")
    assert nothing_left()


@pytest.mark.parametrize("there", ["directory", "file"])
def test_what_is_there_is_not_written_into(project, there):
    """The message says how to name another place."""
    if there == "directory":
        OUT.mkdir()
    else:
        OUT.write_text("mine", encoding="utf-8")
    why = project.refusal("restore", "main", "--into", "../out")
    assert why == "../out exists: name another directory with --into DIR."
    assert contents(OUT) == {}


def test_a_list_that_leads_out_of_its_directory_is_refused(project, quick):
    """No file is written outside of the directory."""
    name = project.objects()["raw/rows.csv"]
    relist(project, lambda listed: listed.append({"md5": name, "relpath": "../../evil.csv"}))
    why = project.refusal("restore", "HEAD", "--into", "../out")
    assert "'../../evil.csv' leads out of package" in why
    assert nothing_left()


def test_a_file_that_is_not_what_it_should_be_is_refused(project, monkeypatch):
    """What was put in place is verified, whoever put it there; nothing of it is left."""
    monkeypatch.setattr(restore, "dvc", lambda *_: None)
    why = project.refusal("restore", "main", "--into", "../out")
    assert why == "raw/rows.csv is not what dvc.lock says."
    assert nothing_left()


def test_every_file_is_verified(project, quick, monkeypatch):
    """A single byte in the last of them is found."""
    done = restore.dvc

    def spoilt(directory, *words):
        done(directory, *words)
        with (directory / "package" / "schema.yaml").open("ab") as file:
            file.write(b"\n")

    monkeypatch.setattr(restore, "dvc", spoilt)
    why = project.refusal("restore", "main", "--into", "../out")
    assert why == "package/schema.yaml is not what dvc.lock says."


def test_raw_data_of_the_same_md5_are_not_enough(project, quick, monkeypatch):
    """Whoever could make two such files would be found by the SHA-256 that Git has."""

    class Colliding(str):
        __hash__ = str.__hash__

        def __ne__(self, _):
            return False

    done = restore.dvc

    def forged(directory, *words):
        done(directory, *words)
        raw = directory / "raw" / "rows.csv"
        content = raw.read_bytes()
        raw.unlink()
        raw.write_bytes(content.replace(b"1", b"2", 1))

    monkeypatch.setattr(restore, "dvc", forged)
    monkeypatch.setattr(restore, "md5", lambda _: Colliding())
    why = project.refusal("restore", "main", "--into", "../out")
    assert why.startswith("raw/rows.csv is not the file that ")
    assert nothing_left()


def test_a_command_of_dvc_that_fails_is_told(project):
    """DVC's own words say why."""
    with pytest.raises(UserError, match=r"`dvc checkout` failed: .*nothing"):
        restore.dvc(Path("."), "checkout", "nothing")


def test_a_file_of_the_project_is_not_taken_for_a_module(project):
    """A version may have a file that is called like a module of Python: it is not run."""
    Path("copy.py").write_text("no module", encoding="utf-8")
    restore.dvc(Path("."), "config", "core.remote")


def test_without_outputs_nothing_is_checked_out(project, monkeypatch):
    """DVC would check out everything where nothing is named."""
    monkeypatch.setattr(restore, "dvc", None)
    assert restore.check_out(Path("."), []) == 0


def test_a_commit_that_cannot_be_cloned_is_refused(project):
    """Git's own words say why."""
    OUT.mkdir()
    (OUT / "file").write_text("", encoding="utf-8")
    with project.catalogue() as catalogue:
        version = catalogue.at("made-up", project.id("main"))
        with pytest.raises(
            UserError, match=f"commit {version.label} cannot be cloned: .*not an empty"
        ):
            restore.cloned(catalogue.git, version, OUT)


def test_a_place_that_cannot_be_written_is_refused(project, quick):
    """The system's own words say why."""
    OUT.write_text("a file", encoding="utf-8")
    why = project.refusal("restore", "main", "--into", "../out/deep")
    assert why.startswith("../out/deep cannot be written: ")


@FORKS
def test_a_restoration_that_is_killed_leaves_no_half_directory(project, quick):
    """Killed at any step, there is nothing under the name, and the next try works."""
    for _ in killed_everywhere(
        lambda: project.run("restore", "weak", "--into", "../out"), stride=12
    ):
        assert project.status() == ""
        if OUT.exists():
            break
    assert is_restored(project, "weak")
    assert not [*Path("..").glob(".*partial")]


@pytest.mark.parametrize("path", ["out/x", "link"])
def test_nothing_is_written_through_a_link_of_the_commit(tmp_path, path):
    """A commit may have a link where an output is to be, or a directory above it."""
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (project / "out").symlink_to(outside)
    (project / "link").symlink_to(outside / "file")
    (project / "own").mkdir()
    check_places(project, ["own/x", "new/x", ".dvc/config.local"])
    with pytest.raises(UserError, match="leads out of the project, through a link"):
        check_places(project, ["own/x", path])

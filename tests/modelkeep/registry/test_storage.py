"""Objects are found by their names, believed by their bytes alone, and mended from the remote."""

import errno
import hashlib
import json
import os
import re
import shutil
import threading
import time
from contextlib import chdir, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import opened
from modelkeep.registry.lost import warning
from modelkeep.registry.storage import Storage, md5, storage_of
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import inside, object_name
from project import SETTINGS, UNREACHED, damage, git, object_in

LOST = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.fixture
def storage(project):
    """The storage of the project."""
    return Storage(Path(".dvc"))


@pytest.fixture
def name(project):
    """The object of a file of the package."""
    return project.objects()["package/model.skops"]


def leftovers():
    """Return what is in the cache and does not have the name of an object."""
    files = (path.name for path in Path(".dvc/cache/files").rglob("*") if path.is_file())
    return [name for name in files if not re.fullmatch(r"[0-9a-f]{30}(\.dir)?", name)]


# Where objects are


def test_an_object_is_looked_up_in_the_cache(project, storage, name):
    """Only those that are there are returned."""
    assert storage.in_cache([name, LOST]) == {name}
    assert storage.path(name) == Path(".dvc/cache/files/md5") / name[:2] / name[2:]
    project.cached(name).unlink()
    assert storage.in_cache([name]) == set()


def test_an_object_is_looked_up_in_the_remote(project, storage, name):
    """Only those that are there are returned, whether the cache has them or not."""
    project.lose_cache()
    assert storage.in_remote([name, LOST]) == {name}
    project.stored(name).unlink()
    assert storage.in_remote(iter([name])) == set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes to be made")
def test_a_pipe_in_the_place_of_an_object_is_none(project, storage, name):
    """It would be waited for, in the remote or in the cache."""
    for path in (project.cached(name), project.stored(name)):
        path.unlink()
        os.mkfifo(path)
    assert storage.in_cache([name]) == storage.in_remote([name]) == set()
    with pytest.raises(UserError, match="not usable in the cache, and not in the remote"):
        storage.get({name: "the model"})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes to be made")
@pytest.mark.parametrize("settings", ["config", "config.local"])
def test_a_pipe_in_the_place_of_settings_is_not_waited_for(project, settings):
    """By what opens the storage, and by the warning of `list`, which reads them itself."""
    Path(".dvc", settings).unlink(missing_ok=True)
    os.mkfifo(Path(".dvc", settings))
    with pytest.raises(UserError, match=f"{settings} is no ordinary file"):
        Storage(Path(".dvc"))
    with opened(".") as git:
        assert warning(Catalogue(git)) == ""


def test_a_remote_that_nothing_was_pushed_to_has_nothing(project, storage, name):
    """Before the first push there is no directory, which is no error."""
    shutil.rmtree(project.storage)
    assert storage.in_remote([name]) == set()


def test_a_cache_may_lie_elsewhere(project, name):
    """The settings of DVC say where."""
    shutil.move(".dvc/cache", "../elsewhere")
    settings = SETTINGS.format(project.storage) + "[cache]\n    dir = ../../elsewhere\n"
    Path(".dvc/config.local").write_text(settings, encoding="utf-8")
    assert Storage(Path(".dvc")).in_cache([name]) == {name}


def test_settings_that_cannot_be_read_are_refused(project):
    """DVC's own words say why."""
    Path(".dvc/config.local").write_text("[core\n", encoding="utf-8")
    with pytest.raises(UserError, match="the settings of DVC cannot be read: "):
        Storage(Path(".dvc"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("", "DVC has no default remote: `dvc remote add --default NAME URL` adds it"),
        (
            "[core]\n    remote = other\n",
            "DVC has no remote 'other': `dvc remote add other URL` adds it",
        ),
        (SETTINGS.format(UNREACHED), "the remote 'storage' cannot be used: "),
    ],
)
def test_a_remote_that_cannot_be_used_is_told(project, name, settings, why):
    """The message is one sentence, whatever kind of error it is."""
    Path(".dvc/config.local").unlink()
    Path(".dvc/config").write_text(settings, encoding="utf-8")
    with pytest.raises(UserError, match=why) as refused:
        Storage(Path(".dvc")).in_remote([name])
    assert "\n" not in str(refused.value)


# What is in a directory


def test_a_directory_is_the_files_that_its_object_lists(project, storage):
    """Their objects are known by their paths in it."""
    objects = project.objects()
    files = storage.files(objects["package"], "package")
    assert {f"package/{file}": name for file, name in files.items()} == {
        path: name for path, name in objects.items() if path.startswith("package/")
    }


def test_a_file_is_its_own_object(storage):
    """Nothing has to be read for that."""
    assert storage.files(LOST, "file") == {"": LOST}


def test_the_list_of_a_directory_comes_from_the_remote_where_it_must(project, storage):
    """The cache has it from then on."""
    name = project.kept()["package"]
    project.lose_cache()
    assert "model.skops" in storage.files(name, "package")
    assert project.cached(name).read_bytes() == project.stored(name).read_bytes()


@pytest.mark.parametrize("where", ["cached", "stored"])
def test_a_damaged_list_is_never_read(project, storage, where, capsys):
    """A list of other bytes than its name says could name anything."""
    name = project.kept()["package"]
    listed = json.loads(project.cached(name).read_bytes())[:1]
    if where == "stored":
        project.lose_cache()
    damage(getattr(project, where)(name), json.dumps(listed).encode())
    if where == "cached":
        assert len(storage.files(name, "package")) > 1
        assert "package is damaged in the cache" in capsys.readouterr().err
    else:
        with pytest.raises(UserError, match=rf"package \(object {name}\) is damaged in the remote"):
            storage.files(name, "package")


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "..", "a\\..\\x", "C:x", "file:///x"])
def test_a_path_that_leaves_its_directory_is_refused(path):
    """It could be written anywhere, on some system or other."""
    with pytest.raises(UserError, match="leads out of data: it is not written"):
        inside(path, "data")


@pytest.mark.parametrize("path", ["x", "a/b/x.csv", "..x", "a..b/...", "ümlaut", "with space"])
def test_a_path_in_its_directory_is_kept(path):
    """Names with dots in them are names."""
    assert inside(path, "data") == path


def test_a_list_with_a_path_that_leaves_is_refused(project, storage):
    """Its bytes may be what the commit says: they are refused all the same."""
    listed = json.dumps([{"md5": LOST, "relpath": "../../x"}]).encode()
    name = f"{hashlib.md5(listed).hexdigest()}.dir"
    project.cached(name).parent.mkdir(exist_ok=True)
    project.cached(name).write_bytes(listed)
    with pytest.raises(UserError, match=r"'\.\./\.\./x' leads out of raw"):
        storage.files(name, "raw")


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "aa/etc/hostname", f"{LOST}.dir/", "A" * 32]
)
def test_a_name_that_is_none_of_an_object_is_refused(name):
    """It becomes a part of paths, here and in the remote."""
    with pytest.raises(UserError, match="raw names no object of DVC: "):
        object_name(name, "raw")


# Getting objects


def test_an_object_that_is_whole_here_is_not_fetched(project, storage, name):
    """Without need, the remote is not asked."""
    shutil.rmtree(project.storage)
    before = project.cached(name).stat().st_mtime_ns
    storage.get({name: "the model"})
    assert project.cached(name).stat().st_mtime_ns == before


def test_an_object_comes_from_the_remote(project, storage, name):
    """It is read-only then, like every object, and nothing else is left in the cache."""
    project.lose_cache()
    storage.get({name: "the model"})
    assert project.cached(name).read_bytes() == project.stored(name).read_bytes()
    assert project.cached(name).stat().st_mode & 0o777 == 0o444
    assert leftovers() == []


def test_a_damaged_object_is_told_and_mended(project, storage, name, capsys):
    """The damage is named on standard error, and the remote's bytes take its place."""
    damage(project.cached(name))
    storage.get({name: "the model"})
    printed = capsys.readouterr().err
    assert printed == f"note: the model is damaged in the cache: {storage.path(name)}\n"
    assert md5(project.cached(name)) == name
    storage.get({name: "the model"})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("cache", ["damaged", "without"])
def test_an_object_that_is_nowhere_whole_is_refused(project, storage, name, cache):
    """The message names what it is, the object, the remote and where help may be."""
    if cache == "damaged":
        damage(project.cached(name))
    else:
        project.cached(name).unlink()
    project.stored(name).unlink()
    with pytest.raises(UserError) as refused:
        storage.get({name: "the model"})
    assert str(refused.value) == (
        f"the model (object {name}) is not usable in the cache, and not in the remote 'storage'. "
        "Where the version was made, `modelkeep fsck --repair` sends it."
    )


def test_a_damaged_object_of_the_remote_is_refused(project, storage, name):
    """It does not get into the cache, and nothing of it is left."""
    project.cached(name).unlink()
    damage(project.stored(name))
    with pytest.raises(UserError, match=rf"the model \(object {name}\) is damaged in the remote"):
        storage.get({name: "the model"})
    assert not project.cached(name).exists()
    assert leftovers() == []


def test_a_full_disk_of_the_cache_is_no_fault_of_the_remote(project, storage, name, monkeypatch):
    """Whoever reads the message makes room here, and does not ask for the keys of the remote."""
    project.cached(name).unlink()
    with storage._reached() as database:
        remote = type(database.fs)

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device", "from", None, "to")

    monkeypatch.setattr(remote, "get_file", full)
    with pytest.raises(UserError, match=r"the cache \S+ cannot be written: No space left"):
        storage.get({name: "the model"})
    assert leftovers() == []


def test_all_are_looked_for_before_one_is_fetched(project, storage, name):
    """Where one is missing for good, nothing is written."""
    project.lose_cache()
    with pytest.raises(UserError, match="the other"):
        storage.get({name: "the model", LOST: "the other"})
    assert not Path(".dvc/cache").exists()


def test_check_tells_what_would_be_fetched_and_fetches_nothing(project, storage, name):
    """Those that are whole here are left out."""
    other = project.objects()["package/model.json"]
    project.cached(name).unlink()
    assert storage.check({name: "the model", other: "its metadata"}) == {name: "the model"}
    assert not project.cached(name).exists()


# The storage of a version


@contextmanager
def bare(project, branch, *commands):
    """Open the storage of a version in a bare clone."""
    git(project.directory, "clone", "--quiet", "--bare", ".", "../bare.git")
    for command in commands:
        git(project.directory.parent / "bare.git", *command.split())
    version = Version("made-up", project.id(branch))
    with opened("../bare.git") as repository, storage_of(repository, version) as storage:
        yield storage


def test_a_bare_repository_has_a_cache_that_passes(project, name):
    """It is empty at first, and gone with the process that needs it."""
    with bare(project, "main") as storage:
        assert not storage.lasting
        assert storage.in_remote([name]) == {name}
        assert storage.in_cache([name]) == set()
        storage.get({name: "the model"})
        assert storage.path(name).is_file()
    assert not storage.path(name).exists()


@pytest.mark.parametrize("head", ["main", "gone"])
def test_a_bare_repository_has_the_settings_of_its_last_commit(project, name, head):
    """Or those of the version, where it has no last commit: its HEAD may name no branch."""
    moved = project.storage.with_name("moved")
    Path(".dvc/config").write_text(SETTINGS.format(moved), encoding="utf-8")
    project.commit()
    object_in(moved, LOST).parent.mkdir(parents=True)
    object_in(moved, LOST).write_bytes(b"")
    branch = "weak" if head == "main" else "main"
    with bare(project, branch, f"symbolic-ref HEAD refs/heads/{head}") as storage:
        assert storage.in_remote([LOST, name]) == {LOST}


def test_a_bare_repository_of_projects_has_the_settings_of_each(project, tmp_path, name):
    """They lie in the directory of the project."""
    shutil.rmtree(".git")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "project")
    git(tmp_path, "commit", "--quiet", "-m", "All")
    git(tmp_path, "clone", "--quiet", "--bare", ".", "bare.git")
    version = Version("project:made-up", project.id("HEAD"))
    with opened("../bare.git") as repository, storage_of(repository, version) as storage:
        assert storage.in_remote([name]) == {name}


def test_a_work_tree_has_the_settings_of_today(project):
    """Where a remote has moved, old versions come from where it is now."""
    with project.catalogue() as catalogue:
        version = Version("made-up", project.id("weak"))
        with storage_of(catalogue.git, version) as storage:
            assert storage.lasting
            assert storage.cache == Path(".dvc/cache/files/md5").resolve()


def test_another_project_can_share_remote_and_cache(project, storage, name, tmp_path):
    """The settings are local to it, and hold wherever it lies."""
    (tmp_path / "deep" / "other" / ".dvc").mkdir(parents=True)
    storage.share_with(tmp_path / "deep" / "other" / ".dvc")
    other = Storage(tmp_path / "deep" / "other" / ".dvc")
    assert other.in_cache([name]) == other.in_remote([name]) == {name}
    assert [path.name for path in (tmp_path / "deep" / "other" / ".dvc").iterdir()] == [
        "config.local"
    ]


def test_paths_may_have_any_letters(project, tmp_path, name):
    """A person's name may be in the path of cache and remote, which DVC itself does not write."""
    place = tmp_path / "zoë 名前"
    shutil.copytree(project.directory / ".dvc", place / ".dvc")
    shutil.copytree(project.storage, place / "storage")
    settings = SETTINGS.format(place / "storage")
    (place / ".dvc" / "config.local").write_text(settings, encoding="utf-8")
    (tmp_path / "other").mkdir()
    Storage(place / ".dvc").share_with(tmp_path / "other")
    other = Storage(tmp_path / "other")
    assert other.in_cache([name]) == other.in_remote([name]) == {name}


def test_a_cache_that_passes_is_not_shared(project, tmp_path, name):
    """A clone of a bare repository has a cache of its own."""
    (tmp_path / "other").mkdir()
    Storage(Path(".dvc"), lasting=False).share_with(tmp_path / "other")
    other = Storage(tmp_path / "other")
    assert other.in_cache([name]) == set()
    assert other.in_remote([name]) == {name}


def test_a_relative_remote_is_the_same_place_for_another_project(project, tmp_path, name):
    """A path in the settings is relative to them, and is turned for those of the other."""
    Path(".dvc/config.local").write_text(SETTINGS.format("../../storage"), encoding="utf-8")
    (tmp_path / "deep" / "other").mkdir(parents=True)
    Storage(Path(".dvc")).share_with(tmp_path / "deep" / "other")
    assert Storage(tmp_path / "deep" / "other").in_remote([name]) == {name}


@pytest.mark.parametrize("place", ["directory", "url"])
def test_settings_of_somebody_else_do_not_say_where_is_written(project, tmp_path, place):
    """Their cache may be named anywhere on this machine; what is fetched passes through."""
    outside = tmp_path / "outside"
    with (project.directory / ".dvc" / "config").open("a", encoding="utf-8") as file:
        file.write(f"\n[cache]\n    dir = {outside}\n")
    project.commit()
    version = Version("made-up", project.id("main"))
    repository = project.directory.as_uri() if place == "url" else str(project.directory)
    with chdir(tmp_path), opened(repository) as git, storage_of(git, version) as storage:
        assert not storage.cache.is_relative_to(outside)
        assert not storage.lasting
    with opened(".") as git, storage_of(git, version) as storage:
        assert storage.cache.is_relative_to(outside)


@pytest.mark.parametrize("status", [404, 410, 403, None])
def test_a_server_that_does_not_say_is_not_said_to_lack_a_file(project, name, status):
    """Over HTTP, a refusal, a failure and no answer are told like a missing file by a library."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(status)
            self.end_headers()

        do_GET = do_HEAD

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if status is None:
            server.shutdown()
            server.socket.close()
        url = f"http://somebody:secret@127.0.0.1:{server.server_port}/data"
        Path(".dvc/config.local").write_text(SETTINGS.format(url), encoding="utf-8")
        storage = Storage(Path(".dvc"))
        if status in (404, 410):
            assert storage.in_remote([name]) == set()
        else:
            with pytest.raises(UserError, match="the remote 'storage' cannot be used") as refused:
                storage.in_remote([name])
            assert "secret" not in str(refused.value)
        if status is not None:
            server.shutdown()


def test_what_is_waited_for_is_told(project, name, monkeypatch, capsys):
    """A remote that does not answer keeps DVC waiting for minutes; of others no word is said."""
    storage = Storage(Path(".dvc"))
    storage.in_remote([name])
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("modelkeep.registry.storage.LONG", 0.05)
    with storage._reached():
        time.sleep(0.5)
    assert "note: the remote 'storage' has taken 0.05 seconds so far" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["worktree", "version_aware"])
def test_a_remote_that_keeps_files_by_their_paths_is_refused(project, name, option):
    """`dvc push` sends it no object, however often."""
    settings = Path(".dvc/config.local")
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f"{text}    {option} = true\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"has the option {option}: .* {option} false`"):
        Storage(Path(".dvc")).in_remote([name])
    settings.write_text(f"{text}    {option} = false\n", encoding="utf-8")
    assert Storage(Path(".dvc")).in_remote([name]) == {name}

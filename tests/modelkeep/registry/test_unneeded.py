"""Nothing goes that a version, a stage, a branch, a work tree or a colleague may need."""

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelkeep.registry.unneeded import readable, written
from project import SETTINGS, UNREACHED, contents, dvc, git

NOW = ("--older-than", "0")


def objects(project):
    """Return the names of all objects in the cache, and in the remote."""
    return [
        {path.parent.name + path.name for path in place.glob("files/md5/??/*")}
        for place in (project.directory / ".dvc" / "cache", project.storage)
    ]


def add(project, content, age=0):
    """Put an object that nothing names into cache and remote, so many days old."""
    name = hashlib.md5(content).hexdigest()
    for path in (project.cached(name), project.stored(name)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o444)
        when = path.stat().st_mtime - age * 86_400
        os.utime(path, (when, when))
    return name


def test_what_nothing_needs_goes_and_all_else_stays(numbered):
    """Of versions, branches and the present, each object is there afterwards."""
    before = objects(numbered)
    junk = add(numbered, b"junk")
    assert numbered.run("gc", *NOW).splitlines()[1] == "1 object (4 B) deleted from the cache."
    assert objects(numbered) == [before[0], before[1] | {junk}]
    assert "1 object (4 B) deleted from the remote 'storage'." in numbered.run(
        "gc", "--remote", *NOW
    )
    assert objects(numbered) == before
    assert all(entry["whole"] for entry in numbered.data("fsck", "--deep")[0])
    assert dvc(numbered.directory, "status", "--cloud") == 0


def test_a_version_that_no_branch_has_any_more_stays(numbered):
    """What only a tag leads to is what `dvc gc --workspace` deletes."""
    numbered.assign("prod", "weak")
    for branch in ("weak", "strong"):
        numbered.git("branch", "--delete", "--force", branch)
    before = objects(numbered)
    numbered.run("gc", "--remote", *NOW)
    assert objects(numbered) == before


def test_a_branch_that_is_gone_needs_nothing(project):
    """Lists of directories go with the files that they alone name."""
    gone = {*project.objects("weak").values()} - {
        *project.objects("strong").values(),
        *project.objects("main").values(),
    }
    project.git("branch", "--delete", "--force", "weak")
    project.run("gc", "--remote", *NOW)
    for place in objects(project):
        assert not place & gone
        assert {*project.objects("main").values()} <= place


def test_a_dry_run_deletes_nothing(project):
    """It says what would go."""
    project.git("branch", "--delete", "--force", "weak")
    before = objects(project)
    shown = project.run("gc", "--remote", "--dry-run", *NOW)
    assert " would be deleted from the cache.\n" in shown
    assert " would be deleted from the remote 'storage'." in shown
    assert objects(project) == before


def test_what_is_young_stays_unless_it_is_asked_for(project):
    """A colleague may have pushed it, and not committed it yet."""
    junk = add(project, b"junk", age=13)
    assert "1 more is not 14 days old." in project.run("gc", "--remote")
    assert junk in objects(project)[1]
    # The cache goes by the change of the file's state as well, which cannot be set.
    assert "(4 B) deleted from the remote" in project.run("gc", "--remote", "--older-than", "0")


@pytest.mark.parametrize(
    ("info", "seconds"),
    [
        ({"mtime": 5.0, "created": 7.0}, 7.0),
        ({"LastModified": datetime.fromtimestamp(9, UTC)}, 9.0),
        ({"updated": "1970-01-01T00:00:11Z"}, 11.0),
        ({"updated": "yesterday", "size": 3}, None),
    ],
)
def test_the_age_of_an_object_is_what_its_remote_says(info, seconds):
    """Each kind has words of its own; where none is known, the object stays."""
    assert written(info) == seconds


def test_what_the_work_tree_has_and_no_commit_stays(project):
    """A run that was not committed, data that were added, a stash, another work tree."""
    kept = set()
    for number, keep in enumerate(("stash", "add", "tree")):
        place = project.directory
        if keep == "tree":
            place = project.directory.with_name("tree")
            project.git("worktree", "add", "--quiet", "--detach", str(place), "main")
            shutil.copy(".dvc/config.local", place / ".dvc")
        content = f"{keep}\n".encode()
        name = add(project, content)
        kept.add(name)
        pointer = place / f"more{number}.dvc"
        pointer.write_text(f"outs:\n- md5: {name}\n  path: x{number}\n", encoding="utf-8")
        if keep == "stash":
            project.git("add", "--all")
            project.git("stash", "--quiet")
    junk = add(project, b"junk")
    project.run("gc", "--remote", *NOW)
    for place in objects(project):
        assert kept <= place
        assert junk not in place


def test_what_origin_has_and_this_clone_has_not_is_not_deleted(numbered):
    """Here nobody knows what a colleague's version needs: nothing goes from the remote."""
    bare = numbered.add_origin()
    junk = add(numbered, b"junk")
    numbered.run("gc", "--remote", "--dry-run", *NOW)
    other = numbered.directory.with_name("other")
    git(bare.parent, "clone", "--quiet", bare, other)
    git(other, "commit", "--quiet", "--allow-empty", "-m", "theirs")
    git(other, "tag", "-a", "-m", "mine", "made-up@v3.0.0")
    git(other, "push", "--quiet", "origin", "made-up@v3.0.0")
    why = numbered.refusal("gc", "--remote", *NOW)
    assert why.startswith("origin has refs/tags/made-up@v3.0.0, which is not here")
    assert junk in objects(numbered)[1]
    numbered.git("fetch", "--quiet", "--tags", "origin")
    numbered.run("gc", "--remote", *NOW)
    assert junk not in objects(numbered)[1]


def test_an_origin_that_cannot_be_asked_keeps_the_remote_as_it_is(project):
    """The cache alone can be cleaned meanwhile."""
    project.git("remote", "add", "origin", str(project.directory / "nowhere"))
    why = project.refusal("gc", "--remote")
    assert why.startswith("what origin has cannot be told (`git ls-remote` failed: ")
    project.run("gc")


def test_a_version_whose_list_is_lost_keeps_all(numbered):
    """Its files may be all that is left of it, and nobody can tell them from others."""
    name = numbered.kept("weak")["package"]
    numbered.cached(name).unlink()
    numbered.stored(name).unlink()
    before = objects(numbered)
    why = numbered.refusal("gc", "--remote", *NOW)
    assert why.startswith("package of v1.0.0 is a directory whose list of files is neither in the")
    assert objects(numbered) == before


@pytest.mark.parametrize("where", [[], ["--remote"]])
def test_a_shallow_clone_does_not_know_enough(numbered, monkeypatch, where):
    """It lacks tags: what they need would go."""
    shallow = numbered.directory.with_name("shallow")
    source = f"file://{numbered.directory}"
    git(numbered.directory.parent, "clone", "--quiet", "--depth", "1", source, shallow)
    monkeypatch.chdir(shallow)
    assert "this clone is shallow" in numbered.refusal("gc", *where)


def test_a_cache_that_others_may_use_is_left_alone(project):
    """Their objects are named by no commit of this repository."""
    shutil.move(".dvc/cache", "../shared")
    settings = SETTINGS.format(project.storage) + "[cache]\n    dir = ../../shared\n"
    Path(".dvc/config.local").write_text(settings, encoding="utf-8")
    before = contents(Path("../shared"))
    name = hashlib.md5(b"theirs").hexdigest()
    place = Path("../shared/files/md5", name[:2], name[2:])
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"theirs")
    assert "is left alone: others may use it" in project.run("gc", *NOW)
    assert place.is_file()
    project.run("gc", "--shared-cache", *NOW)
    assert contents(Path("../shared")) == before


def test_a_remote_out_of_reach_is_told(project):
    """Nothing goes from the cache either: the lists of directories may be there alone."""
    Path(".dvc/config.local").write_text(SETTINGS.format(UNREACHED), encoding="utf-8")
    before = objects(project)
    assert "the remote 'storage' cannot be used: " in project.refusal("gc", "--remote", *NOW)
    assert objects(project) == before


def test_damaged_dvc_files_keep_what_they_name(project):
    """A lock with the marks of a conflict in it names what both sides need."""
    lock = Path("dvc.lock").read_text(encoding="utf-8")
    name = add(project, b"theirs")
    Path("dvc.lock").write_text(f"<<<<<<< ours\n{lock}=======\n  md5: {name}\n", encoding="utf-8")
    project.commit("In the middle of a merge")
    project.git("checkout", "--quiet", "-b", "other")
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    project.run("gc", *NOW)
    assert name in objects(project)[0]


def test_one_model_alone_is_refused(project):
    """What another one needs would go."""
    assert "all models count" in project.refusal("gc", "--model", "made-up")


def test_sizes_are_readable():
    """In units of thousands, as disks are sold."""
    assert [readable(size) for size in (0, 999, 1500, 2_000_000, 3.1e15)] == [
        *("0 B", "999 B", "1.5 kB", "2 MB", "3.1e+03 TB")
    ]

"""From a signed tag to every byte of a package: whichever link is broken, nothing is used."""

import json
import zlib
from hashlib import md5
from pathlib import Path

import pytest

from modelkeep.registry.chain import check_file, object_id
from modelkeep.registry.git import repository_at
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from project import damage, relist
from repository import Model, Repository


@pytest.fixture(params=["sha1", "sha256"])
def made(request, tmp_path):
    """A repository of each kind, with a file some directories below its top."""
    repository = Repository(tmp_path / "made", request.param)
    repository.commit(Model("a"), others={"a/b/model.json": "{}\n", "a/other": "x"})
    return repository


def check(repository, path="a/b/model.json", content=b"{}\n"):
    """Check a file of the last commit."""
    with repository_at(repository.directory) as git:
        check_file(git, repository.head, path, content)


def test_a_file_follows_from_the_id_of_its_commit(made):
    """Through all directories, in both kinds of repositories."""
    check(made)
    head = json.dumps(Model("a").facts, indent=1).encode()
    check(made, "model.json", head)
    oid = made.git("rev-parse", "HEAD:a/b/model.json")
    assert object_id("blob", b"{}\n", made.head) == oid


@pytest.mark.parametrize("path", ["a/b/model.json", "a/b/none", "a/none/model.json", "a/other/x"])
def test_another_file_or_place_is_refused(made, path):
    """Whatever Git answered for that name."""
    with pytest.raises(UserError, match="tampered with"):
        check(made, path, b"{} \n")


@pytest.mark.parametrize("link", ["HEAD", "HEAD^{tree}", "HEAD:a", "HEAD:a/b"])
def test_an_object_under_the_id_of_another_is_refused(made, link):
    """Git does not compute ids when it reads: a directory may hold what it likes under them."""
    kind, oid = made.git("cat-file", "-t", link), made.git("rev-parse", link)
    made.commit(others={"a/b/model.json": "evil\n"})
    evil = zlib.decompress(made.object(made.git("rev-parse", link)).read_bytes())
    path = made.object(oid)
    path.write_bytes(zlib.compress(evil))
    with repository_at(made.directory) as git, pytest.raises(UserError, match=f"for {kind} "):
        check_file(git, made.git("rev-parse", "HEAD~1"), "a/b/model.json", b"evil\n")


def test_an_object_that_stands_for_another_is_refused(made):
    """Git reads what refs/replace says; nobody has signed that."""
    first = made.head
    made.commit(others={"a/b/model.json": "evil\n"})
    made.git("replace", first, made.head)
    with repository_at(made.directory) as git, pytest.raises(UserError, match="for commit "):
        check_file(git, first, "a/b/model.json", b"evil\n")


# From model.json on, in a project


def test_metadata_that_stand_for_others_are_not_fetched(numbered):
    """The commit of v1.0.0 has other bytes now, and the same id."""
    numbered.git("replace", numbered.id("weak"), numbered.id("strong"))
    why = numbered.refusal("fetch", "v1.0.0", "../out")
    assert why.startswith("the repository has another object than its id says for commit ")


def test_a_package_with_other_metadata_is_not_fetched(project):
    """The next link: model.json of the package is that of the commit."""
    text = Path("model.json").read_text(encoding="utf-8")
    Path("model.json").write_text(text.replace("Made up", "Made better"), encoding="utf-8")
    project.commit()
    assert "does not have the metadata that are committed" in project.refusal(
        "fetch", "HEAD", "../out"
    )


@pytest.mark.parametrize("name", ["manifest.json", "model.skops", "MODEL_CARD.md"])
def test_files_that_dvc_names_otherwise_are_not_fetched(project, name):
    """The last links: the manifest and every file, by SHA-256, whatever DVC's list says of them."""
    other = project.directory / "other"
    other.write_bytes(b"{}" if name.endswith("json") else b"other bytes")
    oid = md5(other.read_bytes()).hexdigest()
    for path in (project.stored(oid), project.cached(oid)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(other.read_bytes())
    other.unlink()
    relist(project, lambda listed: _name(listed, name, oid))
    project.refusal("fetch", "HEAD", "../out")
    assert not Path("../out").exists()


def _name(listed, name, oid):
    next(entry for entry in listed if entry["relpath"] == name)["md5"] = oid


def test_a_file_and_a_manifest_that_agree_are_not_fetched(project):
    """Whoever may write both, still does not write model.json, which Git has."""
    objects = project.objects()
    project.lose_cache()
    manifest = json.loads(project.stored(objects["package/manifest.json"]).read_bytes())
    damage(project.stored(objects["package/model.skops"]), b"evil")
    manifest["files"]["model.skops"] = sha256(project.stored(objects["package/model.skops"]))
    damage(project.stored(objects["package/manifest.json"]), json.dumps(manifest).encode())
    assert "is damaged in the remote" in project.refusal("fetch", "HEAD", "../out")

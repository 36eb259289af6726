"""A model is taken exactly as it was when somebody wrote down which one that is, or not at all."""

import tomllib
from pathlib import Path

import pytest

from modelkeep.registry.consumer_lock import Locked, read_locks, write_locked
from modelkeep_core.errors import UserError
from repository import Model, answer
from signing import NEEDED, allowed

LOCK = Path("models.lock")


@pytest.fixture
def made(repository, tmp_path, monkeypatch):
    """A repository with two models, and a place of somebody who takes them."""
    first, second = Model("aaaa"), Model("bbbb", name="other", package="o", metadata="o.json")
    commit = repository.commit(first, second)
    for name in ("model", "other"):
        repository.tag(f"{name}@v1.0.0", commit)
    repository.assign("prod", commit)
    monkeypatch.chdir(tmp_path)
    return repository


def lock(made, reference):
    """Write down which version a reference names, by the address of the repository."""
    return answer("fetch", reference, "--lock", "models.lock", "--repo", made.directory.as_uri())[1]


def refusal(made, *words):
    """Return why what is locked is not taken."""
    with pytest.raises(UserError) as error:
        answer(
            "fetch",
            words[0],
            "out",
            *words[1:],
            "--locked",
            "models.lock",
            "--repo",
            str(made.directory),
        )
    assert not Path("out").exists()
    return str(error.value)


def test_the_file_says_which_version_it_is(made):
    """Commit, recipe, bytes and tags, for people and programs; no address, no moment."""
    assert lock(made, "model@prod") == (f"models.lock has model v1.0.0, commit {made.head[:12]}.")
    text = LOCK.read_text(encoding="utf-8")
    content = tomllib.loads(text)
    assert content.keys() == {"model"}
    entry = content["model"]
    assert (entry["version"], entry["stage"], entry["commit"]) == ("v1.0.0", "prod", made.head)
    assert entry["recipe"] == Model("aaaa").facts["recipe_id"]
    assert entry["content"] == Model("aaaa").content
    assert [*entry["tags"]] == ["model#prod#1", "model@v1.0.0"]
    assert entry["tags"]["model@v1.0.0"] == made.git("rev-parse", "model@v1.0.0")
    assert str(made.directory) not in text


def test_a_file_has_several_models_and_the_same_bytes_again(made):
    """In the order of their names, whatever order they came in; a model is replaced by itself."""
    lock(made, "other@v1.0.0")
    lock(made, "model@prod")
    text = LOCK.read_text(encoding="utf-8")
    assert [*read_locks(LOCK)] == ["model", "other"]
    assert read_locks(LOCK)["other"].stage == ""
    LOCK.unlink()
    lock(made, "model#prod")
    lock(made, "other@v1.0.0")
    assert LOCK.read_text(encoding="utf-8") == text


def test_a_model_that_was_not_locked_is_refused(made):
    """With the command that locks it."""
    lock(made, "model@prod")
    why = refusal(made, "othr")
    assert why.startswith("models.lock does not have the model 'othr'")
    assert "`modelkeep fetch --lock models.lock othr@STAGE`" in why


@pytest.mark.parametrize("part", ["metadata", "recipe", "content"])
def test_another_one_than_the_locked_is_refused(made, part):
    """Each part must be the same."""
    lock(made, "model@prod")
    entry = read_locks(LOCK)["model"]
    write_locked(LOCK, "model", Locked(**{**vars(entry), part: "0" * 64}))
    assert f"has another {part} of model than models.lock says" in refusal(made, "model")


def test_another_repository_is_refused(made, tmp_path):
    """It does not have the commit."""
    lock(made, "model@prod")
    entry = read_locks(LOCK)["model"]
    write_locked(LOCK, "model", Locked(**{**vars(entry), "commit": "1" * 40}))
    assert "this repository has no commit 111111111111" in refusal(made, "model")


@pytest.mark.parametrize(
    "text", ["[", "a = 1", "[a]\nb = 2", '[a]\ncommit = "1"', "[a]\n" + "commit = 1\n"]
)
def test_a_file_of_another_kind_is_refused(made, text):
    """It is neither believed nor written over."""
    LOCK.write_text(text, encoding="utf-8")
    assert "was not written by `modelkeep fetch --lock`" in refusal(made, "model")
    with pytest.raises(UserError, match="was not written by"):
        lock(made, "model@prod")
    assert LOCK.read_text(encoding="utf-8") == text
    LOCK.unlink()
    assert "models.lock cannot be read: No such file" in refusal(made, "model")


@NEEDED
def test_a_directory_is_needed_where_nothing_is_written_down(made, keys, tmp_path):
    """And signers are named when something is locked, as nothing is asked of them later."""
    with pytest.raises(UserError, match="name a directory to be made"):
        answer("fetch", "prod", "--repo", str(made.directory))
    lock(made, "model@prod")
    signers = tmp_path / "signers"
    signers.write_text(allowed(keys["ada"]), encoding="utf-8")
    why = refusal(made, "model", "--allowed-signers", str(signers))
    assert "--allowed-signers goes with --lock" in why


def test_what_was_locked_is_taken_whatever_the_tags_say_since(numbered, capsys):
    """A version that was moved, or a stage that has another: the bytes are those of then."""
    numbered.assign("prod", "weak")
    numbered.run("fetch", "made-up@prod", "../then", "--lock", "../models.lock")
    numbered.git("tag", "-d", "made-up@v1.0.0")
    numbered.tag("made-up@v1.0.0", "strong")
    numbered.assign("prod", "main")
    done = numbered.run("fetch", "made-up", "../out", "--locked", "../models.lock")
    assert done == f"../out: made-up {numbered.id('weak')[:7]}, verified."
    assert Path("../out/model.json").read_bytes() == Path("../then/model.json").read_bytes()
    assert "note: the tag made-up@v1.0.0 is gone or another one" in capsys.readouterr().err


def test_a_number_that_the_file_has_of_its_own_is_told(numbered, capsys):
    """What is fetched is the commit; the number beside it is only what it was called."""
    numbered.run("fetch", "v1.0.0", "--lock", "models.lock")
    text = LOCK.read_text(encoding="utf-8")
    LOCK.write_text(text.replace('version = "v1.0.0"', 'version = "v9.0.0"'), encoding="utf-8")
    shown = numbered.run("fetch", "made-up", "taken", "--locked", "models.lock")
    assert shown == "taken: made-up v1.0.0, verified."
    assert "note: models.lock says v9.0.0 of commit" in capsys.readouterr().err

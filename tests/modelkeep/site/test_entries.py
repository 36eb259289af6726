"""Which versions a site shows, and what their tags and commits say."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelkeep.site.entries import Entry, entries_of
from modelkeep_core.errors import UserError
from repository import START, Model, Repository, make_released
from sites import built, index


def shown(
    made: Repository, since: datetime | None = None, experiments: bool = False
) -> list[Entry]:
    """Return the entries of a repository."""
    with made.catalogue() as catalogue:
        return entries_of(catalogue, since, experiments)


def test_versions_are_newest_first_with_what_their_tags_say(tmp_path: Path) -> None:
    """Number, author, reason and metadata of each registered version; no other commit."""
    entries = shown(make_released(tmp_path))
    assert [(entry.label, entry.reason) for entry in entries] == [
        ("v1.1.0", "About v1.1.0"),
        ("v1.0.0", "About v1.0.0"),
    ]
    assert {entry.author for entry in entries} == {"Ada Lovelace"}
    assert [entry.metadata and entry.metadata["recipe_id"][:4] for entry in entries] == [
        "bbbb",
        "aaaa",
    ]


def test_what_is_in_a_stage_is_shown_whatever_its_age(tmp_path: Path) -> None:
    """--since leaves out what is older, but for what is in a stage."""
    made = make_released(tmp_path)
    later = START + timedelta(days=made.days + 1)
    assert {entry.label for entry in shown(made, later)} == {"v1.0.0", "v1.1.0"}
    made.assign("staging", made.release("v2.0.0"))
    assert {entry.label for entry in shown(made, later)} == {"v1.0.0", "v2.0.0"}


def test_a_commit_in_a_stage_without_a_number_is_shown(tmp_path: Path) -> None:
    """What somebody assigned without registering it is there, by its commit."""
    made = make_released(tmp_path)
    commit = made.commit(Model("eeee"), author="Grace Hopper")
    made.assign("prod", commit)
    entry = next(entry for entry in shown(made) if entry.version.commit == commit)
    assert (entry.label, entry.author, entry.signed) == (commit[:7], "Grace Hopper", None)
    assert entry.when == START + timedelta(days=made.days - 1)


def test_experiments_are_shown_where_they_are_wanted(tmp_path: Path) -> None:
    """The commits that DVC keeps for experiments, by their names; not its queue."""
    made = make_released(tmp_path)
    tried = made.commit(Model("dddd"), branch="tried", parents=[made.head])
    empty = made.commit(branch="other", parents=[], others={"README.md": "x"})
    for name, commit in {
        f"exps/{tried[:2]}/{tried[2:]}/looser": tried,
        "exps/exec/EXEC_HEAD": tried,
        f"exps/{empty[:2]}/{empty[2:]}/empty": empty,
    }.items():
        made.point(name, commit)
    assert [entry.label for entry in shown(made, experiments=True)] == [
        "looser",
        "v1.1.0",
        "v1.0.0",
    ]
    assert "looser" not in {entry.label for entry in shown(made)}


def test_without_a_version_there_is_no_site(tmp_path: Path) -> None:
    """The message says how to make the first."""
    made = Repository(tmp_path)
    made.commit(Model())
    with pytest.raises(UserError, match="modelkeep register"):
        shown(made)


def test_a_signature_is_seen(tmp_path: Path) -> None:
    """A tag with a signature below its message is a signed one."""
    made = make_released(tmp_path)
    signature = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"
    made.tag("model@v3.0.0", message=f"Signed\n\n{signature}")
    assert {entry.label: entry.signed for entry in shown(made)} == {
        "v1.0.0": False,
        "v1.1.0": False,
        "v3.0.0": True,
    }


def test_a_version_without_metadata_says_why(tmp_path: Path) -> None:
    """It is in the table, with what is wrong, and has no columns of its own."""
    made = make_released(tmp_path / "made")
    made.commit(others={"model.json": "{"})
    made.tag("model@v9.0.0")
    built(made, tmp_path / "out")
    columns, _ = index(tmp_path / "out")
    assert "model.json" in columns["problem"][0]
    assert columns["test:macro_f1"] == [None, 0.95, 0.9]


def test_the_key_follows_from_model_and_commit(tmp_path: Path) -> None:
    """It does not change with the number, so that the file of a version is never written again."""
    first, second = shown(make_released(tmp_path))
    assert first.key != second.key
    assert dataclasses.replace(
        first, reason="Other", when=datetime(2020, 1, 1, tzinfo=UTC)
    ).key == (first.key)
    other = dataclasses.replace(first.version, model="other")
    assert dataclasses.replace(first, version=other).key != first.key

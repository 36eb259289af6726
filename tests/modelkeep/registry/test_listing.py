"""`list` shows every version, whatever is wrong with some of them, and fits the terminal."""

import json
import random
import subprocess
import time
from dataclasses import replace

import pytest

from modelkeep.registry import listing
from modelkeep.text import columns
from modelkeep_core.errors import UserError
from repository import MISSING, Model, Repository, answer, digest


def versions(data):
    """Return number and stages of each version."""
    return [(entry["version"], entry["stages"]) for entry in data]


def headline(**changes):
    """Return metrics whose headline is another one."""
    metrics = Model().facts["metrics"]
    return {"metrics": metrics | {"headline": metrics["headline"] | changes}}


def test_versions_are_listed_newest_first(released):
    """With stages, date, author, recipe, headline and commit."""
    data, shown = released.answer("list")
    first, second = (released.git("rev-parse", f"HEAD~{back}")[:7] for back in (2, 1))
    assert shown.splitlines() == [
        "VERSION  STAGES   DATE        AUTHOR        RECIPE   MACRO_F1         COMMIT",
        f"v1.1.0   staging  2026-01-07  Ada Lovelace  bbbb000  0.95 (0.9 to 1)  {second}",
        f"v1.0.0   prod     2026-01-04  Ada Lovelace  aaaa000  0.9 (0.85 to 1)  {first}",
    ]
    assert versions(data) == [("v1.1.0", ["staging"]), ("v1.0.0", ["prod"])]


def test_an_entry_has_all_that_a_program_needs(released):
    """Full ids and numbers, not what fits a column."""
    data, _ = released.answer("list")
    assert data[1] == {
        "model": "model",
        "version": "v1.0.0",
        "stages": ["prod"],
        "date": "2026-01-04T09:30:00+00:00",
        "author": "Ada Lovelace",
        "recipe_id": digest("aaaa"),
        "same_recipe": [],
        "headline": Model(value=0.9).facts["metrics"]["headline"],
        "commit": released.git("rev-parse", "HEAD~2"),
        "problem": None,
        "deprecated": None,
        "signature": None,
    }


def test_versions_of_one_recipe_are_told(repository):
    """Other packages of the same model, below the table; two numbers of one commit are none."""
    repository.release("v1.0.0", Model("a"))
    repository.release("v1.1.0", Model("b"))
    repository.release("v1.2.0", Model("a", value=0.8))
    repository.tag("model@v1.3.0")
    data, shown = repository.answer("list")
    assert [(entry["version"], entry["same_recipe"]) for entry in data] == [
        ("v1.3.0", ["v1.0.0"]),
        ("v1.2.0", ["v1.0.0"]),
        ("v1.1.0", []),
        ("v1.0.0", ["v1.3.0", "v1.2.0"]),
    ]
    assert shown.splitlines()[-1] == "The same recipe: v1.3.0, v1.2.0, v1.0.0."
    assert shown.count("The same recipe") == 1


@pytest.mark.parametrize("commits", [1, 2, 20_000])
def test_thousands_of_versions_of_one_recipe_take_no_longer_than_others(commits):
    """Each names at most a hundred of the others: all would be four hundred million."""
    entries = [
        {"model": "m", "version": f"v{n}.0.0", "recipe_id": "a", "commit": n % commits}
        for n in range(20_000)
    ]
    began = time.process_time()
    listing._add_same_recipe(entries)
    assert time.process_time() - began < 2
    assert {len(entry["same_recipe"]) for entry in entries} == {100 if commits > 1 else 0}


def test_all_shows_commits_without_a_number_too(released):
    """By the date of the commit, among the versions."""
    data, shown = released.answer("list", "--all")
    assert versions(data) == [(None, []), ("v1.1.0", ["staging"]), ("v1.0.0", ["prod"])]
    assert shown.splitlines()[1].split()[:3] == ["-", "-", "2026-01-11"]


def test_all_is_in_the_order_of_time_across_time_zones(repository):
    """Moments count, not what a clock showed."""
    repository.release("v1.0.0", Model("a"))
    # 2026-01-03 23:00 there, and 09:00 of the same day in UTC
    repository.commit(Model("b"), date="1767430800 +1400")
    assert [entry["version"] for entry in repository.answer("list", "--all")[0]] == ["v1.0.0", None]


def test_all_shows_models_that_nobody_registered(repository):
    """Beside those of which some version is registered, and where there is none at all."""
    other = Model("b", name="other", package="other", metadata="other.json")
    repository.commit(Model("a"), other)
    data, _ = repository.answer("list", "--all")
    assert [(entry["model"], entry["version"]) for entry in data] == [
        ("model", None),
        ("other", None),
    ]
    repository.tag("model@v1.0.0")
    data, shown = repository.answer("list", "--all")
    assert [(entry["model"], entry["version"]) for entry in data] == [
        ("model", "v1.0.0"),
        ("other", None),
    ]
    assert [line for line in shown.splitlines() if line in ("model", "other")] == ["model", "other"]
    assert len(repository.answer("list")[0]) == 1
    assert len(repository.answer("list", "--all", "--model", "other")[0]) == 1


def test_a_date_is_the_readers(repository):
    """The table has the day here, the data the moment as the tag has it."""
    commit = repository.commit(Model())
    repository.raw_tag("model@v1.0.0", commit, "A <a@b> 1767225600 -0500")
    data, shown = repository.answer("list")
    assert data[0]["date"] == "2025-12-31T19:00:00-05:00"
    assert "2026-01-01" in shown


@pytest.mark.parametrize(
    "files",
    [
        *({"model.json": None}, {"model.json": "{"}, {"model.json": "[" * 100_000}),
        *({"model.json": "{}", "dvc.lock": "{"}, {"model.json": "{}", "dvc.lock": None}),
        *({"model.json": "{}", "dvc.yaml": None}, {"model.json": "{}", "dvc.yaml": "- a"}),
        {"model.json": "{}", "dvc.yaml": "artifacts: {other: {path: package}}"},
        *(
            {"model.json": json.dumps(Model("b", unusual=unusual).facts)}
            for unusual in (
                *({"metrics": None}, {"metrics": []}, {"recipe_id": 5}, {"recipe_id": None}),
                *({"name": "other"}, {"data": None}),
            )
        ),
    ],
)
def test_a_broken_commit_does_not_hide_the_others(repository, files):
    """It is listed without what cannot be read, with the problem in the data."""
    repository.release("v1.0.0", Model("a"))
    repository.commit(others=files)
    repository.tag("model@v1.1.0")
    repository.release("v1.2.0", Model("c"), "prod")
    data, shown = repository.answer("list")
    assert versions(data) == [("v1.2.0", ["prod"]), ("v1.1.0", []), ("v1.0.0", [])]
    assert [entry["problem"] is None for entry in data] == [True, False, True]
    assert "no metadata" in shown.splitlines()[2]
    repository.answer("list", "--all")


@pytest.mark.parametrize(
    "unusual",
    [
        *({"metrics": {}}, {"metrics": {"headline": None}}, {"metrics": {"headline": "good"}}),
        *(headline(metric=None), headline(low=None), headline(value="high")),
        {"metrics": {"headline": {"metric": "macro_f1", "value": 0.5}}},
    ],
)
def test_a_headline_that_cannot_be_shown_is_left_out(repository, unusual):
    """The rest of the metadata is listed."""
    repository.release("v1.0.0", Model("a"))
    repository.release("v1.1.0", Model("b", unusual=unusual))
    data, shown = repository.answer("list")
    assert [entry["recipe_id"] for entry in data] == [digest("b"), digest("a")]
    assert data[0]["headline"] is None
    assert "bbb" not in shown
    assert "no metadata" in shown


def test_a_version_of_a_lost_commit_is_listed(repository):
    """What is known of it is in its tag."""
    repository.commit()
    repository.raw_tag("model@v1.0.0", MISSING, "A <a@b> 1767225600 +0000")
    ((entry,), _) = repository.answer("list")
    assert (entry["version"], entry["author"], entry["commit"]) == ("v1.0.0", "A", MISSING)
    assert entry["problem"] == "commit 1111111 has no dvc.yaml."


def test_versions_with_other_metrics_stand_in_one_table(repository):
    """Where the metric is not the same for all, each value has its name."""
    repository.release("v1.0.0", Model("a"))
    repository.release("v1.1.0", Model("b", unusual=headline(metric="accuracy")))
    _, shown = repository.answer("list")
    header, second, first = shown.splitlines()
    assert "METRIC" in header
    assert "accuracy 0.9 (0.85 to 1)" in second
    assert "macro_f1 0.9 (0.85 to 1)" in first


def test_two_numbers_of_a_commit_are_two_lines(repository):
    """Both are in the stages that hold the commit."""
    commit = repository.release("v1.0.0")
    repository.tag("model@v2.0.0")
    repository.assign("prod", commit)
    data, _ = repository.answer("list")
    assert versions(data) == [("v2.0.0", ["prod"]), ("v1.0.0", ["prod"])]


def test_each_model_has_a_table(repository):
    """With its name above; a single one needs none."""
    repository.release("v1.0.0", Model("a"))
    renamed = replace(Model("b"), name="renamed")
    repository.release("v1.0.0", renamed, "prod")
    data, shown = repository.answer("list")
    assert [entry["model"] for entry in data] == ["model", "renamed"]
    first, _, second, _ = shown.split("\n\n")
    assert (first, second) == ("model", "renamed")
    assert repository.answer("list", "--model", "renamed")[1].startswith("VERSION")


def test_a_project_below_the_top_lists_its_own(repository):
    """And from the top all are listed."""
    repository.commit(Model("a"), under="one/")
    repository.commit(Model("b"), under="two/")
    for name in ("one", "two"):
        repository.tag(f"{name}=model@v1.0.0")
    assert [entry["model"] for entry in repository.answer("list")[0]] == ["one:model", "two:model"]
    ((entry,), _) = repository.answer("list", under="two")
    assert (entry["model"], entry["recipe_id"]) == ("two:model", digest("b"))
    assert len(repository.answer("list", "--all", under="two")[0]) == 1


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("seed", range(5))
def test_no_line_is_wider_than_80_columns(tmp_path, seed):
    """Long authors of any script, many stages, large metrics, numbers with all they may have."""
    rng, made = random.Random(seed), Repository(tmp_path / "repository")
    wide = 10.0 ** rng.randint(0, 9)
    values = {"value": 1.23456 * wide, "low": -9.876 * wide, "high": 9.876 * wide}
    metrics = [headline(**values), headline(metric="median_absolute_error", **values), {}]
    endings = ["", "-rc.12", "-alpha.123456789+build.20260101.abcdef"]
    authors = ["王小明" * 9, "Ada " * 30, "🙂" * 50, "é" * 40, "A"]
    for number in range(4):
        commit = made.commit(Model(str(number), unusual=rng.choice(metrics)))
        name = f"v{rng.choice(['1', '10'])}.{number}.0{rng.choice(endings)}"
        made.tag(f"model@{name}", author=rng.choice(authors))
        for stage in range(rng.randint(0, 9)):
            made.assign(f"stage-{number}-{stage}", commit)
    _, shown = made.answer("list", "--all")
    assert max(map(columns, shown.splitlines())) <= 80
    assert len(shown.splitlines()) == 5


def test_without_a_version_it_is_said_how_to_make_one(repository):
    """In a repository without a commit, and in one without a tag."""
    for _ in range(2):
        with pytest.raises(UserError) as refused:
            repository.answer("list")
        assert str(refused.value) == (
            "no version is registered here: `modelkeep register` makes the first. "
            "`git fetch --tags` brings what others have registered."
        )
        repository.commit(Model())


def test_a_clone_of_a_part_is_told_how_to_get_the_rest(repository, tmp_path):
    """A shallow clone, and one of a branch that no version is on."""
    repository.commit(others={"README.md": "x"}, branch="other")
    repository.release("v1.0.0")
    url = repository.directory.as_uri()
    for name, options, hint in (
        ("shallow", ["--depth", "1"], "This clone is shallow: `git fetch --unshallow --tags`"),
        ("single", ["--single-branch"], "`git fetch --tags` brings"),
    ):
        words = ["git", "clone", "--quiet", "--branch", "other", *options, url, name]
        subprocess.run(words, cwd=tmp_path, check=True)
        with pytest.raises(UserError) as refused:
            answer("list", "--repo", str(tmp_path / name))
        assert hint in str(refused.value)

"""Everything about a version is told: who, when, how good, from what, and where its bytes are."""

import json
import re
import shutil
from pathlib import Path

import pytest

from modelkeep_core.files import read_json, write_json
from project import SETTINGS, UNREACHED, damage


@pytest.fixture
def facts(numbered):
    """Return a function that shows a version as data."""
    return lambda *words: numbered.data("show", *words)[0]


def lines(project, *words):
    """Return the lines that are shown, with single spaces."""
    return [" ".join(line.split()) for line in project.run("show", *words).splitlines()]


def test_a_version_is_shown_with_its_commit_and_its_tag(numbered, facts):
    """Who made and who registered it, when, and in which words."""
    shown = facts("v1.1.0")
    assert (shown["model"], shown["version"]) == ("made-up", "v1.1.0")
    assert shown["commit"] == numbered.id("strong")
    assert shown["registered"] == {
        "tag": "made-up@v1.1.0",
        "date": "2023-11-14T22:13:21+00:00",
        "author": "Ada",
        "email": "ada@example.org",
        "message": "why",
        "unlocked_because": None,
        "signature": None,
    }
    created = shown["created"]
    assert created["subject"] == "Train the strong model"
    assert (created["author"], created["email"]) == ("Ada", "ada@example.org")
    assert created["date"] == numbered.git("log", "-1", "--format=%aI", "strong").strip()
    assert shown["content_id"] + ".dir" == numbered.kept("strong")["package"]
    assert shown["metadata"] == json.loads(numbered.git("show", "strong:model.json"))


def test_a_commit_without_a_number_is_shown_too(project):
    """It has everything but what the tag would say."""
    shown, text = project.data("show", "main")
    assert shown["version"] is shown["registered"] is None
    assert re.search(r"^version +not registered$", text, re.MULTILINE)
    assert "\nregistered" not in text


def test_a_model_of_another_environment_is_shown_as_such(project):
    """With what was another, and why it was registered all the same."""
    metadata = read_json(Path("model.json"))
    assert "reproducible" not in " ".join(lines(project, "main"))
    metadata |= {"reproducible": False, "unlocked": ["the lock says numpy 1, and here it is 2"]}
    write_json(Path("model.json"), metadata)
    project.commit()
    project.tag("made-up@v1.0.0", "main", "New\n\nUnlocked: It cannot wait")
    assert project.data("show", "v1.0.0")[0]["registered"]["unlocked_because"] == "It cannot wait"
    shown = " ".join(lines(project, "v1.0.0"))
    assert (
        "reproducible no, not made in the locked environment: the lock says numpy 1, and here it "
        "is 2; registered because: It cannot wait"
    ) in shown


def test_the_stages_of_a_version_are_shown_now_and_before(numbered, facts):
    """A version may be in several stages, and may have been in others."""
    for stage, branch in (("prod", "weak"), ("staging", "strong"), ("prod", "strong")):
        numbered.assign(stage, branch)
    assert facts("v1.1.0")["stages"] == ["prod", "staging"]
    assert facts("v1.0.0")["stages"] == []
    (span,) = facts("v1.0.0")["history"]
    assert (span["stage"], span["tag"]) == ("prod", "made-up#prod#1")
    assert "stages now prod, staging" in lines(numbered, "v1.1.0")
    assert "stages before none" in lines(numbered, "v1.1.0")
    assert "stages now none" in lines(numbered, "v1.0.0")
    assert "stages before prod (2023-11-14 to 2023-11-14)" in lines(numbered, "v1.0.0")


def test_findings_are_shown(project):
    """Among all else, and alone as Markdown in which no name is markup, or as data."""
    metadata = read_json(Path("model.json"))
    says = "'a*b*' alone tells the target."
    finding = {"name": "feature-knows-too-much", "severity": "warning", "says": says}
    metadata["findings"] = [finding | {"evidence": {"alone": 1.0}}, "no finding"]
    write_json(Path("model.json"), metadata)
    project.commit()
    assert f"warning feature-knows-too-much: {says}" in lines(project, "HEAD")
    listed = project.run("show", "HEAD", "--findings").strip()
    assert listed == r"- **warning** 'a\*b\*' alone tells the target. (feature-knows-too-much)"
    assert project.data("show", "HEAD", "--findings")[0] == [finding]
    metadata["findings"] = []
    write_json(Path("model.json"), metadata)
    project.commit()
    assert project.run("show", "HEAD", "--findings").strip() == "Nothing was found."
    assert "Findings" not in lines(project, "HEAD")


def test_the_text_says_what_people_ask_for(numbered):
    """Identity, quality, data, parameters, preprocessing and environment."""
    text = lines(numbered, "v1.1.0")
    metadata = json.loads(numbered.git("show", "strong:model.json"))
    assert text[0] == "model made-up: Made up"
    for line in (
        "version v1.1.0",
        f"recipe id {metadata['recipe_id']}",
        f"commit {numbered.id('strong')}",
        "registered 2023-11-14 22:13 by Ada: why",
        "bytes in cache and remote",
        "task classification of label",
        "accuracy 0.7667",
        "rows read 120, without_target 0, train 90, test 30",
        f"raw/rows.csv 120 rows, SHA-256 {metadata['data']['files'][0]['sha256'][:16]}…",
        "estimator LogisticRegression",
        "class_weight none",
        "C 1.0",
        *("Quality", "Data", "Parameters", "Preprocessing", "Environment"),
    ):
        assert line in text, line
    assert any(re.fullmatch(r"macro_f1 0\.717 \(.* to .*\) on 30 test rows", line) for line in text)
    assert any(line.startswith("created ") and line.endswith(" by Ada") for line in text)
    assert sum(line.startswith("macro_f1") for line in text) == 1
    assert any("scikit-learn" in line for line in text)
    assert max(map(len, text)) <= 80


def test_an_ensemble_is_told_by_its_own_parameters(project):
    """Those of its parts, with all of their defaults, would fill two screens; --json has them."""
    metadata = read_json(Path("model.json"))
    metadata["training"]["parameters"] = {"cv": 5, "rf": "RF()", "rf__alpha": 1, "rf__beta": None}
    write_json(Path("model.json"), metadata)
    project.commit()
    text = lines(project, "HEAD")
    assert {"cv 5", "rf RF()", "of its parts 2 parameters, which --json shows"} <= {*text}
    assert not any("alpha" in line for line in text)
    shown = project.data("show", "HEAD")[0]["metadata"]["training"]["parameters"]
    assert shown["rf__alpha"] == 1


# Where the bytes are


@pytest.mark.parametrize("path", ["package", "package/model.skops"])
@pytest.mark.parametrize(
    ("lost", "cache", "remote", "places"),
    [
        ((), True, True, "cache and remote"),
        (("cached",), False, True, "remote"),
        (("stored",), True, False, "cache"),
        (("cached", "stored"), False, False, "neither cache nor remote"),
    ],
)
def test_a_package_is_where_all_of_it_is(project, path, lost, cache, remote, places):
    """A package of which one object is missing, list or file, is not there."""
    name = project.objects()[path]
    for place in lost:
        getattr(project, place)(name).unlink()
    shown, text = project.data("show", "main")
    assert shown["bytes"] == {"cache": cache, "remote": remote, "problem": None}
    assert re.search(rf"^bytes in +{places}$", text, re.MULTILINE)


def test_looking_into_the_remote_does_not_fill_the_cache(project):
    """What is shown is what was there before."""
    project.lose_cache()
    assert project.data("show", "main")[0]["bytes"]["cache"] is False
    assert not project.cached(project.objects()["package/model.skops"]).exists()


def test_a_remote_out_of_reach_is_told_and_all_else_is_shown(project):
    """What is not known is not said."""
    Path(".dvc/config.local").write_text(SETTINGS.format(UNREACHED), encoding="utf-8")
    shown, text = project.data("show", "main")
    assert shown["bytes"]["cache"] is True
    assert shown["bytes"]["remote"] is None
    assert shown["bytes"]["problem"].startswith("the remote 'storage' cannot be used: ")
    assert re.search(r"^bytes in +cache\n +the remote 'storage' cannot be used: ", text, re.M)


def test_without_a_remote_there_is_still_something_to_show(project):
    """The message says how a remote is added."""
    Path(".dvc/config.local").unlink()
    Path(".dvc/config").write_text("", encoding="utf-8")
    project.lose_cache()
    shown, text = project.data("show", "main")
    assert "not the cache\n" in text
    assert "no default remote" in shown["bytes"]["problem"]


@pytest.mark.parametrize("remote", ["gone", "out of reach", "damaged"])
def test_a_damaged_list_of_files_is_told_and_all_else_is_shown(project, remote):
    """Where nobody knows what the package is made of, nobody knows whether it is there."""
    name = project.kept()["package"]
    damage(project.cached(name))
    if remote == "gone":
        project.stored(name).unlink()
    elif remote == "damaged":
        damage(project.stored(name))
    else:
        Path(".dvc/config.local").write_text(SETTINGS.format(UNREACHED), encoding="utf-8")
    shown, text = project.data("show", "main")
    assert (shown["bytes"]["cache"], shown["bytes"]["remote"]) == (False, None)
    assert shown["bytes"]["problem"]
    assert "estimator" in text


def test_a_bare_repository_has_no_cache(numbered, monkeypatch):
    """What is not here can still be found in the remote."""
    numbered.add_origin()
    numbered.git("push", "--quiet", "--tags", "origin")
    shown, _ = numbered.data("show", "v1.1.0", "--repo", "../origin.git")
    assert shown["bytes"] == {"cache": False, "remote": True, "problem": None}
    assert shown["registered"]["date"].startswith("2023-11-14")


def test_a_version_without_metadata_is_refused(project):
    """The message says what is missing."""
    Path("model.json").unlink()
    shutil.rmtree("package")
    project.commit()
    assert "has no metadata: " in project.refusal("show", "HEAD")


def test_a_version_without_a_message_is_shown(project):
    """GTO, or `git tag -m ""`, makes such a tag."""
    project.git("tag", "-a", "-m", "", "made-up@v1.0.0", "main")
    assert any(line.endswith("without a message") for line in lines(project, "v1.0.0"))

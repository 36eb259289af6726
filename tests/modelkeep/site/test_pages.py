"""The two pages that need no JavaScript."""

import dataclasses
from pathlib import Path

import pytest

from modelkeep.registry import fsck
from modelkeep.registry.presence import Fault
from modelkeep.site.writing import write_site
from repository import Model, Repository, make_released
from sites import HALF, READABLE, Page, built, index

PAGES = ("index.html", "versions.html")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the site of a repository with two versions."""
    built(make_released(tmp_path / "made"), tmp_path / "out")
    return tmp_path / "out"


def test_now_says_what_each_stage_holds(out: Path) -> None:
    """Version, since when, by whom, why, headline with interval, data, recipe and commit."""
    text = Page(out / "index.html").text
    for word in (
        *("prod", "v1.0.0", "staging", "v1.1.0", "Ada Lovelace", "Complaints", "2026-01-10 09:30"),
        *("0.900", "macro_f1", "95% interval 0.850 to 1.00; higher is better", "344 rows"),
        *("f204db2", "aaaa000", "unsigned tag"),
    ):
        assert word in text, word


def test_the_table_has_every_version(out: Path) -> None:
    """Each in a row with an anchor, which the other page links to."""
    columns, _ = index(out)
    anchors = {row.get("id") for row in Page(out / "versions.html").all("tr")} - {None}
    assert anchors == {f"v-{key}" for key in columns["key"]}
    targets = {link["href"] for link in Page(out / "index.html").all("a") if "data-key" in link}
    assert targets == {f"versions.html#{anchor}" for anchor in anchors}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_comes_from_elsewhere(out: Path, name: str) -> None:
    """The policy allows the site's own files only, and the page asks for nothing else."""
    page = Page(out / name)
    (policy,) = (
        tag["content"]
        for tag in page.all("meta")
        if tag.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    for tag, attributes in page.elements:
        for key in ("src", "href"):
            address = attributes.get(key) or ""
            assert ":" not in address or address == "data:,", (tag, address)
        assert "style" not in attributes
        assert not any(key.startswith("on") for key in attributes)
        if tag == "script":
            assert attributes["src"] in {"site.js", "data/index.js"}


@pytest.mark.parametrize("evil", READABLE)
def test_hostile_text_is_text(tmp_path: Path, evil: str) -> None:
    """Reasons, authors, paths, metrics and titles add no element, and hide nothing."""
    plain, hostile = Repository(tmp_path / "plain"), Repository(tmp_path / "hostile")
    counts = []
    for made, text in ((plain, "text"), (hostile, evil)):
        word = text.encode("utf-8", "replace").decode()
        name = " ".join(word.replace("<", "(").replace(">", ")").split())
        files = [{"path": text, "sha256": "f" * 64, "rows": 3}]
        recipe = Model().facts["recipe"] | {"data": {text: "f" * 64}}
        metrics = Model().facts["metrics"]
        metrics["headline"]["metric"] = text
        unusual = {"title": text, "data": {"files": files}, "recipe": recipe, "metrics": metrics}
        commit = made.commit(Model(unusual=unusual), author=name)
        made.tag("model@v1.0.0", message=word, author=name)
        made.assign("prod", commit, message=word)
        out = tmp_path / f"out-{made.directory.name}"
        built(made, out)
        pages = [Page(out / name) for name in PAGES]
        counts.append([[tag for tag, _ in page.elements] for page in pages])
        for page in pages:
            assert page.text.replace("\n", "").isprintable()
    assert counts[0] == counts[1]


def test_a_version_whose_metadata_cannot_be_read_is_there(tmp_path: Path) -> None:
    """The site is made, and has the version with what its tag says."""
    made = Repository(tmp_path / "made")
    made.assign("prod", made.commit(Model(unusual={"title": HALF})), message="first")
    made.tag("model@v1.0.0", message="first")
    built(made, tmp_path / "out")
    pages = [Page(tmp_path / "out" / name) for name in PAGES]
    assert all("v1.0.0" in page.text for page in pages)
    assert all(page.text.replace("\n", "").isprintable() for page in pages)


def test_doubts_are_told(tmp_path: Path) -> None:
    """Forced past the gate, not registered, another environment, no attestation."""
    made = make_released(tmp_path / "made")
    commit = made.commit(Model("eeee", unusual={"reproducible": False}))
    made.assign("prod", commit, message="Now\n\nGate: forced by Ada")
    built(made, tmp_path / "out", proofs={})
    text = Page(tmp_path / "out" / "index.html").text
    for doubt in (
        *("forced past the gate", "not registered", "not made in the locked environment"),
        "never verified",
    ):
        assert doubt in text


def test_what_the_gate_never_saw_is_told(tmp_path: Path) -> None:
    """A stage that was assigned by hand holds what nobody measured."""
    built(make_released(tmp_path / "made"), tmp_path / "out")
    assert "not measured by the gate" in Page(tmp_path / "out" / "index.html").text


def test_a_server_is_linked_where_its_address_is_told(tmp_path: Path) -> None:
    """In the foot of both pages."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    with made.catalogue() as catalogue:
        write_site(catalogue, out, None, False, [], None, server="https://a.b/?c&d")
    for name in PAGES:
        assert "https://a.b/?c&d" in [link["href"] for link in Page(out / name).all("a")]


def test_a_deprecated_model_is_told(tmp_path: Path) -> None:
    """When, by whom and why; and nobody is asked to promote its newest version."""
    made = make_released(tmp_path / "made")
    made.tag("model@deprecated", message="Replaced by another one")
    built(made, tmp_path / "out")
    text = Page(tmp_path / "out" / "index.html").text
    assert "Deprecated on 2026-01-12 by Ada Lovelace: Replaced by another one" in text
    assert "is in no stage" not in text


def test_findings_and_a_stale_lock_are_told(tmp_path: Path) -> None:
    """On the card of a stage, beside the other doubts."""
    made = make_released(tmp_path / "made")
    warning = {"severity": "warning", "says": "Something"}
    made.assign("prod", made.release("v2.0.0", Model("dd", unusual={"findings": [warning]})))
    built(made, tmp_path / "out")
    text = Page(tmp_path / "out" / "index.html").text
    assert "1 finding to look at" in text
    assert "dvc.lock is stale" in text


@pytest.mark.parametrize(
    ("faults", "words"),
    [([], "in the remote"), ([Fault("a", "b", "missing", unsent=False)], "not in the remote")],
)
def test_the_remote_is_asked_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[Fault], words: str
) -> None:
    """Only then does the page say where the bytes are; the column can be filtered."""
    made = make_released(tmp_path / "made")
    monkeypatch.setattr(
        fsck,
        "checked_versions",
        lambda _, versions: [fsck.Checked(version, [], faults) for version in versions],
    )
    built(made, tmp_path / "out")
    page = tmp_path / "out" / "index.html"
    assert "in the remote" not in Page(page).text
    built(made, tmp_path / "out", check_remote=True)
    assert words in Page(page).text.split("\n")
    assert index(tmp_path / "out")[0]["remote"] == ["lost" if faults else "whole"] * 2


def test_a_version_in_no_stage_is_told(tmp_path: Path) -> None:
    """The newest version waits for somebody to promote it."""
    made = make_released(tmp_path / "made")
    made.release("v2.0.0")
    built(made, tmp_path / "out")
    text = "".join(Page(tmp_path / "out" / "index.html").text.split("\n"))
    assert "The newest version, v2.0.0, of 2026-01-13, is in no stage." in text


def test_a_model_has_the_title_of_its_newest_version(tmp_path: Path) -> None:
    """A site of one model that was given another title is called by the new one."""
    made = Repository(tmp_path / "made")
    for number, title in enumerate(("Birds", "Penguins")):
        model = Model(f"a{number}", unusual={"title": title})
        made.release(f"v1.{number}.0", model, "prod")
    built(made, tmp_path / "out")
    page = Page(tmp_path / "out" / "index.html")
    assert "Penguins" in page.text.split("\n")
    assert "Models" not in page.text.split("\n")


def test_a_model_without_a_title_is_named_once(tmp_path: Path) -> None:
    """The name that stands in for a title does not stand beside it again."""
    made = make_released(tmp_path / "made")
    other = Model("dddd", name="other", package="other", metadata="other.json")
    made.release("v1.0.0", dataclasses.replace(other, unusual={"title": ""}))
    built(made, tmp_path / "out")
    assert Page(tmp_path / "out" / "index.html").text.split().count("other") == 1


def test_several_models_are_told_apart(tmp_path: Path) -> None:
    """Each has a heading of its own, and its name in the table."""
    made = make_released(tmp_path / "made")
    other = Model("dddd", name="other", package="other", metadata="other.json")
    made.commit(other, Model("bbbb"))
    made.tag("other@v1.0.0")
    built(made, tmp_path / "out")
    text = "".join(Page(tmp_path / "out" / "index.html").text.split("\n"))
    assert "Nothing is in a stage. The newest version is v1.0.0 of 2026-01-13." in text
    assert "Model" in Page(tmp_path / "out" / "versions.html").text.split("\n")

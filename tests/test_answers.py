"""Answers: what cannot be used is refused before anything is written, all else is kept as typed."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import ANSWERS, Bake
from markdown_it import MarkdownIt

from local_extensions import dvc_plugin, refusals

GOOD = {
    "project_name": "Churn model",
    "project_slug": "churn-model",
    "description": "Predicts churn.",
    "author_name": "Ada Lovelace",
    "author_email": "",
    "license": "MIT",
    "task": "classification",
    "dvc_remote": "",
    "ci": "github",
    "create_environment": True,
}
BAD = [
    ("project_name", "", "is empty"),
    ("project_name", "   ", "begins or ends with a space"),
    ("project_name", "x" * 101, "101 characters"),
    ("project_name", "two\nlines", "U+000A"),
    ("description", "a\tb", "U+0009"),
    ("description", "zero\x00byte", "U+0000"),
    ("description", "line\u2028end", "U+2028"),
    ("author_name", "half \ud83d emoji", "U+D83D"),
    ("author_name", "not a character \ufffe", "U+FFFE"),
    ("project_slug", "", "is empty"),
    ("project_slug", "Churn Model", "lower-case"),
    ("project_slug", "-churn", "lower-case"),
    ("project_slug", "../churn", "lower-case"),
    ("project_slug", "/tmp/churn", "lower-case"),
    ("project_slug", "x" * 65, "65 characters"),
    ("project_slug", "con", "device on Windows"),
    ("author_email", "ada", "no e-mail address"),
    ("author_email", "ada@example.org, eve@example.org", "no e-mail address"),
    ("dvc_remote", "../storage", "relative directory"),
    ("dvc_remote", "storage", "relative directory"),
    ("dvc_remote", "s3://", "no bucket or host"),
    ("dvc_remote", "gdrive://folder", "no DVC plugin is locked"),
    ("dvc_remote", "ssh://ada:secret@host/data", "contains a password"),
    ("dvc_remote", "ssh://ada:sec/ret@host/data", "contains a password"),
    ("dvc_remote", "https://token@host/data", "contains a password"),
    ("dvc_remote", "https://host/data?sig=secret", "contains a password"),
    ("dvc_remote", '/srv/"data"', "contains a quote"),
    ("dvc_remote", "s3://bucket/`data`", "contains a quote"),
    ("license", "mit", "none of its values"),
    ("task", "clustering", "none of its values"),
    ("ci", "jenkins", "none of its values"),
]
NASTY = [
    'say "hi" now',
    "O'Brien & Söhne",
    "C:\\new\\table",
    "key: value # no comment",
    "{{ 7 * 7 }} {% raw %} {# gone #} {{{",
    "{{ cookiecutter.__class__.__mro__ }}",
    "$(touch pwned) `touch pwned` ; touch pwned",
    "- *bold* _it_ [x](y) <b>&amp;</b> |~#",
    "1. 2024-01-01",
    "yes",
    "@handle, %percent",
    "Straße 汉字 🐧 עברית e\u0301 \u200b",
    "null",
    "'''\"\"\"",
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_an_impossible_answer_is_refused(name: str, value: str, reason: str) -> None:
    """One line says which answer, why, and one that works."""
    lines = refusals(GOOD | {name: value}).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: ")
    assert reason in lines[0]
    assert "that work" in lines[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("description", text) for text in NASTY),
        ("author_email", "ada+ml@mail.example.org"),
        ("dvc_remote", "s3://bucket/path with space"),
        ("dvc_remote", "ssh://ada@host:22/data"),
        ("dvc_remote", "/srv/dvc data"),
        ("project_slug", "1st-project"),
    ],
)
def test_a_possible_answer_is_taken(name: str, value: str) -> None:
    """What a reasonable person types is not refused."""
    assert refusals(GOOD | {name: value}) == ""


def test_every_refusal_is_reported_together() -> None:
    """Two bad answers give two lines, not one after the other."""
    assert len(refusals(GOOD | {"project_slug": "A", "dvc_remote": "x"}).splitlines()) == 2


@pytest.mark.parametrize(
    ("remote", "plugin"),
    [
        ("", "core"),
        ("/srv/dvc", "core"),
        ("https://example.org/dvc", "core"),
        ("s3://bucket", "s3"),
        ("S3://bucket", "s3"),
        ("gs://bucket", "gs"),
        ("azure://container", "azure"),
        ("ssh://host/dvc", "ssh"),
    ],
)
def test_the_remote_decides_the_plugin(remote: str, plugin: str) -> None:
    """The scheme of the remote's URL names the plugin that DVC needs for it."""
    assert dvc_plugin(remote) == plugin


def generate(template: Path, into: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the cookiecutter command."""
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(template), "-o", str(into), *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_refusal_comes_before_any_file(template: Path, tmp_path: Path) -> None:
    """The command prints exactly the line, exits with 1, and leaves nothing behind."""
    done = generate(template, tmp_path, "--no-input", "project_slug=Not A Slug")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [refusals(GOOD | {"project_slug": "Not A Slug"})]
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())


def test_a_replayed_answer_is_refused_too(template: Path, tmp_path: Path) -> None:
    """A replay file skips the questions, and the hook still refuses what it holds."""
    generate(template, tmp_path / "first", "--no-input", "create_environment=no")
    replay = Path.home() / ".cookiecutter_replay" / f"{template.name}.json"
    answers = json.loads(replay.read_text("utf-8"))
    answers["cookiecutter"]["dvc_remote"] = "../storage"
    (tmp_path / "bad.json").write_text(json.dumps(answers), encoding="utf-8")
    into = tmp_path / "into"
    into.mkdir()
    done = generate(template, into, "--replay-file", str(tmp_path / "bad.json"))
    assert done.returncode == 1
    assert refusals(GOOD | {"dvc_remote": "../storage"}) in done.stderr
    assert not list(into.iterdir())


@pytest.mark.parametrize("text", NASTY)
def test_text_survives_every_file_format(bake: Bake, text: str) -> None:
    """Names and sentences come back from TOML, YAML, Markdown and licence as they were typed."""
    project = bake(project_name=text, project_slug="nasty", description=text, author_name=text)
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["description"] == text
    assert metadata["authors"] == [{"name": text}]
    package = yaml.safe_load((project / "params.yaml").read_text("utf-8"))["package"]
    assert (package["title"], package["description"]) == (text, text)
    title, description = plain_text((project / "README.md").read_text("utf-8"))[:2]
    assert (title, description) == (text, text)
    assert f"Copyright (c) {text}\n" in (project / "LICENSE").read_text("utf-8")
    assert not list(project.rglob("pwned*"))


def plain_text(markdown: str) -> list[str]:
    """Return the text of each heading and paragraph, as a reader of the rendered page sees it."""
    return [
        "".join(child.content for child in token.children)
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
        if token.type == "inline"
    ]


def test_every_answer_has_a_question() -> None:
    """Each answer that a person gives has a sentence of its own, and no other has."""
    assert list(ANSWERS["__prompts__"]) == [name for name in ANSWERS if not name.startswith("_")]

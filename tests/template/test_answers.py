"""Answers: what cannot be used is refused before anything is written, all else is kept as typed."""

import pytest
from cookiecutter.environment import StrictEnvironment

from conftest import ANSWERS
from local_extensions import dvc_plugin, refusals

# What a person gets who answers nothing but the name.
GOOD = {
    name: value[0] if isinstance(value, list) else value
    for name, value in ANSWERS.items()
    if not name.startswith("_")
} | {"project_name": "Churn model", "project_slug": "churn-model"}
BAD = [
    ("project_name", "", "is empty"),
    ("project_name", "   ", "begins or ends with a space"),
    ("project_name", "\u200b\u0301\u2060", "nothing in it can be seen"),
    ("project_name", "x" * 101, "101 characters"),
    ("project_name", "two\nlines", "U+000A"),
    ("project_name", "end\n", "U+000A"),
    ("project_name", None, "None is no text"),
    ("project_name", True, "True is no text"),
    ("project_name", "${oc.env:HOME}", "a value of its own for `dvc exp run`"),
    ("description", "a\tb", "U+0009"),
    ("description", "zero\x00byte", "U+0000"),
    ("description", "line\u2028end", "U+2028"),
    ("description", "\ufeffmark", "U+FEFF"),
    ("description", "x" * 10_000, "10000 characters"),
    ("description", "???", "a value of its own for `dvc exp run`"),
    ("description", "two  spaces", "two spaces in a row"),
    ("description", f"it's {'long ' * 12}C:\\new", "an apostrophe and a backslash"),
    ("description", ["a"], "['a'] is no text"),
    ("author_name", "half \ud83d emoji", "U+D83D"),
    ("author_name", "not a character \ufffe", "U+FFFE"),
    ("author_name", "Stra\udcc3\udc9fe", "not in the encoding of this terminal"),
    ("project_slug", "", "is empty"),
    ("project_slug", "Churn Model", "lower-case"),
    ("project_slug", "-churn", "lower-case"),
    ("project_slug", "../churn", "lower-case"),
    ("project_slug", "/tmp/churn", "lower-case"),
    ("project_slug", "churn\n", "U+000A"),
    ("project_slug", "\uff43hurn", "lower-case"),
    ("project_slug", "x" * 65, "65 characters"),
    ("project_slug", "con", "device on Windows"),
    ("author_email", "ada", "no e-mail address"),
    ("author_email", "ada@example.org, eve@example.org", "no e-mail address"),
    ("author_email", "ada@\u212aelvin.org", "no e-mail address"),
    ("author_email", "{{ 7 * 7 }}", "no e-mail address"),
    ("author_email", "a" * 10_000, "10000 characters"),
    ("dvc_remote", "../storage", "relative directory"),
    ("dvc_remote", "storage", "relative directory"),
    ("dvc_remote", "//host/data", "relative directory"),
    ("dvc_remote", "a\nb", "U+000A"),
    ("dvc_remote", "s3://modèle/data", "no bucket or host"),
    ("dvc_remote", "/srv/%(home)s", "it contains %("),
    ("dvc_remote", "ssh://[x/data", "no bucket or host"),
    ("dvc_remote", "s3://", "no bucket or host"),
    ("dvc_remote", "gdrive://folder", "no DVC plugin is locked"),
    ("dvc_remote", "ssh://ada:secret@host/data", "contains a password"),
    ("dvc_remote", "ssh://ada:sec/ret@host/data", "contains a password"),
    ("dvc_remote", "https://token@host/data", "contains a password"),
    ("dvc_remote", "https://host/data?sig=secret", "contains a password"),
    ("dvc_remote", '/srv/"data"', 'contains ", which'),
    ("dvc_remote", "s3://bucket/`data`", "contains `, which"),
    ("license", "mit", "none of its values"),
    ("license", "../../LICENSE", "none of its values"),
    ("task", "clustering", "none of its values"),
    ("ci", "jenkins", "none of its values"),
    ("ci", ["github"], "none of its values"),
    ("create_environment", "maybe", "neither true nor false"),
    ("create_environment", '" or open("pwned", "w") #', "neither true nor false"),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_an_impossible_answer_is_refused(name: str, value: object, reason: str) -> None:
    """One short line that any terminal can show says which answer, why, and what works."""
    (line,) = refusals(GOOD | {name: value})
    assert line.startswith(f"{name}: ")
    assert reason in line
    assert "that work" in line
    assert line.isprintable()
    assert len(line) < 300


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Straße", "strasse"),
        ("Équipe Données", "equipe-donnees"),
        ("Прогноз оттока", "prognoz-ottoka"),
        ("北京 模型", "bei-jing-mo-xing"),
        ("\uff46\uff55\uff4c\uff4c\u3000\uff57ide", "full-wide"),
        ("class", "class"),
        ("../../etc/passwd", "etc-passwd"),
        ("1. __init__.py", "1-init-py"),
        ("x" * 90, "x" * 50),
        ("🐧", ""),
        ("...", ""),
        (None, "none"),
    ],
)
def test_the_slug_follows_from_the_name(name: object, expected: str) -> None:
    """A name in any script gives a readable ASCII form, and nothing where there is none."""
    assert slug(name) == expected


def slug(name: object) -> str:
    """Render the slug that cookiecutter.json derives from a name."""
    context = {"cookiecutter": {"_extensions": ANSWERS["_extensions"]}}
    template = StrictEnvironment(context=context).from_string(ANSWERS["project_slug"])
    return template.render(cookiecutter={"project_name": name})


def test_a_name_without_an_ascii_form_asks_for_a_slug() -> None:
    """Where no slug follows from a good name one line asks for it; a bad name has one line, too."""
    (line,) = refusals(GOOD | {"project_name": "🐧", "project_slug": ""})
    assert line.startswith("project_slug: it is empty, as it is for a project_name without a")
    (line,) = refusals(GOOD | {"project_name": "", "project_slug": ""})
    assert line.startswith("project_name: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project_name", "\u202eetirw"),
        ("description", f"it's {'long ' * 90}"[:500].strip()),
        ("author_name", "two  spaces, it's C:\\new " + "x" * 100),
        ("author_email", "ada+ml@mail.example.org"),
        ("dvc_remote", "s3://bucket/path with space"),
        ("dvc_remote", "ssh://ada@host:22/data"),
        ("author_email", "o'brien`{|}~$%&#!*?^=/@example.org"),
        ("dvc_remote", "/srv/dvc data"),
        ("dvc_remote", "/srv/Modèle"),
        ("dvc_remote", "/srv/it's #1, $HOME; [a] \\ {{ b }}"),
        ("project_slug", "1st-project"),
    ],
)
def test_a_possible_answer_is_taken(name: str, value: str) -> None:
    """What a reasonable person types is not refused."""
    assert refusals(GOOD | {name: value}) == []


def test_every_refusal_is_reported_together() -> None:
    """Two bad answers give two lines, not one after the other."""
    lines = refusals(GOOD | {"project_slug": "A", "dvc_remote": "x"})
    assert [line.split(":")[0] for line in lines] == ["project_slug", "dvc_remote"]


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


def test_every_answer_has_a_question() -> None:
    """Each answer that a person gives has a sentence of its own, and no other has."""
    assert list(ANSWERS["__prompts__"]) == [name for name in ANSWERS if not name.startswith("_")]

"""What Cookiecutter's templates need from Python: checks of the answers, and quoting.

Cookiecutter loads this extension for every template that it renders: the values in
cookiecutter.json, the hooks, and the files. Answers are checked when the last value is rendered,
before a directory exists; an answer that cannot be used ends the generation with one line.
"""

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension

ROOT = Path(__file__).parent
CHOICES = {
    name: value
    for name, value in json.loads((ROOT / "cookiecutter.json").read_text("utf-8")).items()
    if isinstance(value, list) and not name.startswith("_")
}
PLUGINS = {"s3": "s3", "gs": "gs", "azure": "azure", "ssh": "ssh", "http": "", "https": ""}
DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)),
}
URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<user>[^/@]*@)?(?P<host>[^/]*)", re.I)
DIRECTORY = re.compile(r"[a-z]:[\\/]|\\\\" if os.name == "nt" else "/", re.I)
TEXTS = {"project_name": 100, "description": 500, "author_name": 200}
EXAMPLES = {
    "project_name": "One that works: Churn model",
    "project_slug": "One that works: churn-model",
    "description": "One that works: Predicts which customers leave within a month.",
    "author_name": "One that works: Ada Lovelace",
    "author_email": "One that works: ada@example.org, or nothing",
    "dvc_remote": "Ones that work: s3://bucket/path, /srv/dvc, or nothing",
}
EMAIL = re.compile(
    r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)+", re.I
)


class Answers(Extension):
    """Filters for the templates, and answers that are text even where they look like Jinja."""

    def __init__(self, environment: Environment) -> None:
        """Register the filters."""
        super().__init__(environment)
        self._own = set(_strings(json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))))
        self._own |= {hook.read_text("utf-8") for hook in (ROOT / "hooks").glob("*.py")}
        self._own |= {path.name for path in ROOT.glob("{{*}}")}
        environment.filters |= {
            "checked": checked,
            "dvc_plugin": dvc_plugin,
            "markdown": markdown,
            "quoted": quoted,
            "refusals": refusals,
        }

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Keep braces that a person typed: only the template's own strings and files are Jinja."""
        if filename is not None or source in self._own:
            return source
        return re.sub(r"\{[{%#]", lambda braces: f'{{{{ "{braces.group()}" }}}}', source)


def checked(answers: dict[str, object]) -> str:
    """Return nothing, or end the generation with one line for each answer that cannot be used."""
    lines = refusals(answers)
    if lines:
        raise FailedHookException(lines)
    return ""


def refusals(answers: dict[str, object]) -> str:
    """Return one line for each answer that cannot be used: which, why, and one that works."""
    text = {name: value for name, value in answers.items() if isinstance(value, str)}
    return "\n".join(
        [
            *_text_refusals(text),
            *_slug_refusals(text["project_slug"]),
            *_email_refusals(text["author_email"]),
            *_remote_refusals(text["dvc_remote"]),
            *(
                f"{name}: '{text[name]}' is none of its values. One that works: {values[0]}"
                for name, values in CHOICES.items()
                if text[name] not in values
            ),
        ]
    )


def quoted(text: str) -> str:
    """Return `text` as a string literal that TOML, YAML, JSON and Python all read the same."""
    return json.dumps(text, ensure_ascii=False)


def markdown(text: str) -> str:
    """Escape what Markdown would take for markup, so that the text reads as it was typed."""
    text = re.sub(r"([\\`*\[\]<>#|~$]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    text = re.sub(r"&(?=#?\w+;)", r"\\&", text)
    text = re.sub(r"^(\d+)([.)])", r"\1\\\2", text)
    return re.sub(r"^([-+=])", r"\\\1", text)


def dvc_plugin(remote: str) -> str:
    """Return the DVC plugin that a remote's URL needs, or "core" where DVC alone is enough."""
    url = URL.match(remote)
    return (url and PLUGINS.get(url["scheme"].lower())) or "core"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _unwritable(text: str) -> str:
    """Return the first character that no file format here can hold on one line, or nothing."""
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cn" and ord(character) & 0xFFFE == 0xFFFE):
            return character
    return ""


def _text_refusals(text: dict[str, str]) -> Iterator[str]:
    for name in (*TEXTS, "author_email", "dvc_remote"):
        answer, most = text[name], TEXTS.get(name, 500)
        if character := _unwritable(answer):
            yield (
                f"{name}: it contains the character U+{ord(character):04X}, which is no text on "
                f"one line. {EXAMPLES[name]}"
            )
        elif answer != answer.strip():
            yield f"{name}: it begins or ends with a space, or is one. {EXAMPLES[name]}"
        elif not answer and name in TEXTS:
            yield f"{name}: it is empty. {EXAMPLES[name]}"
        elif len(answer) > most:
            yield f"{name}: it has {len(answer)} characters; {most} is the most. {EXAMPLES[name]}"


def _slug_refusals(slug: str) -> Iterator[str]:
    example = EXAMPLES["project_slug"]
    if not slug:
        yield (
            "project_slug: it is empty, as it is for a project_name without a letter or digit. "
            f"{example}"
        )
    elif len(slug) > 64:
        yield f"project_slug: it has {len(slug)} characters, and 64 is the most. {example}"
    elif not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug):
        yield (
            f"project_slug: {quoted(slug)} must be lower-case letters, digits and dashes between "
            f"them, as it names a directory and a package. {example}"
        )
    elif slug in DEVICES:
        yield f"project_slug: '{slug}' is the name of a device on Windows. {example}"


def _email_refusals(email: str) -> Iterator[str]:
    if email and not EMAIL.fullmatch(email):
        yield f"author_email: {quoted(email)} is no e-mail address. {EXAMPLES['author_email']}"


def _remote_refusals(remote: str) -> Iterator[str]:
    examples = EXAMPLES["dvc_remote"]
    url = URL.match(remote)
    if '"' in remote or "`" in remote:
        yield f"dvc_remote: it contains a quote, which cannot stand there. {examples}"
    elif url is None:
        if remote and not DIRECTORY.match(remote):
            yield (
                f"dvc_remote: {quoted(remote)} is a relative directory, which would be another "
                f"place in every clone. {examples}"
            )
    elif url["scheme"].lower() not in PLUGINS:
        yield (
            f"dvc_remote: no DVC plugin is locked here for {url['scheme']}://, only for "
            f"{', '.join(PLUGINS)}. {examples}"
        )
    elif _holds_secret(url, remote):
        yield (
            "dvc_remote: it contains a password or token, and Git would keep it. Leave it out "
            f"and set it later with `dvc remote modify --local`. {examples}"
        )
    elif not url["host"]:
        yield f"dvc_remote: {quoted(remote)} names no bucket or host. {examples}"


def _holds_secret(url: re.Match[str], remote: str) -> bool:
    """Say whether a URL has a password, a token for a user, a query, or a port that is none."""
    user, port = url["user"] or "", url["host"].partition(":")[2]
    web = url["scheme"].lower().startswith("http")
    return ":" in user or (web and user != "") or "?" in remote or not re.fullmatch(r"\d*", port)

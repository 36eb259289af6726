"""What Cookiecutter's templates need from Python: checks of the answers, and quoting.

Cookiecutter loads this extension for every template that it renders: the values in
cookiecutter.json, the directory's name, the hooks, and the files. Answers are checked when the last
value is rendered, and again with the directory's name, as a replay renders no values: each time
before a directory exists. An answer that cannot be used ends the generation with one line.
"""

import contextlib
import json
import os
import re
import sys
import tempfile
import unicodedata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

ROOT = Path(__file__).parent
ANSWERS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
ASKED = [name for name in ANSWERS if not name.startswith("_")]
# The most characters of each text
TEXTS = {
    "project_name": 100,
    "project_slug": 64,
    "description": 500,
    "author_name": 200,
    "author_email": 254,
    "dvc_remote": 500,
}
OPTIONAL = ("author_email", "dvc_remote")
EXAMPLES = {
    "project_name": "One that works: Churn model",
    "project_slug": "One that works: churn-model",
    "description": "One that works: Predicts which customers leave within a month.",
    "author_name": "One that works: Ada Lovelace",
    "author_email": "Ones that work: ada@example.org, or nothing",
    "dvc_remote": "Ones that work: s3://bucket/path, /srv/dvc, or nothing",
}
PLUGINS = {"s3": "s3", "gs": "gs", "azure": "azure", "ssh": "ssh", "http": "", "https": ""}
DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)),
}
URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<user>[^/@]*@)?(?P<host>[^/:]*)(?P<port>[^/]*)",
    re.IGNORECASE | re.ASCII,
)
DIRECTORY = re.compile(
    r"[a-z]:[\\/]|\\\\" if os.name == "nt" else "/(?!/)", re.IGNORECASE | re.ASCII
)
EMAIL = re.compile(
    r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)+",
    re.IGNORECASE | re.ASCII,
)
# A template's address: gh:who/what, https://host/who/what.git or git@host:who/what.git
HOST = re.compile(
    r"(?:(?P<short>gh|gl|bb):|(?:https://|ssh://git@|git@)(?P<host>[\w.-]+)[:/])(?P<path>[\w./-]+?)/?",
    re.ASCII,
)
SHORTHANDS = {"gh": "github.com", "gl": "gitlab.com", "bb": "bitbucket.org"}
# The minor versions of Python 3 that the locks are for
OLDEST_MINOR, NEWEST_MINOR = 11, 14
# What a project takes at first, in bytes, and how much longer than its own the paths in it are
SIZE, DEPTH = 5_000_000, 140


class Answers(Extension):
    """Filters for the templates, and answers that are text even where they look like Jinja."""

    def __init__(self, environment: Environment) -> None:
        """Register the filters."""
        super().__init__(environment)
        # `cruft update` renders two versions of the template in one process: each loads its own.
        sys.modules.pop(__name__, None)
        self._hooks = {path.read_text("utf-8") for path in (ROOT / "hooks").glob("*.py")}
        # The template's own Jinja, and when it is that: a person may have typed the same as text.
        self._own = {
            value: f"cookiecutter | length == {place}"
            for place, value in enumerate(ANSWERS.values())
            if isinstance(value, str) and "{{" in value
        }
        (directory,) = ROOT.glob("{{*}}")
        self._own[directory.name] = f"'{ASKED[-1]}' in cookiecutter and not cookiecutter | checked"
        environment.globals |= {
            "answers_are_checked": True,
            "docs": docs,
            "page": page,
            "python_version": python_version(),
            "template_root": str(ROOT),
            "wheel": wheel,
        }
        environment.filters |= {
            "checked": checked,
            "dvc_plugin": dvc_plugin,
            "markdown": markdown,
            "quoted": quoted,
        }

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Keep what a person typed as text: only the template's own strings and files are Jinja."""
        if filename is not None or source in self._hooks:
            return source
        typed = f"{{{{ {quoted(source)} }}}}"
        if source not in self._own:
            return typed
        return f"{{% if {self._own[source]} %}}{source}{{% else %}}{typed}{{% endif %}}"


def python_version() -> str:
    """Return the Python that the project is made for: this one, or the newest that is supported."""
    supported = range(OLDEST_MINOR, NEWEST_MINOR + 1)
    major, minor = sys.version_info[:2]
    return f"3.{minor if major == 3 and minor in supported else NEWEST_MINOR}"


def docs(template: object) -> str | None:
    """Return the address of the documentation, where the template came from a host.

    Args:
        template: where the template came from, as it was typed.
    """
    source = HOST.fullmatch(str(template))
    if source is None:
        return None
    host = SHORTHANDS.get(source["short"] or "", source["host"])
    return f"https://{host}/{source['path'].removesuffix('.git')}/blob/HEAD/docs"


def page(template: object, name: str, title: str) -> str:
    """Return a page of the documentation as Markdown: a link where the template came from a host.

    Args:
        template: where the template came from, as it was typed.
        name: the page below docs/.
        title: how the text calls it.
    """
    address = docs(template)
    return f"[{title}]({address}/{name})" if address else f"{title} (`docs/{name}` of the template)"


def wheel(package: str) -> Any:
    """Return the built wheel of a library of this checkout, by the name of its package."""
    return load_wheels(ROOT).build(ROOT / "src" / package)


def load_wheels(root: Path) -> ModuleType:
    """Load the builder of wheels from a checkout, under no name: `cruft update` has two of them."""
    spec = spec_from_file_location("wheel", root / "src" / "modelkeep_core" / "wheel.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(answers: dict[str, object]) -> str:
    """Return nothing, or end the generation with a line for each answer that cannot be used."""
    lines = refusals(answers)
    if not lines and "_output_dir" in answers:
        lines = place_refusals(Path(str(answers["_output_dir"]), str(answers["project_slug"])))
    if lines:
        sys.exit("\n".join(lines))
    return ""


def refusals(answers: dict[str, object]) -> list[str]:
    """Return one line for each answer that cannot be used: which, why, and what works."""
    reasons = {name: _refusal(name, answers.get(name)) for name in ASKED}
    if reasons["project_name"] and not answers.get("project_slug"):
        reasons["project_slug"] = ""  # it follows from the name
    return [f"{name}: {why}. {_examples(name)}" for name, why in reasons.items() if why]


def place_refusals(project: Path) -> list[str]:
    """Return a line where a directory cannot be written, as half a project would stay in it."""
    if os.path.exists(project):
        return []
    place, remedy = _shown(str(project), 150), "--output-dir ~"
    try:
        with contextlib.suppress(FileNotFoundError):
            (project / ("x" * DEPTH)).stat()
        _fill(next(path for path in project.parents if path.exists()))
        place, remedy = "TMPDIR", "TMPDIR=~ before the command"
        _fill(Path(tempfile.gettempdir()))
    except OSError as error:
        return [f"{place} cannot be written ({error.strerror}). One that works: {remedy}"]
    return []


def quoted(text: str) -> str:
    """Return `text` as a string literal that TOML, YAML, JSON and Python all read the same."""
    return json.dumps(text, ensure_ascii=False)


def markdown(text: str) -> str:
    """Escape what Markdown would take for markup, so that the text reads as it was typed."""
    text = re.sub(r"([\\`*\[\]<>#|~$]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    text = re.sub(r"&(?=#?\w+;)", r"\\&", text)
    text = re.sub(r"^(\d+)([.)])", r"\1\\\2", text)
    # GitHub makes links of bare addresses, with the backslashes in them
    text = re.sub(r"(?i)(:(?=//)|(?<=www)\.)(?=[^ \n]*\\)", r"\\\1", text)
    return re.sub(r"^([-+=])", r"\\\1", text)


def dvc_plugin(remote: str) -> str:
    """Return the DVC plugin that a remote's URL needs, or "core" where DVC alone is enough."""
    url = URL.match(remote)
    return (url and PLUGINS.get(url["scheme"].lower())) or "core"


def _fill(directory: Path) -> None:
    """Write as much as a project has into a directory, and leave no trace of it."""
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(bytes(SIZE))


def _examples(name: str) -> str:
    """Return the end of a refusal: values that work."""
    if name in EXAMPLES:
        return EXAMPLES[name]
    values = ANSWERS[name] if isinstance(ANSWERS[name], list) else ("true", "false")
    return f"Ones that work: {', '.join(values)}"


def _shown(value: object, most: int = 60) -> str:
    """Return a value as one short line without anything that a terminal would obey."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."


def _refusal(name: str, answer: object) -> str:
    """Return why an answer cannot be used, or nothing."""
    own = ANSWERS[name]
    if isinstance(own, list):
        return "" if answer in own else f"{_shown(answer)} is none of its values"
    if isinstance(own, bool):
        return "" if isinstance(answer, bool) else f"{_shown(answer)} is neither true nor false"
    if not isinstance(answer, str):
        return f"{_shown(answer)} is no text; in a YAML file, put it in quotes"
    if answer == "" and name in OPTIONAL:
        return ""
    checks = {
        "project_name": _params_refusal,
        "project_slug": _slug_refusal,
        "description": _params_refusal,
        "author_name": lambda _: "",
        "author_email": _email_refusal,
        "dvc_remote": _remote_refusal,
    }
    return _text_refusal(name, answer) or checks[name](answer)


def _text_refusal(name: str, answer: str) -> str:
    if name == "project_slug" and answer == "":
        return "it is empty, as it is for a project_name without a letter or digit"
    if answer == "":
        return "it is empty"
    if character := _unwritable(answer):
        if "\udc80" <= character <= "\udcff":
            return "it is not in the encoding of this terminal; LC_ALL=C.UTF-8 makes that UTF-8"
        return f"it contains the character U+{ord(character):04X}, which is no text on one line"
    if answer != answer.strip():
        return "it begins or ends with a space, or is one"
    if all(unicodedata.category(character)[0] in "CMZ" for character in answer):
        return "nothing in it can be seen"
    if len(answer) > TEXTS[name]:
        return f"it has {len(answer)} characters; {TEXTS[name]} is the most"
    return ""


def _unwritable(text: str) -> str:
    """Return the first character that no file format here can hold on one line, or nothing."""
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cs", "Zl", "Zp") or character == "\ufeff":
            return character
        if kind == "Cn" and ord(character) & 0xFFFE == 0xFFFE:
            return character
    return ""


def _params_refusal(answer: str) -> str:
    """Return why `dvc exp run --set-param` would not write a text back as it is, or nothing."""
    if "${" in answer or answer == "???":
        return f"{_shown(answer)} has a value of its own for `dvc exp run`"
    if "  " in answer:
        return "it contains two spaces in a row, which DVC takes for one"
    if "'" in answer and "\\" in answer and len(quoted(answer)) > 60:
        return "it contains an apostrophe and a backslash, which DVC keeps in short texts only"
    return ""


def _slug_refusal(slug: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug):
        return (
            f"{_shown(slug)} must be lower-case letters, digits and dashes between them, as it "
            "names a directory and a package"
        )
    return f"'{slug}' is the name of a device on Windows" if slug in DEVICES else ""


def _email_refusal(email: str) -> str:
    return "" if EMAIL.fullmatch(email) else f"{_shown(email)} is no e-mail address"


def _remote_refusal(remote: str) -> str:
    for text in ('"', "`", "%("):
        if text in remote:
            return f"it contains {text}, which cannot stand in DVC's settings"
    url = URL.match(remote)
    if url is None:
        if DIRECTORY.match(remote):
            return ""
        return (
            f"{_shown(remote)} is a relative directory, which would be another place in every clone"
        )
    if url["scheme"].lower() not in PLUGINS:
        return f"no DVC plugin is locked here for {url['scheme']}://, only for {', '.join(PLUGINS)}"
    if _holds_secret(url, remote):
        return (
            "it contains a password or token, and Git would keep it. Leave it out and set it later "
            "with `dvc remote modify --local`"
        )
    if not re.fullmatch(r"[\w.-]+", url["host"], re.ASCII):
        return f"{_shown(remote)} names no bucket or host"
    return ""


def _holds_secret(url: re.Match[str], remote: str) -> bool:
    """Say whether a URL has a password, a token for a user, a query, or a port that is none."""
    user = url["user"] or ""
    web = url["scheme"].lower().startswith("http")
    no_port = not re.fullmatch(r"(:\d*)?", url["port"], re.ASCII)
    return ":" in user or (web and user != "") or "?" in remote or no_port

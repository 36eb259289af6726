"""Sites of repositories that tests write by hand, read again as a browser would."""

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from modelkeep.site.attestations import Proofs
from modelkeep.site.script import CALL
from modelkeep.site.writing import Written, write_site
from repository import Repository

# Markup, script, control characters, an override of the direction, half a character, formulas
HALF = "half \ud800 of it"
HOSTILE = (
    '<script>alert("x")</script>',
    "</title><img src=x onerror=alert(1)>",
    "');alert(1);//",
    "${alert(1)}`",
    "\x1b[31mred\x07",
    "\u202egnp.exe",
    HALF,
    "line\u2028end",
    "=HYPERLINK(1)",
    "&amp;&#x3c;",
)
# Metadata with half a character are not read at all.
READABLE = tuple(text for text in HOSTILE if text != HALF)


def built(
    made: Repository,
    out: Path,
    reports: Sequence[dict[str, Any]] = (),
    proofs: Proofs | None = None,
    **options: Any,
) -> Written:
    """Write the site of a repository."""
    with made.catalogue() as catalogue:
        since, experiments = options.get("since"), options.get("experiments", False)
        remote = options.get("check_remote", False)
        return write_site(catalogue, out, since, experiments, reports, proofs, remote)


def called(path: Path) -> tuple[str, Any]:
    """Return kind and value that a data file hands over."""
    text = path.read_text(encoding="ascii")
    match = re.fullmatch(rf'{CALL}\("(\w+)",(.*)\);\n', text)
    assert match, text[:80]
    return match[1], json.loads(match[2])


def index(out: Path) -> tuple[dict[str, list[Any]], list[dict[str, Any]]]:
    """Return the columns of a site with all their values, and what was in the stages."""
    kind, value = called(out / "data" / "index.js")
    assert kind == "index"
    columns = {}
    for own in value["columns"]:
        name = f"{own['group']}:{own['id']}" if own["group"] else own["id"]
        if "i" in own:
            columns[name] = [own["u"][place] for place in own["i"]]
        else:
            columns[name] = own["v"] if "v" in own else [own["c"]] * value["count"]
    return columns, value["spans"]


def version(out: Path, label: str) -> dict[str, Any]:
    """Return what the file of a version has, with what it shares with others by their names."""
    columns, _ = index(out)
    key = columns["key"][columns["version"].index(label)]
    kind, value = called(out / "versions" / f"{key}.js")
    assert kind == "version"
    shared = {}
    for name, part in value["parts"].items():
        kind, content = called(out / "parts" / f"{part}.js")
        assert kind == "part"
        shared[name] = content
    context = shared["context"]
    own = [
        (section, header, [list(row) for row in zip(first, *cells, strict=True)])
        for (section, header, first), cells in zip(context["frames"], value["cells"], strict=True)
    ]
    tables = [[*table] for table in (*own, *context["tables"])]
    return {**value, **shared, "tables": tables, "marks": context["marks"]}


def files(out: Path) -> dict[str, bytes]:
    """Return the content of each file of a site."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


class Page(HTMLParser):
    """A page as a browser sees it without scripts.

    Attributes:
        elements: name and attributes of each element.
        text: all text.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.parts.append(data)

    @property
    def text(self) -> str:
        """All text, each in a line of its own."""
        return "\n".join(self.parts)

    def all(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of the elements of a name."""
        return [attributes for tag, attributes in self.elements if tag == name]

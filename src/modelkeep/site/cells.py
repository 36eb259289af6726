"""What both pages say of a version in the same way."""

from typing import Any

from modelkeep.registry.metadata import raw_data
from modelkeep.site.clean import in_line, mapping, word
from modelkeep.site.entries import Entry
from modelkeep.site.markup import Html, h, join

HASH = 7
NO_HEADLINE = "no metadata"


def link(entry: Entry) -> Html:
    """Return a link to a version, which scripts lead to its own view."""
    return h("a", {"href": f"versions.html#v-{entry.key}", "data-key": entry.key}, entry.label)


def code_of(digest: str) -> Html | str:
    """Return a hash."""
    return h("code", None, digest) if digest else "-"


def data_of(entry: Entry) -> Html | str:
    """Return the files of raw data of a version, with rows and hash."""
    metadata = entry.metadata or {}
    files = raw_data(metadata)
    if not files:
        return "-"
    counted = mapping(metadata, "data").get("files")
    counts = {
        str(file.get("path")): file.get("rows")
        for file in (counted if isinstance(counted, list) else [])
        if isinstance(file, dict)
    }
    parts: list[Html | str] = []
    for path, digest in files.items():
        rows = counts.get(path)
        count = f" {rows:,} rows " if isinstance(rows, int) else " "
        name = h("bdi", None, in_line(word(path)))
        parts += [h("span", {"class": "file"}, name, count, code_of(word(digest)[:HASH]))]
    return join(*parts)


def metric_of(headline: dict[str, Any]) -> str:
    """Return the name of a headline metric."""
    return in_line(word(headline["metric"]))

"""What both pages say of a version in the same way."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from modelkeep import text
from modelkeep.registry.metadata import raw_data, rows_of
from modelkeep.site.clean import in_line, word
from modelkeep.site.entries import Entry
from modelkeep.site.markup import Html, h, join

HASH = 7
NO_METADATA, NO_HEADLINE = "no metadata", "no headline metric"


def link(entry: Entry) -> Html:
    """Return a link to a version, which scripts lead to its own view."""
    return h("a", {"href": f"versions.html#v-{entry.key}", "data-key": entry.key}, entry.label)


def code_of(digest: str) -> Html | str:
    """Return a hash."""
    return h("code", None, digest) if digest else "-"


def data_of(entry: Entry) -> Html | str:
    """Return the files of raw data of a version, with rows and hash."""
    metadata = entry.metadata or {}
    counts = {path: text.counted(rows, "row") for path, rows in rows_of(metadata).items()}
    return files_of(raw_data(metadata), counts)


def files_of(files: Mapping[str, str], notes: Mapping[str, str] | None = None) -> Html | str:
    """Return files by their hashes, each with what is to be said of it."""
    notes_of = notes or {}
    listed = (_file(path, word(digest), notes_of.get(path, "")) for path, digest in files.items())
    return join(*listed) or "-"


@lru_cache(maxsize=1024)
def _file(path: str, digest: str, note: str) -> Html:
    name = h("bdi", None, in_line(word(path)))
    return h("span", {"class": "file"}, name, f" {note} " if note else " ", code_of(digest[:HASH]))


def metric_of(headline: dict[str, Any]) -> str:
    """Return the name of a headline metric."""
    return in_line(word(headline["metric"]))

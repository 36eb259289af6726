"""What a site has already of versions: the columns of its index that follow from their commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelkeep.site.script import called


@dataclass(frozen=True)
class Kept:
    """Rows of an index that is there.

    Attributes:
        places: the row of each version whose file is there, by its key.
        keys: the keys of all rows.
        columns: the values of each column, by group and name.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    columns: Mapping[tuple[str, str], Sequence[Any]] = field(default_factory=dict)


def read_kept(index: Path, versions: Path, stamp: str, changing: Sequence[str]) -> Kept:
    """Return what can be taken over from a site; nothing where there is none, or an older one.

    Args:
        index: its file of columns.
        versions: its directory of the files of versions.
        stamp: what an index begins with that has the columns of today.
        changing: the columns without a group that tags and options decide.
    """
    try:
        value = called(index.read_bytes())
        if value["stamp"] != stamp:
            return Kept()
        count, listed = value["count"], value["columns"]
        columns = {(own["group"], own["id"]): _decoded(own, count) for own in listed}
        keys = columns["", "key"]
        if any(len(values) != count for values in columns.values()):
            return Kept()
    except (IndexError, KeyError, OSError, RecursionError, TypeError, ValueError):
        return Kept()
    there = {path.name for path in versions.glob("*.js")}
    places = {key: row for row, key in enumerate(keys) if f"{key}.js" in there}
    kept = {name: values for name, values in columns.items() if name[0] or name[1] not in changing}
    return Kept(places, frozenset(keys), kept)


def _decoded(own: dict[str, Any], count: int) -> list[Any]:
    if "i" in own:
        return [own["u"][place] for place in own["i"]]
    return list(own["v"]) if "v" in own else [own["c"]] * count

"""Write the files of a site: those of versions once, the others as the repository is now."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from modelkeep import __version__
from modelkeep.look import look
from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.attestations import Proofs, proved
from modelkeep.site.columns import FROM_TAGS, Cells, columns_of, of_tags
from modelkeep.site.entries import FORMAT, Entry, entries_of
from modelkeep.site.kept import Kept, read_kept
from modelkeep.site.pages import now_page, versions_page
from modelkeep.site.remote import states_in_remote
from modelkeep.site.script import call, called
from modelkeep.site.shown import Site
from modelkeep.site.small import small
from modelkeep.site.stages import stages_of
from modelkeep.site.version_file import made_of
from modelkeep_core.errors import UserError, reason_of

ASSETS = Path(__file__).with_name("assets")
# The script is one file; its parts are in the order in which they need each other.
SCRIPTS = (
    *("base", "filter", "charts", "table", "version", "compare", "time", "search", "lineage"),
    "live",
)
VERSIONS, PARTS, INDEX, LIVE = "versions", "parts", "data/index.js", "data/live.js"
# By the beginning of this file a directory is known as a site, also where writing was ended.
KNOWN_BY = call("index", {})[:-4]
PARTIAL = ".partial"
# What an index begins with whose columns can be taken over
STAMP = f"{__version__} {FORMAT}"


@dataclass(frozen=True)
class Written:
    """What a site has: how many versions, how many of them are new, and all bytes."""

    versions: int
    new: int
    size: int


def check_target(out: Path) -> None:
    """Make sure that a site can be written, and that nothing else is lost.

    Raises:
        UserError: the place is a file, or a directory with something else in it.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is no directory: name one for the site.")
    try:
        if not out.is_dir() or not any(out.iterdir()) or _is_site(out / INDEX):
            return
    except OSError as error:
        raise UserError(f"the site cannot be written: {reason_of(error)}.") from None
    raise UserError(f"{out} has files that are no site: name a new or an empty directory.")


def _is_site(index: Path) -> bool:
    if not index.is_file():
        return False
    with index.open("rb") as file:
        return file.read(len(KNOWN_BY)) == KNOWN_BY


def write_site(
    catalogue: Catalogue,
    out: Path,
    since: datetime | None,
    experiments: bool,
    reports: Sequence[dict[str, Any]],
    proofs: Proofs | None,
    check_remote: bool = False,
    server: str | None = None,
) -> Written:
    """Write a site; the same repository gives the same bytes, whatever was there before.

    Args:
        catalogue: the versions.
        out: the directory.
        since: versions registered before then are left out, unless they are in a stage.
        experiments: whether DVC's experiments are shown too.
        reports: what monitoring reported.
        proofs: what was proved of versions; None where nothing was said about that.
        check_remote: whether the DVC remote is asked for the bytes of each version.
        server: the address of a prediction server, or None.

    Raises:
        UserError: there is no version, the directory cannot be written, or the remote is to be
            asked and cannot be reached.
    """
    kept = read_kept(out / INDEX, out / VERSIONS, STAMP, FROM_TAGS)
    entries = entries_of(catalogue, since, experiments, kept.places.keys())
    if not kept.keys <= {entry.key for entry in entries}:
        # Columns would stay that only a version has which is not shown any more.
        kept = Kept()
        entries = entries_of(catalogue, since, experiments)
    proof = _proofs(catalogue, entries, proofs)
    remote = states_in_remote(catalogue, entries) if check_remote else None
    tagged = {entry.key: _tagged(catalogue, entry, proof, remote) for entry in entries}
    keys = {(entry.version.model, entry.version.commit): entry.key for entry in entries}
    new = [entry for entry in entries if entry.key not in kept.places]
    try:
        for directory in (VERSIONS, PARTS, Path(INDEX).parent):
            (out / directory).mkdir(parents=True, exist_ok=True)
        if not (out / INDEX).exists():
            _write(out / INDEX, call("index", {}))
        left = [*out.rglob(f"*{PARTIAL}")]
        there = {path.stem for path in (out / VERSIONS).glob("*.js")}
        made = _write_versions(catalogue, out, new)
        columns = columns_of(entries, tagged, made, kept)
        spans = stages_of(catalogue, keys)
        site = Site(catalogue, entries, columns, spans, proof, bool(reports), server)
        for name, content in _pages(site, reports).items():
            _write(out / name, content)
        if not reports:
            (out / LIVE).unlink(missing_ok=True)
        if gone := there - tagged.keys():
            _remove(out, gone)
        for path in left:
            # It was there before as well, so nobody writes it any more.
            path.unlink(missing_ok=True)
        return Written(len(entries), len(tagged.keys() - there), _size(out))
    except OSError as error:
        raise UserError(f"the site cannot be written: {reason_of(error)}.") from None


def _proofs(
    catalogue: Catalogue, entries: Sequence[Entry], proofs: Proofs | None
) -> Mapping[str, dict[str, Any] | None] | None:
    if proofs is None:
        return None
    keys = (entry.key for entry in entries)
    return dict(zip(keys, proved(catalogue, entries, proofs), strict=True))


def _tagged(
    catalogue: Catalogue,
    entry: Entry,
    proofs: Mapping[str, dict[str, Any] | None] | None,
    remote: Mapping[str, str] | None,
) -> dict[str, Any]:
    """Return the cells of an entry that do not follow from its commit alone."""
    cells = of_tags(entry, catalogue.stages(entry.version))
    if proofs is not None:
        proof = proofs[entry.key]
        cells["verified"] = proof and proof["result"]
    if remote is not None:
        cells["remote"] = remote.get(entry.key)
    return cells


def _write_versions(catalogue: Catalogue, out: Path, new: Sequence[Entry]) -> dict[str, Cells]:
    """Write the files of new versions; return their cells in the columns of the index."""
    written: set[str] = set()
    cells: dict[str, Cells] = {}
    for made in made_of(catalogue, new):
        for name in made.parts.keys() - written:
            _write(out / PARTS / f"{name}.js", made.parts[name])
        _write(out / VERSIONS / f"{made.key}.js", made.content)
        written |= made.parts.keys()
        cells[made.key] = made.cells
    return cells


def _remove(out: Path, gone: Collection[str]) -> None:
    """Remove the files of versions that are not shown any more, and what no other one shares."""
    for key in gone:
        (out / VERSIONS / f"{key}.js").unlink(missing_ok=True)
    shared = {name for path in (out / VERSIONS).glob("*.js") for name in _parts_of(path)}
    for path in (out / PARTS).glob("*.js"):
        if path.stem not in shared:
            path.unlink(missing_ok=True)


def _parts_of(version: Path) -> list[str]:
    """Return the names of what a version shares.

    Raises:
        UserError: its file is damaged.
    """
    try:
        return [*called(version.read_bytes())["parts"].values()]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(f"{version} is damaged: delete it, and write the site again.") from None


def _pages(site: Site, reports: Sequence[dict[str, Any]]) -> dict[str, bytes]:
    """Return the files that change with the repository; what is opened first comes last."""
    index = {
        "stamp": STAMP,
        "title": site.title,
        "count": len(site.entries),
        "columns": site.columns.written(),
        "spans": [*site.spans],
        "deprecated": [*site.deprecated.items()],
    }
    live = {LIVE: call("live", [*reports])} if reports else {}
    return {
        **_assets(),
        **live,
        INDEX: call("index", index),
        "versions.html": versions_page(site),
        "index.html": now_page(site),
    }


def _assets() -> dict[str, bytes]:
    script = "\n".join((ASSETS / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    return {
        "site.js": small(f"(()=>{{'use strict';{script}}})();\n").encode(),
        "site.css": (look() + (ASSETS / "site.css").read_text("utf-8")).encode(),
    }


def _write(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; leave one that is so already."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    partial = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")
    partial.write_bytes(content)
    os.replace(partial, path)


def _size(out: Path) -> int:
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())

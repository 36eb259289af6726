"""Write the files of a site: those of versions once, the others as the repository is now."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.attestations import Proofs, proved
from modelkeep.site.columns import table
from modelkeep.site.entries import Entry, entries_of
from modelkeep.site.pages import now_page, versions_page
from modelkeep.site.script import call
from modelkeep.site.shown import Site
from modelkeep.site.stages import stages_of
from modelkeep.site.version_file import locks_in_step, version_files
from modelkeep_core.errors import UserError

ASSETS = Path(__file__).with_name("assets")
# The script is one file; its parts are in the order in which they need each other.
SCRIPTS = ("base", "filter", "charts", "table", "version", "compare", "time", "lineage", "live")
SCRIPT = ("site.js", "(()=>{'use strict';\n", "})();\n")
VERSIONS, INDEX = "versions", "data/index.js"
# By these a directory is known as a site.
KNOWN_BY = ("index.html", INDEX)


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
    if out.is_dir() and any(out.iterdir()) and not all((out / name).is_file() for name in KNOWN_BY):
        raise UserError(f"{out} has files that are no site: name a new or an empty directory.")


def write_site(
    catalogue: Catalogue,
    out: Path,
    since: datetime | None,
    experiments: bool,
    reports: Sequence[dict[str, Any]],
    proofs: Proofs | None,
) -> Written:
    """Write a site; the same repository gives the same bytes, whatever was there before.

    Args:
        catalogue: the versions.
        out: the directory.
        since: versions registered before then are left out, unless they are in a stage.
        experiments: whether DVC's experiments are shown too.
        reports: what monitoring reported.
        proofs: what was proved of versions; None where nothing was said about that.

    Raises:
        UserError: there is no version, or the directory cannot be written.
    """
    entries = entries_of(catalogue, since, experiments)
    keys = {(entry.version.model, entry.version.commit): entry.key for entry in entries}
    spans = stages_of(catalogue, keys)
    held = {span["key"] for span in spans if span["until"] is None}
    in_step = locks_in_step(catalogue, [entry for entry in entries if entry.key in held])
    shown = {entry.key: in_step.get(entry.version) for entry in entries}
    proof = _proofs(catalogue, entries, proofs)
    site = Site(catalogue, entries, spans, shown, proof, bool(reports))
    files = {
        **_assets(),
        INDEX: call("index", _index(site)),
        "versions.html": versions_page(site),
        "index.html": now_page(site),
    }
    if reports:
        files["data/live.js"] = call("live", [*reports])
    try:
        new = _write_versions(catalogue, out / VERSIONS, entries)
        for name, content in files.items():
            _write(out / name, content)
        if not reports:
            (out / "data" / "live.js").unlink(missing_ok=True)
        return Written(len(entries), new, _size(out))
    except OSError as error:
        raise UserError(f"the site cannot be written: {error}.") from None


def _proofs(
    catalogue: Catalogue, entries: Sequence[Entry], proofs: Proofs | None
) -> Mapping[str, dict[str, Any] | None] | None:
    if proofs is None:
        return None
    keys = (entry.key for entry in entries)
    return dict(zip(keys, proved(catalogue, entries, proofs), strict=True))


def _index(site: Site) -> dict[str, Any]:
    columns = table(site.catalogue, site.entries)
    if site.proofs is not None:
        rebuilt = [site.proofs[entry.key] for entry in site.entries]
        columns.append(
            {"id": "verified", "group": "", "v": [proof and proof["result"] for proof in rebuilt]}
        )
    return {"title": site.title, "columns": columns, "spans": [*site.spans]}


def _write_versions(catalogue: Catalogue, directory: Path, entries: Sequence[Entry]) -> int:
    """Write the files that are not there yet, remove those of what is not shown any more."""
    directory.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in directory.iterdir()}
    wanted = {f"{entry.key}.js": entry for entry in entries}
    new = [entry for name, entry in wanted.items() if name not in there]
    for key, content in version_files(catalogue, new):
        _write(directory / f"{key}.js", content)
    for name in there - wanted.keys():
        (directory / name).unlink()
    return len(new)


def _assets() -> dict[str, bytes]:
    name, before, after = SCRIPT
    scripts = [(ASSETS / f"{part}.js").read_text("utf-8") for part in SCRIPTS]
    lines = [line.strip() for script in scripts for line in script.splitlines()]
    code = "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))
    return {
        name: f"{before}{code}{after}".encode(),
        "site.css": (ASSETS / "site.css").read_bytes(),
    }


def _write(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; leave one that is so already."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def _size(out: Path) -> int:
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())

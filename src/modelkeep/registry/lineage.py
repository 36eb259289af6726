"""`lineage`: what a version was made from, or which versions were made from some data."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from modelkeep import text
from modelkeep.place import path_or_word
from modelkeep.registry.ancestry import ALL, NONE, OWN, trace
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.graph import mermaid, tree
from modelkeep.registry.metadata import raw_data, rows_of
from modelkeep.registry.reference import find
from modelkeep_core.errors import UserError

SHORTEST_HASH = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("reference", metavar="REF", nargs="?", help="the version")
    which.add_argument(
        "--of-data",
        metavar="FILE|HASH",
        type=path_or_word,
        help="a raw data file, or the beginning of its SHA-256",
    )
    parser.add_argument("--mermaid", action="store_true", help="print a Mermaid diagram")
    parser.add_argument(
        "--follow-imports",
        action="store_true",
        help="open also repositories that another repository names, and not only this one",
    )


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return the lineage as data and as text.

    Raises:
        UserError: there is no such version, or what is given is no data.
    """
    if args.of_data is not None:
        versions = of_data(catalogue, args.of_data)
        return versions, _trained_on(versions)
    opens = OWN if args.repo is None else NONE
    version = find(catalogue, args.reference)
    # What a model was made from may be another model.
    graph = trace(Catalogue(catalogue.git), version, ALL if args.follow_imports else opens)
    return graph.data(), mermaid(graph) if args.mermaid else tree(graph)


def of_data(catalogue: Catalogue, data: str) -> list[dict[str, Any]]:
    """Return the versions that were made from a raw data file.

    Raises:
        UserError: `data` is neither a file nor a hash.
    """
    path = Path(data)
    if path.is_file():
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    elif len(data) >= SHORTEST_HASH and set(data.lower()) <= set("0123456789abcdef"):
        digest = data.lower()
    else:
        raise UserError(
            f"'{data}' is neither a file nor the beginning of a SHA-256 ({SHORTEST_HASH} or more "
            "hexadecimal digits)."
        )
    return [
        {
            "model": model,
            "version": version.number,
            "stages": catalogue.stages(version),
            "commit": version.commit,
            "path": path,
            "sha256": whole,
            "rows": rows_of(record.metadata).get(path),
        }
        for model in catalogue.models
        for version, record in catalogue.records.read(catalogue.registered(model))
        if record.metadata
        for path, whole in raw_data(record.metadata).items()
        if whole.startswith(digest)
    ]


def _trained_on(versions: list[dict[str, Any]]) -> str:
    if not versions:
        return "No registered version was trained on it."
    rows = [
        [
            entry["model"],
            entry["version"],
            ", ".join(entry["stages"]) or "-",
            entry["path"],
            "-" if entry["rows"] is None else str(entry["rows"]),
            entry["sha256"][:12],
            text.short(entry["commit"]),
        ]
        for entry in versions
    ]
    header = ("MODEL", "VERSION", "STAGES", "FILE", "ROWS", "SHA-256", "COMMIT")
    return text.table(header, rows, yielding=("FILE", "MODEL", "STAGES"))

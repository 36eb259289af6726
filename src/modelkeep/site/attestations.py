"""Which versions were rebuilt: the statements that `modelkeep verify --attest` wrote."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.clean import in_line, mapping, word
from modelkeep.site.entries import Entry
from modelkeep_core.errors import UserError

Proofs = Mapping[str, dict[str, Any]]


def read_attestations(directory: Path | None) -> Proofs | None:
    """Return the statements of a directory by the SHA-256 of the metadata that they speak of.

    Raises:
        UserError: there is no such directory, or a file in it is no such statement.
    """
    if directory is None:
        return None
    if not directory.is_dir():
        raise UserError(f"--attestations: {directory} is no directory.")
    # It imports what reads data, which takes longer than a site of some versions.
    from modelkeep.registry.attestation import PREDICATE

    proofs: dict[str, dict[str, Any]] = {}
    for path in sorted(directory.glob("*.json")):
        try:
            statement = json.loads(path.read_bytes())
            subjects, kind = statement["subject"], statement["predicateType"]
            digests = [str(subject["digest"]["sha256"]) for subject in subjects]
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            kind, digests = None, []
        if kind != PREDICATE:
            raise UserError(
                f"{path} is no statement of `modelkeep verify --attest`: move it elsewhere."
            )
        predicate = mapping(statement, "predicate")
        proof = {name: in_line(word(predicate.get(name))) for name in ("result", "when")}
        proofs |= dict.fromkeys(digests, proof)
    return proofs


def proved(
    catalogue: Catalogue, entries: Sequence[Entry], proofs: Proofs
) -> list[dict[str, Any] | None]:
    """Return what is proved of each version, or None."""
    if not proofs:
        return [None] * len(entries)
    contents = catalogue.git.read(
        f"{entry.version.commit}:{entry.version.directory}"
        f"{catalogue.records.paths(entry.version.model)[0]}"
        for entry in entries
    )
    return [proofs.get(sha256(content or b"").hexdigest()) for content in contents]

"""Recipe and headline of versions, taken from the tags that vouch for them.

`register` writes both into the tag, with path and Git id of the metadata that it read them from.
As long as the commit has those very bytes there, they need not be read again, which makes a list
of a thousand versions twice as fast.
"""

import json
from collections.abc import Iterable, Iterator

from modelkeep.registry.git import Git
from modelkeep.registry.metadata import Metadata, Record, Records
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import parse_json

# The line of a tag's message that says why a model of another environment was registered
UNLOCKED = "Unlocked"
# The line that says which directory the package is
PACKAGE = "Package"


def trailers(metadata: Metadata, path: str, blob: str, package: tuple[str, str]) -> str:
    """Return the lines of a tag's message that vouch for metadata.

    Args:
        metadata: the metadata of the version.
        path: where its commit has them.
        blob: Git's id of that file.
        package: path and DVC's hash of the package.
    """
    headline = json.dumps(metadata["metrics"]["headline"], ensure_ascii=False)
    lines = (
        f"Recipe: {metadata['recipe_id']}",
        f"Headline: {headline}",
        f"Metadata: {blob} {path}",
        f"{PACKAGE}: {package[1]} {package[0]}",
    )
    return "\n".join(lines)


def summaries(
    git: Git, records: Records, versions: Iterable[Version]
) -> Iterator[tuple[Version, Record]]:
    """Yield each version with the part of its metadata that a list shows: recipe and headline.

    Versions whose tags vouch for nothing, or for other bytes, have all their metadata.
    """
    claims = [(version, _claim(version)) for version in versions]
    places = {
        f"{version.commit}:{version.directory}{path}": (blob, metadata)
        for version, claim in claims
        if claim
        for path, blob, metadata in [claim]
    }
    true = {
        name: metadata
        for (name, (blob, metadata)), oid in zip(places.items(), git.ids(places), strict=True)
        if oid == blob
    }
    claimed = [
        true.get(f"{version.commit}:{version.directory}{claim[0]}") if claim else None
        for version, claim in claims
    ]
    rest = records.read(
        version for (version, _), metadata in zip(claims, claimed, strict=True) if metadata is None
    )
    for (version, _), metadata in zip(claims, claimed, strict=True):
        yield next(rest) if metadata is None else (version, Record(metadata))


def _claim(version: Version) -> tuple[str, str, Metadata] | None:
    """Return path, Git id and summary of the metadata that a version's tag vouches for."""
    event = version.registered
    if event is None:
        return None
    recipe, headline, place = (event.trailer(key) for key in ("Recipe", "Headline", "Metadata"))
    try:
        blob, path = (place or "").split(" ", 1)
        claimed = parse_json((headline or "").encode(), "a headline")
    except (UserError, ValueError):
        return None
    metadata = {"recipe_id": recipe, "metrics": {"headline": claimed}}
    return (path, blob, metadata) if recipe else None

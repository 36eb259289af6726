"""`show`: everything about one version."""

import argparse
from typing import Any

from pipeline.card import number
from pipeline.refusal import Refusal
from registry import text
from registry.catalogue import Catalogue, package_of
from registry.history import spans
from registry.reference import find
from registry.storage import storage_of
from registry.version import Version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("reference", metavar="REF", help="the version")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return one version as data and as text.

    Raises:
        Refusal: there is no such version, or its commit has no metadata.
    """
    version = find(catalogue, args.reference)
    found = facts(catalogue, version)
    return found, rendered(found)


def facts(catalogue: Catalogue, version: Version) -> dict[str, Any]:
    """Collect all that is known of a version: from its tag, its commit and its metadata."""
    metadata = catalogue.records.of(version)
    git, event = catalogue.git, version.registered
    log = git.run("log", "-1", "--format=%aN%x00%aE%x00%aI%x00%s", version.commit).rstrip("\n")
    author, email, created, subject = log.split("\0")
    held = [span for span in spans(catalogue, version.model) if span["commit"] == version.commit]
    _, content = package_of(catalogue.line(version), version)
    return {
        "model": version.model,
        "version": version.number,
        "registered": {
            "tag": event.tag,
            "date": event.when.isoformat(),
            "author": event.author,
            "email": event.email,
            "message": event.message,
        }
        if event
        else None,
        "stages": catalogue.stages(version),
        "held": held,
        "commit": version.commit,
        "created": {"date": created, "author": author, "email": email, "subject": subject},
        "content_id": content.removesuffix(".dir"),
        "bytes": where(catalogue, version, content),
        "metadata": metadata,
    }


def where(catalogue: Catalogue, version: Version, content: str) -> dict[str, Any]:
    """Say whether the package of a version is in the cache and in the remote.

    Returns:
        "cache" and "remote": whether it is whole there; "problem": why that is not known.
    """
    found: dict[str, Any] = {"cache": False, "remote": None, "problem": None}
    with storage_of(catalogue.git, version) as storage:
        # Before anything is fetched, which fills the cache.
        listed = bool(storage.in_cache([content]))
        try:
            found["remote"] = bool(storage.in_remote([content]))
        except Refusal as refusal:
            found["problem"] = str(refusal)
        if listed or found["remote"]:
            try:
                wanted = set(storage.files(content, "the package").values())
            except Refusal as refusal:
                return found | {"remote": None, "problem": str(refusal)}
            found["cache"] = listed and storage.in_cache(wanted) == wanted
            if found["remote"]:
                found["remote"] = storage.in_remote(wanted) == wanted
    return found


def rendered(found: dict[str, Any]) -> str:
    """Return the facts in paragraphs of "name  value" lines."""
    metadata, created, event = found["metadata"], found["created"], found["registered"]
    headline, training = metadata["metrics"]["headline"], metadata["training"]
    places = [place for place in ("cache", "remote") if found["bytes"][place]]
    unknown = found["bytes"]["problem"]
    identity = [
        ("model", f"{found['model']}: {metadata['title']}"),
        ("version", found["version"] or "not registered"),
        ("stages now", ", ".join(found["stages"]) or "none"),
        ("stages before", _before(found) or "none"),
        ("recipe id", metadata["recipe_id"]),
        ("content id", found["content_id"]),
        ("commit", found["commit"]),
        ("created", f"{created['date'][:16].replace('T', ' ')} by {created['author']}"),
    ]
    if event:
        registered = f"{event['date'][:16].replace('T', ' ')} by {event['author']}"
        identity.append(("registered", f"{registered}: {event['message'].splitlines()[0]}"))
    identity.append(("bytes in", " and ".join(places) or "neither cache nor remote"))
    if unknown:
        identity.append(("", unknown))
    rows = metadata["data"]["rows"]
    quality = [
        ("task", f"{metadata['task']} of {metadata['target']}"),
        (headline["metric"], f"{text.interval(headline)} on {rows['test']} test rows"),
    ]
    quality += [
        (name, number(value))
        for name, value in metadata["metrics"]["test"].items()
        if name != headline["metric"]
    ]
    data = [("rows", ", ".join(f"{name} {count}" for name, count in rows.items()))]
    data += [
        (file["path"], f"{file['rows']} rows, SHA-256 {file['sha256'][:16]}…")
        for file in metadata["data"]["files"]
    ]
    making = [("estimator", training["estimator"])]
    making += [
        (name, "none" if value is None else str(value))
        for name, value in training["parameters"].items()
    ]
    steps = [
        ("", f"{', '.join(group['columns'])}: {' → '.join(group['steps'])}")
        for group in training["preprocessing"]
    ]
    libraries = metadata["libraries"].items()
    environment = [("", ", ".join(f"{name} {number}" for name, number in libraries))]
    parts = {
        "": identity,
        "Quality": quality,
        "Data": data,
        "Parameters": making,
        "Preprocessing": steps,
        "Environment": environment,
    }
    return "\n\n".join(
        f"{title}\n{text.aligned(pairs)}".strip("\n") for title, pairs in parts.items() if pairs
    )


def _before(found: dict[str, Any]) -> str:
    past = [span for span in found["held"] if span["until"]]
    return ", ".join(f"{it['stage']} ({it['from'][:10]} to {it['until'][:10]})" for it in past)

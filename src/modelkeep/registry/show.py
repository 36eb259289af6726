"""`show`: everything about one version."""

import argparse
from typing import Any

from modelkeep import text
from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.history import spans
from modelkeep.registry.listing import signed_by
from modelkeep.registry.metadata import findings_of, rows_of
from modelkeep.registry.outputs import package_output
from modelkeep.registry.presence import places_of
from modelkeep.registry.reference import find
from modelkeep.registry.storage import storage_of
from modelkeep.registry.summary import UNLOCKED
from modelkeep.registry.version import Version
from modelkeep_core.card import escape, inline, number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("reference", metavar="REF", help="the version")
    parser.add_argument(
        "--findings",
        action="store_true",
        help="print what evaluate found, and nothing else, as Markdown for a pull request",
    )


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return one version as data and as text.

    Raises:
        UserError: there is no such version, or its commit has no metadata.
    """
    version = find(catalogue, args.reference)
    if args.findings:
        findings = findings_of(catalogue.records.of(version))
        return findings, listed(findings)
    collected = facts(catalogue, version)
    return collected, rendered(collected)


def listed(findings: list[dict[str, str]]) -> str:
    """Return findings as a list in Markdown."""
    lines = [
        f"- **{escape(finding['severity'])}** {inline(finding['says'])} ({inline(finding['name'])})"
        for finding in findings
    ]
    return "\n".join(lines) or "Nothing was found."


def facts(catalogue: Catalogue, version: Version) -> dict[str, Any]:
    """Collect all that is known of a version: from its tag, its commit and its metadata."""
    metadata = catalogue.records.of(version)
    git, event = catalogue.git, version.registered
    log = git.run("log", "-1", "--format=%aN%x00%aE%x00%aI%x00%s", version.commit).rstrip("\n")
    author, email, created, subject = log.split("\0", 3)
    history = spans(catalogue, version.model)
    _, content = package_of(catalogue.pipeline(version), version)
    return {
        "model": version.model,
        "version": version.number,
        "registered": {
            "tag": event.tag,
            "date": event.when.isoformat(),
            "author": event.author,
            "email": event.email,
            "message": event.message,
            "unlocked_because": event.trailer(UNLOCKED),
            "signature": catalogue.trust.shown([event]).get(event.tag),
        }
        if event
        else None,
        "deprecated": catalogue.deprecation(version.model),
        "stages": catalogue.stages(version),
        "history": [span for span in history if span["commit"] == version.commit],
        "commit": version.commit,
        "created": {"date": created, "author": author, "email": email, "subject": subject},
        "content_id": content.removesuffix(".dir"),
        "bytes": where(catalogue, version),
        "metadata": metadata,
    }


def where(catalogue: Catalogue, version: Version) -> dict[str, Any]:
    """Say whether the package of a version is whole in the cache and in the remote."""
    with storage_of(catalogue.git, version) as storage:
        return places_of(package_output(catalogue, version), storage)


def rendered(facts: dict[str, Any]) -> str:
    """Return the facts in paragraphs of "name  value" lines."""
    metadata, created, event = facts["metadata"], facts["created"], facts["registered"]
    headline, training = metadata["metrics"]["headline"], metadata["training"]
    places = [place for place in ("cache", "remote") if facts["bytes"][place]]
    unknown = facts["bytes"]["problem"]
    identity = [
        ("model", f"{facts['model']}: {metadata['title']}"),
        ("version", facts["version"] or "not registered"),
        ("stages now", ", ".join(facts["stages"]) or "none"),
        ("stages before", _before(facts) or "none"),
        ("recipe id", metadata["recipe_id"]),
        ("content id", facts["content_id"]),
        ("commit", facts["commit"]),
        ("created", f"{created['date'][:16].replace('T', ' ')} by {created['author']}"),
    ]
    if event:
        registered = f"{event['date'][:16].replace('T', ' ')} by {event['author']}"
        first = next(iter(event["message"].splitlines()), "without a message")
        identity.append(("registered", f"{registered}: {first}"))
        if event["signature"]:
            identity.append(("signed by", signed_by(event["signature"])))
    if retired := facts["deprecated"]:
        deprecation = f"{retired['date'][:10]} by {retired['author']}: {retired['message']}"
        identity.append(("deprecated", deprecation))
    if not metadata.get("reproducible", True):
        why = [*map(str, metadata.get("unlocked", []))]
        if event and event["unlocked_because"]:
            why.append(f"registered because: {event['unlocked_because']}")
        identity.append(
            ("reproducible", f"no, not made in the locked environment: {'; '.join(why)}")
        )
    nowhere = "not the cache" if unknown else "neither cache nor remote"
    identity.append(("bytes in", " and ".join(places) or nowhere))
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
    counts = {path: f"{text.counted(rows, 'row')}, " for path, rows in rows_of(metadata).items()}
    data += [
        (path, f"{counts.get(path, '')}SHA-256 {digest[:16]}…")
        for path, digest in metadata["recipe"]["data"].items()
    ]
    parameters = training["parameters"].items()
    own = [(name, "none" if value is None else str(value)) for name, value in parameters]
    # Those of the estimators in an ensemble or a calibration, each with all of its defaults
    of_parts = [name for name, _ in own if "__" in name]
    making = [("estimator", training["estimator"])]
    making += [(name, value) for name, value in own if name not in of_parts]
    if of_parts:
        count = text.counted(len(of_parts), "parameter")
        making.append(("of its parts", f"{count}, which --json shows"))
    steps = [
        ("", f"{', '.join(group['columns'])}: {' → '.join(group['steps'])}")
        for group in training["preprocessing"]
    ]
    libraries = metadata["libraries"].items()
    environment = [("", ", ".join(f"{name} {number}" for name, number in libraries))]
    parts = {
        "": identity,
        "Quality": quality,
        "Findings": [
            (finding["severity"], f"{finding['name']}: {finding['says']}")
            for finding in findings_of(metadata)
        ],
        "Data": data,
        "Parameters": making,
        "Preprocessing": steps,
        "Environment": environment,
    }
    return "\n\n".join(
        f"{title}\n{text.aligned(pairs)}".strip("\n") for title, pairs in parts.items() if pairs
    )


def _before(facts: dict[str, Any]) -> str:
    return ", ".join(
        f"{span['stage']} ({span['from'][:10]} to {span['until'][:10]})"
        for span in facts["history"]
        if span["until"]
    )

"""`list`: the versions of every model, newest first."""

import argparse
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any

from modelkeep import text
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.lost import warning
from modelkeep.registry.metadata import Record
from modelkeep.registry.reference import elsewhere
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

HEADER = ("VERSION", "STAGES", "DATE", "AUTHOR", "RECIPE", "METRIC", "COMMIT")
# Where signatures count, who signed stands in the place of the author, which is anybody's word.
SIGNED, PLACE = "SIGNED BY", HEADER.index("AUTHOR")
# How many numbers of its recipe the data of a version name: all of thousands would be millions.
SAME = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument(
        "--all", action="store_true", help="also the commits that made another model, unregistered"
    )


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return the versions as data and as text.

    Raises:
        UserError: there is none.
    """
    entries = [*entries_of(catalogue, args.all)]
    if not entries:
        raise UserError(
            "no version is registered here: `modelkeep register` makes the first. "
            f"{elsewhere(catalogue.git)}"
        )
    _add_same_recipe(entries)
    for entry in entries:
        entry["deprecated"] = catalogue.deprecation(entry["model"])
    _add_signatures(catalogue, entries)
    return entries, rendered(entries) + warning(catalogue)


def entries_of(catalogue: Catalogue, everything: bool) -> Iterator[dict[str, Any]]:
    """Yield the versions of each model, and the unregistered commits where they are asked for."""
    who_when: dict[Version, tuple[str, str]] = {}
    for model in sorted({*catalogue.models, *(catalogue.current_models if everything else [])}):
        own = {
            version: (version.event.author, version.event.when.isoformat())
            for version in catalogue.registered(model)
        }
        if everything:
            others = catalogue.unregistered(model)
            own |= {version: (author, date) for version, author, date in others}
            when = {version: datetime.fromisoformat(date) for version, (_, date) in own.items()}
            own = dict(sorted(own.items(), key=lambda entry: when[entry[0]], reverse=True))
        for event in catalogue.assignments.get(model, {}).values():
            # Nobody registered it: a tag that was written by hand put it into the stage.
            version = catalogue.at(model, event.commit)
            own.setdefault(version, (event.author, event.when.isoformat()))
        who_when |= own
    for version, record in catalogue.summaries(who_when):
        author, date = who_when[version]
        yield _entry(version, record, catalogue.stages(version), date, author)


def _add_same_recipe(entries: list[dict[str, Any]]) -> None:
    """Add to each entry the numbers that other commits of the model have with its recipe.

    They are in the order of the entries, and at most SAME.
    """
    by_recipe: dict[tuple[str, str], dict[str, list[str]]] = {}
    numbered = [entry for entry in entries if entry["version"] and entry["recipe_id"]]
    for entry in numbered:
        of_recipe = by_recipe.setdefault((entry["model"], entry["recipe_id"]), {})
        of_recipe.setdefault(entry["commit"], []).append(entry["version"])
    for entry in numbered:
        of_recipe = by_recipe[entry["model"], entry["recipe_id"]]
        others = (numbers for commit, numbers in of_recipe.items() if commit != entry["commit"])
        entry["same_recipe"] = [*islice(chain.from_iterable(others), SAME)]


def _add_signatures(catalogue: Catalogue, entries: list[dict[str, Any]]) -> None:
    """Add to each entry who signed its number; None where it has none, or no signatures count."""
    events = {
        (event.model, event.version): event
        for event in catalogue.events
        if event.version and not event.back
    }
    shown = catalogue.trust.shown([*events.values()])
    for entry in entries:
        event = events.get((entry["model"], entry["version"]))
        entry["signature"] = shown.get(event.tag) if event else None


def _entry(
    version: Version, record: Record, stages: list[str], date: str, author: str
) -> dict[str, Any]:
    metadata = record.metadata or {}
    return {
        "model": version.model,
        "version": version.number,
        "stages": stages,
        "date": date,
        "author": author,
        "recipe_id": metadata.get("recipe_id"),
        "same_recipe": [],
        "headline": _headline(metadata),
        "commit": version.commit,
        "problem": record.problem,
    }


def _headline(metadata: dict[str, Any]) -> dict[str, Any] | None:
    """Return the headline metric; None where the metadata have none that can be shown."""
    headline = metadata.get("metrics", {}).get("headline")
    if not isinstance(headline, dict) or not isinstance(headline.get("metric"), str):
        return None
    numbers = [headline.get(key) for key in ("value", "low", "high")]
    return headline if all(isinstance(number, int | float) for number in numbers) else None


def rendered(entries: list[dict[str, Any]]) -> str:
    """Return a table for each model."""
    models = list(dict.fromkeys(entry["model"] for entry in entries))
    parts = []
    for model in models:
        own = [entry for entry in entries if entry["model"] == model]
        metrics = {entry["headline"]["metric"] for entry in own if entry["headline"]}
        name = metrics.pop().upper() if len(metrics) == 1 else "METRIC"
        header = [name if column == "METRIC" else column for column in HEADER]
        rows = [_row(entry, same_metric=not metrics) for entry in own]
        if any(entry.get("signature") for entry in own):
            header[PLACE] = SIGNED
            for row, entry in zip(rows, own, strict=True):
                row[PLACE] = signed_by(entry["signature"])
        shown = text.table(header, rows, yielding=(header[PLACE], "STAGES", "VERSION", name))
        shown += "".join(f"\nThe same recipe: {numbers}." for numbers in _same_recipe(own))
        if retired := own[0].get("deprecated"):
            when = text.day(datetime.fromisoformat(retired["date"]))
            deprecation = f"Deprecated on {when} by {retired['author']}: {retired['message']}"
            shown = f"{deprecation}\n\n{shown}"
        parts.append(shown if len(models) == 1 else f"{model}\n\n{shown}")
    return "\n\n".join(parts)


def signed_by(signature: dict[str, str] | None) -> str:
    """Return who signed a tag as a table shows it; what is wrong with the signature in brackets."""
    if not signature:
        return "-"
    return signature["by"] or f"[{signature['problem']}]"


def _same_recipe(entries: list[dict[str, Any]]) -> list[str]:
    """Return the numbers of each recipe that has several, newest first."""
    named: dict[str, list[str]] = {}
    for entry in entries:
        if entry["same_recipe"]:
            named.setdefault(entry["recipe_id"], []).append(entry["version"])
    return [", ".join(numbers) for numbers in named.values()]


def _row(entry: dict[str, Any], same_metric: bool) -> list[str]:
    headline = entry["headline"]
    metric = text.interval(headline) if headline else "no metadata"
    return [
        entry["version"] or "-",
        ", ".join(entry["stages"]) or "-",
        text.day(datetime.fromisoformat(entry["date"])),
        entry["author"],
        text.short(entry["recipe_id"]),
        metric if same_metric or not headline else f"{headline['metric']} {metric}",
        text.short(entry["commit"]),
    ]

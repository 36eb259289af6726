"""What was in each stage of each model, and what the gate found when it was put there."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.history import spans
from modelkeep.registry.listing import signed_by
from modelkeep.site.clean import in_line

# The line of a promotion's message in which the gate compares two versions on the same rows
PAIRED = re.compile(
    r"^(?P<metric>\S.*?): (?P<new>\S+) - (?P<old>\S+) {2,}.*? {2,}"
    r"(?P<difference>\S+) \((?P<low>\S+) to (?P<high>\S+)\)",
    re.MULTILINE,
)


def stages_of(catalogue: Catalogue, keys: Mapping[tuple[str, str], str]) -> list[dict[str, Any]]:
    """Return what was in the stages of all models, in the order of time.

    Args:
        catalogue: the versions.
        keys: the keys of the versions that the site shows, by model and commit.
    """
    messages = {event.tag: event.message for event in catalogue.events}
    return [
        _shown(span, keys, messages[span["tag"]])
        for model in catalogue.models
        for span in spans(catalogue, model)
    ]


def _shown(
    span: dict[str, Any], keys: Mapping[tuple[str, str], str], message: str
) -> dict[str, Any]:
    shown = {
        "model": span["model"],
        "stage": span["stage"],
        "key": keys.get((span["model"], span["commit"])),
        "version": span["version"] or (span["commit"] or "")[:7] or None,
        "from": _seconds(span["from"]),
        "until": _seconds(span["until"]),
        "date": span["from"][:16],
        "author": in_line(span["author"] + _signed(span["signature"])),
        "reason": in_line(span["message"]),
        "forced": "forced" in span["doubts"],
        "gateless": "no gate" in span["doubts"],
        "gate": in_line(span["gate"] or ""),
        "tag": span["tag"],
    }
    match = PAIRED.search(message)
    numbers = [_number(match[name]) for name in ("difference", "low", "high")] if match else []
    if match and None not in numbers:
        words = {name: in_line(match[name]) for name in ("metric", "new", "old")}
        shown["paired"] = words | dict(zip(("difference", "low", "high"), numbers, strict=True))
    return shown


def _signed(signature: dict[str, str] | None) -> str:
    return f" (signed by {signed_by(signature)})" if signature else ""


def _seconds(moment: str | None) -> int | None:
    return int(datetime.fromisoformat(moment).timestamp()) if moment else None


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None

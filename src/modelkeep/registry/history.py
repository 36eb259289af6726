"""`history`: what was assigned to a stage, when, by whom and why."""

import argparse
from datetime import datetime
from typing import Any

from modelkeep import text
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.listing import signed_by
from modelkeep.registry.tags import Event, of_model
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError, suggestion


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("stage", nargs="?", metavar="STAGE", help="one stage (default: all)")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return what was in the stages, newest first, as data and as text.

    Raises:
        UserError: nothing was ever promoted, or not to this stage.
    """
    history = [span for model in catalogue.models for span in spans(catalogue, model)]
    history = sorted(history, key=lambda span: datetime.fromisoformat(span["from"]))[::-1]
    stages = {span["stage"] for span in history}
    if not history:
        raise UserError("no stage is assigned a version yet: `modelkeep promote REF STAGE`.")
    if args.stage is not None:
        if args.stage not in stages:
            raise UserError(
                f"nothing was ever in '{args.stage}'{suggestion(args.stage, stages)}: "
                f"there is {', '.join(sorted(stages))}."
            )
        history = [span for span in history if span["stage"] == args.stage]
    return history, rendered(history)


def spans(catalogue: Catalogue, model: str) -> list[dict[str, Any]]:
    """Return what was in each stage of a model, from when until when, and the tag that says so.

    They are in the order of time; "until" is None for what is in force, and "commit" for a stage
    from which everything was taken back.
    """
    spans: list[dict[str, Any]] = []
    last: dict[str, dict[str, Any]] = {}
    signatures = catalogue.trust.shown([*of_model(catalogue.events, model)])
    for stage, event, assigned in catalogue.changes(model):
        if stage in last:
            last[stage]["until"] = event.when.isoformat()
        version = catalogue.at(model, assigned.commit) if assigned else None
        last[stage] = {
            "model": model,
            "stage": stage,
            "version": version.number if version else None,
            "commit": version.commit if version else None,
            "from": event.when.isoformat(),
            "until": None,
            "author": event.author,
            "email": event.email,
            "message": event.reason,
            "gate": event.trailer("Gate"),
            "doubts": doubts_of(event, version),
            "signature": signatures.get(event.tag),
            "tag": event.tag,
        }
        spans.append(last[stage])
    return spans


def doubts_of(event: Event, assigned: Version | None) -> list[str]:
    """Return in what way what is in a stage since an event did not go through the gate."""
    words, gate = [], event.trailer("Gate") or ""
    if assigned and not assigned.number:
        words.append("never registered")
    if gate.startswith("forced"):
        words.append("forced")
    elif event.stage and not event.back and not gate and not event.trailer("Rollback"):
        words.append("no gate")
    return words


def rendered(history: list[dict[str, Any]]) -> str:
    """Return a table for each stage of each model; a version was in it until the one above was.

    A line with "-" stands for nothing.
    """
    signed = ["SIGNED BY"] if any(span["signature"] for span in history) else []
    several = len({span["model"] for span in history}) > 1
    header = ("SINCE", "VERSION", "BY", *signed, "WHY")
    tables: dict[str, list[list[str]]] = {}
    for span in history:
        title = f"{span['model']} {span['stage']}" if several else span["stage"]
        doubts = "".join(f" [{word}]" for word in span["doubts"])
        tables.setdefault(title, []).append(
            [
                text.minute(datetime.fromisoformat(span["from"])),
                span["version"] or text.short(span["commit"]),
                span["author"],
                *(signed_by(span["signature"]) for _ in signed),
                span["message"] + doubts,
            ]
        )
    return "\n\n".join(
        f"{title}\n\n{text.table(header, rows, ('WHY', 'BY', *signed))}"
        for title, rows in tables.items()
    )

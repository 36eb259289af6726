"""`history`: what was live in a stage, when, by whom and why."""

import argparse
from datetime import datetime
from typing import Any

from pipeline.refusal import Refusal, suggestion
from registry import text
from registry.catalogue import Catalogue


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("stage", nargs="?", metavar="STAGE", help="one stage (default: all)")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return what the stages held, newest first, as data and as text.

    Raises:
        Refusal: nothing was ever promoted, or not to this stage.
    """
    found = [span for model in catalogue.models for span in spans(catalogue, model)]
    found = sorted(found, key=lambda span: datetime.fromisoformat(span["from"]))[::-1]
    stages = {span["stage"] for span in found}
    if not found:
        raise Refusal("no stage holds a version yet: `python -m registry promote REF STAGE`.")
    if args.stage is not None:
        if args.stage not in stages:
            raise Refusal(
                f"nothing was ever in '{args.stage}'{suggestion(args.stage, stages)}: "
                f"there is {', '.join(sorted(stages))}."
            )
        found = [span for span in found if span["stage"] == args.stage]
    return found, rendered(found)


def spans(catalogue: Catalogue, model: str) -> list[dict[str, Any]]:
    """Return what each stage of a model held, from when until when, and the tag that said so.

    They are in the order of time; "until" is None for what is in force, and "commit" for a stage
    from which everything was taken back.
    """
    found: list[dict[str, Any]] = []
    last: dict[str, dict[str, Any]] = {}
    for stage, event, held in catalogue.changes(model):
        if stage in last:
            last[stage]["until"] = event.when.isoformat()
        last[stage] = {
            "model": model,
            "stage": stage,
            "version": catalogue.at(model, held.commit).number if held else None,
            "commit": held.commit if held else None,
            "from": event.when.isoformat(),
            "until": None,
            "author": event.author,
            "email": event.email,
            "message": event.reason,
            "gate": event.trailer("Gate"),
            "tag": event.tag,
        }
        found.append(last[stage])
    return found


def rendered(found: list[dict[str, Any]]) -> str:
    """Return a table for each stage of each model; what a line names was live until the one above.

    A line with "-" stands for nothing.
    """
    several = len({span["model"] for span in found}) > 1
    tables: dict[str, list[list[str]]] = {}
    for span in found:
        title = f"{span['model']} {span['stage']}" if several else span["stage"]
        forced = " [forced]" if (span["gate"] or "").startswith("forced") else ""
        tables.setdefault(title, []).append(
            [
                text.minute(datetime.fromisoformat(span["from"])),
                span["version"] or text.short(span["commit"]),
                span["author"],
                span["message"] + forced,
            ]
        )
    return "\n\n".join(
        f"{title}\n\n{text.table(('SINCE', 'VERSION', 'BY', 'WHY'), rows, ('WHY', 'BY'))}"
        for title, rows in tables.items()
    )

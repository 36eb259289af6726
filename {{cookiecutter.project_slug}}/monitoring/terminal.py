"""A report as a person reads it in a terminal, within 80 columns."""

from typing import Any

from monitoring.phrases import (
    PREDICTION,
    columns,
    conclusion,
    folded,
    left_out,
    legend,
    middle,
    percent,
    probability,
    span,
)
from registry import text

HEADER = ("COLUMN", "BEFORE", "NOW", "APART", "P", "MISSING", "UNSEEN")
# How many days, and reasons why values were refused, are listed
DAYS = 7
REASONS = 5
ALARM = " !"


def rendered(report: dict[str, Any]) -> str:
    """Return the whole report."""
    volume = report["volume"]
    parts = [_head(report)]
    if volume["rows"]:
        rows = [_row(name, part) for name, part in columns(report)]
        parts.append(text.table(HEADER, rows, yielding=("COLUMN", "BEFORE", "NOW")))
        parts.append(folded(legend(report)))
    days = volume["days"][-DAYS:]
    if len(days) > 1:
        per_day = [[day["day"], f"{day['requests']:,}", f"{day['rows']:,}"] for day in days]
        parts.append(text.table(("DAY", "REQUESTS", "ROWS"), per_day, yielding=()))
    if report["refused"]["reasons"]:
        why = [
            [reason["reason"], reason["feature"] or "", f"{reason['values']:,}"]
            for reason in report["refused"]["reasons"][:REASONS]
        ]
        parts.append(text.table(("REFUSED", "FEATURE", "VALUES"), why, yielding=("FEATURE",)))
    parts.append("\n".join(folded(line) for line in conclusion(report)))
    return "\n\n".join(parts)


def _head(report: dict[str, Any]) -> str:
    model, volume = report["model"], report["volume"]
    versions = ", ".join(version for version in model["versions"] if version)
    refused = report["refused"]["values"]
    pairs = [
        ("model", f"{model['name']} {versions}".strip()),
        ("recipe", text.short(model["recipe_id"])),
        ("window", span(report)),
        ("answered", f"{volume['requests']:,} requests, {volume['rows']:,} rows"),
        ("refused", f"{refused:,} values ({percent(report['refused']['share'])} of what came in)"),
    ]
    if volume["other_models"]:
        pairs.append(("left out", left_out(report)))
    return text.aligned(pairs)


def _row(name: str, part: dict[str, Any]) -> list[str]:
    checks, live = part["checks"], part["live"]
    values = checks.get("values")
    apart = f"{values['effect']:.2f}{_mark(values)}" if values else "-"
    p = probability(values["p_adjusted"]) if values else "-"
    missing, unseen = "-", "-"
    if live["rows"] and name != PREDICTION:
        missing = f"{percent(live['missing'] / live['rows'])}{_mark(checks.get('missing'))}"
    if part["unseen"] is not None and live["rows"] > live["missing"] and name != PREDICTION:
        share = part["unseen"] / (live["rows"] - live["missing"])
        unseen = f"{percent(share)}{_mark(checks.get('unseen'))}"
    return [name, middle(part, "reference"), middle(part, "live"), apart, p, missing, unseen]


def _mark(check: dict[str, Any] | None) -> str:
    return ALARM if check and check["alarm"] else ""

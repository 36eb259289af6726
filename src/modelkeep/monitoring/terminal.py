"""A report as a person reads it in a terminal, within 80 columns."""

from typing import Any

from modelkeep import text
from modelkeep.monitoring.phrases import (
    PREDICTION,
    columns,
    conclusion,
    folded,
    left_out,
    legend,
    middle,
    percent,
    probability,
    refusals,
    span,
)

HEADER = ("COLUMN", "REFERENCE", "CURRENT", "DISTANCE", "P", "MISSING", "OUT OF RANGE")
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
        parts.append(text.table(HEADER, rows, yielding=("COLUMN", "REFERENCE", "CURRENT")))
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
        listed = text.table(("REFUSED", "FEATURE", "VALUES"), why, yielding=("FEATURE",))
        more = len(report["refused"]["reasons"]) - REASONS
        parts.append(f"{listed}\n... and {more} more, in --json" if more > 0 else listed)
    parts.append("\n".join(folded(line) for line in conclusion(report)))
    return "\n\n".join(parts)


def _head(report: dict[str, Any]) -> str:
    model, volume = report["model"], report["volume"]
    versions = ", ".join(version for version in model["versions"] if version)
    asked = text.counted(volume["requests"], "request")
    pairs = [
        ("model", f"{model['name']} {versions}".strip()),
        ("recipe", text.short(model["recipe_id"])),
        ("window", span(report)),
        ("answered", f"{asked}, {text.counted(volume['rows'], 'row')}"),
        ("refused", refusals(report["refused"])),
    ]
    if volume["other_models"]:
        pairs.append(("left out", left_out(report)))
    return text.aligned(pairs)


def _row(name: str, part: dict[str, Any]) -> list[str]:
    checks, current = part["checks"], part["current"]
    values = checks.get("values")
    distance = f"{values['distance']:.2f}{_mark(values)}" if values else "-"
    p = probability(values["p_adjusted"]) if values else "-"
    missing, out_of_range = "-", "-"
    if current["rows"] and name != PREDICTION:
        missing = f"{percent(current['missing'] / current['rows'])}{_mark(checks.get('missing'))}"
    present = current["rows"] - current["missing"]
    if part["out_of_range"] is not None and present > 0 and name != PREDICTION:
        share = percent(part["out_of_range"] / present)
        out_of_range = f"{share}{_mark(checks.get('out_of_range'))}"
    sides = middle(part, "reference"), middle(part, "current", named=False)
    return [name, *sides, distance, p, missing, out_of_range]


def _mark(check: dict[str, Any] | None) -> str:
    return ALARM if check and check["alarm"] else ""

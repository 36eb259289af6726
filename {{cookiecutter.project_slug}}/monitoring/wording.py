"""A report as a person reads it in a terminal, within 80 columns."""

import textwrap
from collections.abc import Iterator
from typing import Any

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


def columns(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the features and then the predictions, by the names that a reader sees."""
    return [*report["features"].items(), ("(prediction)", report["predictions"])]


def conclusion(report: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each alarm, or the one that says why there is none."""
    limits, volume = report["limits"], report["volume"]
    for name, part in columns(report):
        for about, check in part["checks"].items():
            if check["alarm"]:
                yield f"ALARM: {name}: {_reason(about, check, part)}."
    if report["refused"]["alarm"]:
        yield (
            f"ALARM: {percent(report['refused']['share'])} of what came in was refused, "
            f"{percent(limits['refused'])} may be."
        )
    if volume["rows"] < limits["rows"]:
        yield f"Not enough data: {volume['rows']:,} rows, and {limits['rows']:,} are needed."
    elif volume["rows_with_inputs"] < limits["rows"]:
        yield (
            f"The inputs of {volume['rows_with_inputs']:,} rows were recorded, and "
            f"{limits['rows']:,} are needed: nothing but the predictions was judged."
        )
    if report["state"] == "in order":
        yield "In order: what comes in is what the model was made for."


def legend(report: dict[str, Any]) -> str:
    """Say how the table is to be read."""
    limits = report["limits"]
    return (
        "APART is how far live rows are from the training rows (predictions: from those for the "
        "test rows), from 0 to 1. P is adjusted to the number of checks. An alarm (!) takes a P of "
        f"at most {limits['level']:g} and an APART of at least {limits['effect']:g}, or "
        f"{limits['cells']:g} more of the cells missing or unseen."
    )


def middle(part: dict[str, Any], which: str) -> str:
    """Write the mean of numbers, or the commonest class of the training rows with its share."""
    side = part[which]
    present = sum(side["counts"])
    if not present:
        return "-"
    if "mean" in side:
        return f"{side['mean']:.4g}"
    if not part["names"]:
        return "other"
    place = part["reference"]["counts"].index(max(part["reference"]["counts"][:-1]))
    return f"{percent(side['counts'][place] / present)} {part['names'][place]}"


def extent(part: dict[str, Any]) -> str:
    """Write the range of the numbers that the model was trained on."""
    return f"{part['ends'][0]:.6g} to {part['ends'][-1]:.6g}"


def percent(share: float) -> str:
    """Write a share as a percentage."""
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.0f}%"


def probability(p: float) -> str:
    """Write a p-value."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _head(report: dict[str, Any]) -> str:
    model, volume, window = report["model"], report["volume"], report["window"]
    versions = ", ".join(version for version in model["versions"] if version)
    since, until = (window[end] or default for end, default in (("since", ""), ("until", "now")))
    refused = report["refused"]["values"]
    pairs = [
        ("model", f"{model['name']} {versions}".strip()),
        ("recipe", text.short(model["recipe_id"])),
        ("window", f"{since} to {until}" if since else f"everything to {until}"),
        ("answered", f"{volume['requests']:,} requests, {volume['rows']:,} rows"),
        ("refused", f"{refused:,} values ({percent(report['refused']['share'])} of what came in)"),
    ]
    if volume["requests_of_other_models"]:
        others = f"{volume['requests_of_other_models']:,} requests that other models answered"
        pairs.append(("left out", others))
    return text.aligned(pairs)


def _row(name: str, part: dict[str, Any]) -> list[str]:
    checks, live = part["checks"], part["live"]
    values = checks.get("values")
    apart = f"{values['effect']:.2f}{_mark(values)}" if values else "-"
    p = probability(values["p_adjusted"]) if values else "-"
    missing, unseen = "-", "-"
    if live["rows"]:
        missing = f"{percent(live['missing'] / live['rows'])}{_mark(checks.get('missing'))}"
    if part["unseen"] is not None and live["rows"] > live["missing"]:
        share = part["unseen"] / (live["rows"] - live["missing"])
        unseen = f"{percent(share)}{_mark(checks.get('unseen'))}"
    return [name, middle(part, "reference"), middle(part, "live"), apart, p, missing, unseen]


def _mark(check: dict[str, Any] | None) -> str:
    return ALARM if check and check["alarm"] else ""


def _reason(about: str, check: dict[str, Any], part: dict[str, Any]) -> str:
    before, now = part["reference"], part["live"]
    if about == "missing":
        was = percent(before["missing"] / before["rows"])
        return f"{percent(now['missing'] / now['rows'])} of the cells are missing, {was} were"
    if about == "unseen":
        if "ends" in part:
            return f"{percent(check['effect'])} of the values lie outside {extent(part)}"
        named = ", ".join(f"'{name}'" for name in now["unseen_values"])
        return f"{percent(check['effect'])} of the values were never seen: {named}"
    kind = "the mean" if "mean" in now else "the commonest class"
    return (
        f"the values are {check['effect']:.2f} apart; {kind} was {middle(part, 'reference')} and "
        f"is {middle(part, 'live')}"
    )


def folded(paragraph: str) -> str:
    """Fold a paragraph to the width of a terminal."""
    return "\n".join(textwrap.wrap(paragraph, text.WIDTH))

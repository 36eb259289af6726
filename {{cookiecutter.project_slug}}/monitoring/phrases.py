"""What a report says, in sentences and in the few digits that a person reads."""

import textwrap
from collections.abc import Iterator
from typing import Any

from registry import text

PREDICTION = "(prediction)"


def columns(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the features and then the predictions, by the names that a reader sees."""
    return [*report["features"].items(), (PREDICTION, report["predictions"])]


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
        if volume["other_models"]:
            yield (
                "Other models answered: name the package of one of them with --package, such as "
                "one below var/packages, or one that `python -m registry fetch` gets."
            )
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


def span(report: dict[str, Any]) -> str:
    """Write the window."""
    since, until = (
        moment[:16].replace("T", " ") if moment else None
        for moment in (report["window"]["since"], report["window"]["until"])
    )
    return f"{since} to {until or 'now'}" if since else f"everything to {until or 'now'}"


def left_out(report: dict[str, Any]) -> str:
    """Say which other models answered how many requests."""
    found = [
        f"{it['requests']:,} by {it['version'] or 'a model'} ({text.short(it['recipe_id'])})"
        for it in report["volume"]["other_models"]
    ]
    return f"requests answered {', '.join(found)}"


def middle(part: dict[str, Any], which: str) -> str:
    """Write the mean of numbers, or the commonest class of the training rows with its share."""
    side = part[which]
    present = sum(side["counts"])
    if not present or side.get("mean", 0) is None:
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


def folded(paragraph: str) -> str:
    """Fold a paragraph to the width of a terminal."""
    return "\n".join(textwrap.wrap(paragraph, text.WIDTH))


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

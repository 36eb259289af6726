"""What a report says, in sentences and in the few digits that a person reads."""

import textwrap
from collections.abc import Iterator
from typing import Any

from modelkeep import text
from modelkeep_core.profiles import COUNTED

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
        rows = text.counted(volume["rows"], "row")
        yield f"Not enough data: {rows}, and {limits['rows']:,} are needed."
        if volume["other_models"]:
            yield (
                "Other models answered: name the package of such a model with --package. There are "
                "some below var/packages, and `modelkeep fetch` gets others."
            )
    elif volume["rows_with_inputs"] < limits["rows"]:
        yield (
            f"The inputs of {text.counted(volume['rows_with_inputs'], 'row')} were recorded, and "
            f"{limits['rows']:,} are needed: nothing but the predictions was judged."
        )
    if report["state"] == "in order":
        yield "In order: what comes in is what the model was made for."


def refusals(refused: dict[str, Any]) -> str:
    """Say how many rows were refused, and for how many values."""
    share = percent(refused["share"])
    rows = text.counted(refused["rows"], "row")
    values = text.counted(refused["values"], "value")
    return f"{rows} ({share} of what came in), {values}"


def legend(report: dict[str, Any]) -> str:
    """Say how the table is to be read."""
    limits = report["limits"]
    pooled = ", ".join(f"{count} in {name}" for name, count in _pooled(report))
    return (
        "The reference is the training rows (of predictions: those for the test rows). The "
        "distance goes from 0 to 1, and P is adjusted to the number of checks. An alarm (!) takes "
        f"a P of at most {limits['level']:g} and a distance of at least {limits['distance']:g}, or "
        f"{limits['cells']:g} more of the cells missing or out of range."
        + (
            f" Values that are too rare to be judged each count as one ({pooled}): where some take "
            "the place of others, no check tells."
            if pooled
            else ""
        )
    )


def _pooled(report: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the columns of which several values are judged as one, and how many these are."""
    from modelkeep.monitoring.drift import EXPECTED

    for name, part in columns(report):
        sides = [part[side]["counts"] for side in ("reference", "current")]
        if "names" not in part or not all(map(any, sides)):
            continue
        both = [sum(pair) for pair in zip(*sides, strict=True)]
        needed = EXPECTED * sum(both) / min(map(sum, sides))
        if (rare := sum(0 < count < needed for count in both)) > 1:
            yield name, rare


def span(report: dict[str, Any]) -> str:
    """Write the window."""
    since, until = (
        moment[:16].replace("T", " ") if moment else None
        for moment in (report["window"]["since"], report["window"]["until"])
    )
    return f"{since} to {until or 'now'}" if since else f"everything to {until or 'now'}"


def left_out(report: dict[str, Any]) -> str:
    """Say which other models answered how many requests."""
    models = [
        f"{model['requests']:,} by {model['version'] or 'a model'} "
        f"({text.short(model['recipe_id'])})"
        for model in report["volume"]["other_models"]
    ]
    return f"requests answered {', '.join(models)}"


def middle(part: dict[str, Any], which: str, named: bool = True) -> str:
    """Write the mean of numbers, or the share of the class that is commonest in the reference.

    Args:
        part: what a report says of a column.
        which: "reference" or "current".
        named: whether the class is named, too.
    """
    side = part[which]
    present = sum(side["counts"])
    if not present or side.get("mean", 0) is None:
        return "-"
    if "mean" in side:
        return f"{side['mean']:.4g}"
    if not part["names"]:
        return "-" if part.get("type") in COUNTED else "other"
    place = part["reference"]["counts"].index(max(part["reference"]["counts"][:-1]))
    share = percent(side["counts"][place] / present)
    return f"{share} {part['names'][place]}" if named else share


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
    reference, current = part["reference"], part["current"]
    if about == "missing":
        was = percent(reference["missing"] / reference["rows"])
        return (
            f"{percent(current['missing'] / current['rows'])} of the cells are missing, {was} were"
        )
    if about == "out_of_range":
        if "ends" in part:
            return f"{percent(check['distance'])} of the values lie outside {extent(part)}"
        named = ", ".join(f"'{name}'" for name in current["out_of_range_values"])
        if not reference.get("unlisted"):
            return f"{percent(check['distance'])} of the values are not in the reference: {named}"
        share = percent(current["unlisted"] / sum(current["counts"]))
        expected = percent(reference["unlisted"] / sum(reference["counts"]))
        which = "not in the reference"
        if part["out_of_range"] is None:
            which = "none of the commonest of the reference"
        return f"{share} of the values are {which}, at most {expected} should be: {named}"
    kind = "the mean" if "mean" in current else "the commonest class"
    return (
        f"the distance of the values is {check['distance']:.2f}; {kind} was "
        f"{middle(part, 'reference')} and is {middle(part, 'current')}"
    )

"""What came in and what turned out true: the reports of monitoring that a site is given."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelkeep.site.clean import in_line, mapping, plain, word
from modelkeep_core.errors import UserError

KINDS = {"in order": "good", "alarm": "bad"}
PERCENT = 100
# The columns of a check of the drift of a column
CHECKS = ("check", "distance", "P")
# So many bins and classes a picture shows.
MOST = 30
# A p-value below this is not told more exactly.
SMALL = 0.001


def read_reports(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what the page shows of the reports in files.

    Raises:
        UserError: a file is missing, or is no report.
    """
    return [_shown(_report(path)) for path in paths]


def _report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"--report: {path} is missing.") from None
    except (RecursionError, ValueError):
        report = None
    named = bool(mapping(report, "model")) or bool(mapping(report, "reference"))
    if not isinstance(report, dict) or "state" not in report or not named:
        raise UserError(
            f"--report: {path} is not what `modelkeep monitor report --json` or `modelkeep monitor "
            "actuals --json` prints."
        )
    read: dict[str, Any] = plain(report)
    return read


def _shown(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return title, state, facts, tables and pictures of a report."""
    model, volume = mapping(report, "model"), mapping(report, "volume")
    state = in_line(word(report["state"]))
    window, refused = mapping(report, "window"), mapping(report, "refused")
    facts = {
        "version": word(model.get("versions")),
        "from": _minute(window.get("since")),
        "until": _minute(window.get("until")),
        "requests": word(volume.get("requests")),
        "rows": word(volume.get("rows", report.get("rows"))),
        "refused": word(refused.get("values")),
    }
    columns = {**mapping(report, "features"), "predictions": report.get("predictions")}
    parts = [(name, part) for name, part in columns.items() if isinstance(part, dict)]
    parts.sort(key=lambda named: not _alarms(named[1]))
    return {
        "title": in_line(word(model.get("title"))) or "Actuals",
        "state": state,
        "kind": KINDS.get(state, "open"),
        "recipe": word(model.get("recipe_id")),
        "facts": [[name, in_line(text)] for name, text in facts.items() if text],
        "tables": [*_scores(report), *_checks(parts)],
        "plots": [plot for name, part in parts for plot in _distribution(name, part)],
    }


def _minute(moment: Any) -> str:
    return word(moment)[:16].replace("T", " ")


def _scores(report: Mapping[str, Any]) -> Iterator[list[Any]]:
    sides = [mapping(report, side, "scores") for side in ("reference", "current")]
    if sides[0]:
        rows = [[name, *(side.get(name) for side in sides)] for name in sides[0]]
        yield [["metric", "reference", "current"], rows]


def _checks(parts: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[list[Any]]:
    rows = [
        [name, about.replace("_", " "), *_digits(check), alarm]
        for name, part in parts
        for about, check in mapping(part, "checks").items()
        if isinstance(check, dict)
        for alarm in ["alarm" if check.get("alarm") is True else "in order"]
    ]
    if rows:
        yield [["column", *CHECKS, "state"], rows]


def _digits(check: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the distance and the p-value of a check in the digits that a person reads."""
    distance, p = check.get("distance"), check.get("p_adjusted")
    yield round(distance, 3) if isinstance(distance, float) else distance
    if isinstance(p, float):
        p = f"<{SMALL}" if p < SMALL else round(p, 3)
    yield p


def _alarms(part: Mapping[str, Any]) -> bool:
    checks = mapping(part, "checks")
    return any(mapping(checks, name).get("alarm") is True for name in checks)


def _distribution(name: str, part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the picture of a column: the share of each bin or class, reference and current."""
    counts = [mapping(part, side).get("counts") for side in ("reference", "current")]
    if not all(isinstance(side, list) for side in counts):
        return
    names = _bins(part, len(counts[0] or []))
    for side in counts:
        if len(side or []) != len(names) or not all(isinstance(count, int) for count in side or []):
            return
    shares = [
        [round(PERCENT * count / (sum(side) or 1), 2) for count in side] for side in counts if side
    ]
    if shares:
        if len(names) > MOST and len(shares) > 1:
            numbers = len(part.get("ends") or []) == len(names) - 1
            names, shares = _evenly(part) if numbers else _commonest(names, shares)
        series = dict(zip(("reference", "current"), shares, strict=False))
        title = f"{name}{' (alarm)' if _alarms(part) else ''}: share of the rows, %"
        yield {"title": title, "names": names, "series": series}


def _bins(part: Mapping[str, Any], count: int) -> list[str]:
    if isinstance(part.get("names"), list):
        return [*map(word, part["names"]), "others"]
    ends = [f"{end:.4g}" for end in part.get("ends") or [] if isinstance(end, int | float)]
    between = [f"{low} to {high}" for low, high in pairwise(ends)]
    if len(between) == count:
        return between
    return [f"to {ends[0]}", *between, f"over {ends[-1]}"] if ends else []


def _evenly(part: Mapping[str, Any]) -> tuple[list[str], list[list[float]]]:
    """Return a few intervals of equal width by name, and each side's share in them."""
    from modelkeep.monitoring.drawing import shares

    grid, sides = shares({**part, "type": part.get("type")})
    ends = [f"{end:.4g}" for end in grid]
    between = [f"{low} to {high}" for low, high in pairwise(ends)]
    names = [f"to {ends[0]}", *between, f"over {ends[-1]}"]
    return names, [[round(PERCENT * share, 2) for share in side] for side in sides.tolist()]


def _commonest(
    names: Sequence[str], shares: Sequence[Sequence[float]]
) -> tuple[list[str], list[list[float]]]:
    """Return the commonest classes, how many more there are, and the last, with their shares."""
    *known, last = range(len(names))
    ordered = sorted(known, key=lambda place: -max(side[place] for side in shares))
    kept, rest = sorted(ordered[: MOST - 2]), ordered[MOST - 2 :]
    return [*(names[place] for place in kept), f"{len(rest)} more", names[last]], [
        [*(side[place] for place in kept), round(sum(side[place] for place in rest), 2), side[last]]
        for side in shares
    ]

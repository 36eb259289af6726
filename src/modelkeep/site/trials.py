"""The trials of the search that a version came from: search.csv of its commit, and model.json."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from modelkeep.site.clean import in_line, mapping, word
from modelkeep.site.columns import short_number

# The columns that `train` writes before those of the parameters
HEADER = ("trial", "estimator", "score", "standard_deviation", "folds", "parameters")
# What a picture shows of a search
MOST_TRIALS = 1000
PLACES = ("best", "runner_up")


def is_search(content: bytes | None) -> bool:
    """Say whether a file is a search.csv, of which a view of its own is made."""
    return (content or b"").startswith(",".join(HEADER).encode())


def trials_of(content: bytes | None, training: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the page shows of a search; None where there was none.

    Args:
        content: search.csv of the commit, or None where it has none.
        training: what the metadata say of the training.

    Returns:
        "about", what is said of the search as names and values; "score", the name of the score, and
        whether "higher" is better; "best" and "runner_up", their trials; the "names" of the
        parameters; "count", how many trials there were; and "trials": of each number, estimator,
        score, deviation, folds, and the value of each parameter, or null.
    """
    searched = mapping(training, "search")
    ranked = [mapping(searched, place) for place in PLACES]
    names, rows = _read(content)
    if not rows:
        names, rows = _ranked(ranked)
    if not rows:
        return None
    best, runner_up = (short_number(trial.get("trial")) for trial in ranked)
    about = {name: searched.get(name) for name in ("method", "trials", "folds", "seed")}
    return {
        "about": [[name, in_line(word(value))] for name, value in about.items() if value],
        "score": in_line(word(searched.get("scoring"))) or "score",
        "higher": _higher(training, ranked),
        "best": best,
        "runner_up": runner_up,
        "names": [in_line(name) for name in names],
        "count": len(rows),
        "trials": _thinned(rows, {best, runner_up}),
    }


def _read(content: bytes | None) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the parameters, and a row for each trial."""
    try:
        lines = [*csv.reader(io.StringIO((content or b"").decode("utf-8")))]
    except (UnicodeDecodeError, csv.Error):
        return [], []
    if not lines or tuple(lines[0][: len(HEADER)]) != HEADER:
        return [], []
    names = lines[0][len(HEADER) :]
    rows = []
    for line in lines[1:]:
        cells = [_value(cell) for cell in line]
        if len(cells) == len(lines[0]):
            rows.append([*cells[: len(HEADER) - 1], *cells[len(HEADER) :]])
    return names, rows


def _ranked(trials: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return the same of the trials that model.json has: the best, and the one behind it."""
    trials = [trial for trial in trials if trial]
    given = [mapping(trial, "parameters") for trial in trials]
    names = sorted({name for parameters in given for name in parameters})
    rows = [
        [
            *(short_number(trial.get("trial")), in_line(word(trial.get("estimator")))),
            *(short_number(trial.get(name)) for name in ("mean", "standard_deviation")),
            None,
            *(_plain(parameters.get(name)) for name in names),
        ]
        for trial, parameters in zip(trials, given, strict=True)
    ]
    return names, rows


def _higher(training: Mapping[str, Any], ranked: Sequence[Mapping[str, Any]]) -> bool:
    higher = mapping(training, "cross_validation").get("higher_is_better")
    if isinstance(higher, bool):
        return higher
    best, behind = (short_number(trial.get("mean")) for trial in ranked)
    return best is None or behind is None or best >= behind


def _thinned(rows: list[list[Any]], wanted: set[Any]) -> list[list[Any]]:
    step = max(len(rows) / MOST_TRIALS, 1)
    places = {int(place * step) for place in range(min(len(rows), MOST_TRIALS))}
    return [row for place, row in enumerate(rows) if place in places or row[0] in wanted]


def _value(cell: str) -> Any:
    try:
        return short_number(float(cell))
    except ValueError:
        return in_line(cell) or None


def _plain(value: Any) -> Any:
    number = short_number(value)
    return number if number is not None or value is None else in_line(word(value))

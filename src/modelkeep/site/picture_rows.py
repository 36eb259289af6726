"""Which rows of a plot a picture shows, and in which words it says that there are more."""

from collections.abc import Sequence

MOST_ROWS = 600
# How many bars, lines or classes a picture has; of bars the script chooses, to compare versions.
MOST = {"bars": 30, "lines": 7, "points": 7, "matrix": 40}


def shown(
    kind: str, x: Sequence[str], y: Sequence[str], group: Sequence[str] | None
) -> tuple[Sequence[int], str | None]:
    """Return the places of the rows that a picture needs, and what part of all it shows.

    Args:
        kind: a key of MOST.
        x: the cell of each row on one axis.
        y: the cell of each row on the other.
        group: the name of its line, or None where there is only one.

    Returns:
        The places, and words such as "30 of 300"; None where all is shown.
    """
    if kind == "matrix":
        names = [*dict.fromkeys([*y, *x])]
        first = {*names[: MOST[kind]]}
        pairs = enumerate(zip(x, y, strict=True))
        places = [place for place, pair in pairs if first.issuperset(pair)]
    elif kind == "bars":
        names, places = [*y], [*range(min(len(y), MOST_ROWS))]
    else:
        lines: dict[str, list[int]] = {}
        for place, name in enumerate(group if group is not None else [""] * len(y)):
            lines.setdefault(name, []).append(place)
        names, drawn = [*lines], [*lines.values()][: MOST[kind]]
        many = sum(map(len, drawn)) > MOST_ROWS
        most = MOST_ROWS // len(drawn) if many else MOST_ROWS
        places = [place for line in drawn for place in _thinned(line, most)]
    return places, f"{MOST[kind]} of {len(names)}" if len(names) > MOST[kind] else None


def _thinned(places: Sequence[int], most: int) -> Sequence[int]:
    """Return at most `most` places, evenly spaced, the first and the last included."""
    if len(places) <= most:
        return places
    step = (len(places) - 1) / (most - 1)
    return [places[round(number * step)] for number in range(most)]

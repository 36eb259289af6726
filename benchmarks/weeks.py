"""Made-up weeks of traffic: the same numbers from the same seed, for every contender."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

NUMBERS = ("normal", "lognormal", "uniform", "heavy_tails", "many_zeros", "counts")
CLASSES = ("two", "five", "twenty", "hundred")
CURRENT = 500
EMPTY = 0.03
# What drifts, by how much, and the column that it is looked for in
SHIFTS = {
    "mean of a normal number, in standard deviations": (
        "shift",
        "normal",
        (0, 0.1, 0.2, 0.3, 0.4, 0.5),
    ),
    "share of rows that go from one of five classes to another": (
        *("share", "five"),
        (0, 0.05, 0.1, 0.15, 0.2),
    ),
    "share of cells that are empty, beyond 3 %": ("empty", "uniform", (0, 0.05, 0.1, 0.15)),
}


def made(
    seed: int, rows: int, shift: float = 0, share: float = 0, empty: float = 0
) -> pd.DataFrame:
    """Draw rows of ten columns, 3 % of whose cells are empty; drift as SHIFTS has it."""
    random = np.random.default_rng(seed)
    table = {
        "normal": random.normal(shift, 1, rows),
        "lognormal": random.lognormal(0, 1, rows),
        "uniform": random.random(rows),
        "heavy_tails": random.standard_t(3, rows),
        "many_zeros": np.maximum(random.normal(0, 1, rows), 0),
        "counts": random.poisson(3, rows).astype("float64"),
    }
    for name, count in zip(CLASSES, (2, 5, 20, 100), strict=True):
        weights = 1 / np.arange(1, count + 1) ** (name != "five")
        names = np.array([f"{name} {number}" for number in range(count)], dtype=object)
        table[name] = random.choice(names, rows, p=weights / weights.sum())
    from_first = (table["five"] == "five 0") & (random.random(rows) < share / 0.2)
    table["five"] = np.where(from_first, "five 1", table["five"])
    for name, cells in table.items():
        holes = random.random(rows) < EMPTY + (empty if name == "uniform" else 0)
        table[name] = np.where(holes, np.nan if name in NUMBERS else None, cells)
    return pd.DataFrame(table)


def pairs(trained: int, weeks: int, **drift: float) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield reference rows and current rows, drawn anew for each week."""
    for week in range(weeks):
        yield made(2 * week, trained), made(2 * week + 1, CURRENT, **drift)

"""How the training rows and the predictions are distributed: what later traffic is compared with.

Counts in bins are exact, so that two-sample tests against them hold; no row is given away.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from modelkeep_core.files import write_text
from modelkeep_core.schema import FEW, Schema

if TYPE_CHECKING:
    from modelkeep_core.disk_rows import DiskRows

# The type by which a profile has a private column; and those that are counted, and no more
PRIVATE = "private"
COUNTED = ("datetime", PRIVATE)
BINS = 50
COMMONEST = 200
DIGITS = 6


def profile(
    train: "pd.DataFrame | DiskRows", predicted: NDArray[Any], schema: Schema
) -> dict[str, Any]:
    """Describe the training rows and what the model predicts for rows that it never saw.

    Args:
        train: the training rows, in memory or on disk.
        predicted: (n,) predictions for the test rows, numbers or classes.
        schema: which columns are features, and of which types.

    Returns:
        "rows", the number of training rows; "features", each as `numbers` or `values` describe it,
        of datetimes and private columns only how many there are, of private ones as `few_hidden`
        tells; and "predictions", described the
        same way, with their "rows".
    """
    kinds = {
        name: PRIVATE if column.private else column.type for name, column in schema.features.items()
    }
    features = {
        name: {"type": kind, **_described(train[name], kind)} for name, kind in kinds.items()
    }
    kind = "number" if schema.task == "regression" else "category"
    predictions = {"type": kind, **_described(pd.Series(predicted), kind)}
    return {
        "rows": len(train),
        "features": features,
        "predictions": {"rows": len(predicted), **predictions},
    }


def write_profile(path: Path | str, content: dict[str, Any]) -> None:
    """Write a profile as JSON with a line for each feature, so that Git shows which one changed."""
    path = Path(path)
    features = (f"    {_line(name)}: {_line(part)}" for name, part in content["features"].items())
    inner = ",\n".join(features)
    write_text(
        path,
        f'{{\n  "rows": {content["rows"]},\n  "features": {{\n{inner}\n  }},\n'
        f'  "predictions": {_line(content["predictions"])}\n}}\n',
    )


def numbers(present: NDArray[np.float64]) -> dict[str, Any]:
    """Describe numbers, none of them missing.

    Returns:
        "min", "max", "mean", "std", None where it is too large for a number; "edges", at most 50
        quantiles, each once; "counts": how many numbers are at most the first edge, above it and
        at most the second, ..., above the last.
    """
    if not len(present):
        return {**dict.fromkeys(("min", "max", "mean", "std")), "edges": [], "counts": [0]}
    edges = _edges(present)
    counts = np.bincount(np.searchsorted(edges, present), minlength=len(edges) + 1)
    return {
        "min": present.min().item(),
        "max": present.max().item(),
        "mean": _finite(np.mean, present),
        "std": _finite(np.std, present),
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }


def values(present: pd.Series) -> dict[str, Any]:
    """Describe classes, none of them missing.

    Returns:
        "counts", the commonest 200 first, those that are equally common by name; "others": how
        many are none of them.
    """
    sizes = present.map(word).value_counts()
    ranked = sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
    counts = {name: int(count) for name, count in ranked[:COMMONEST]}
    return {"counts": counts, "others": len(present) - sum(counts.values())}


def word(value: Any) -> str:
    """Return a class as text: "true" and "false" for booleans, as JSON has them."""
    return str(value).lower() if isinstance(value, bool | np.bool) else str(value)


def few_hidden(count: int, cells: int) -> int:
    """Return how many of some private cells are empty: none or all, where it is so but for a few.

    Args:
        count: how many are.
        cells: how many there are.
    """
    if count < FEW:
        return 0
    return cells if cells - count < FEW else count


def _described(column: pd.Series, kind: str) -> dict[str, Any]:
    present = column.dropna()
    if kind == PRIVATE:
        hidden = few_hidden(len(column) - len(present), len(column))
        return {"missing": hidden, "counts": {}, "others": len(column) - hidden}
    missing = {"missing": len(column) - len(present)}
    if kind in ("number", "integer"):
        return missing | numbers(present.to_numpy("float64"))
    if kind in COUNTED:
        # Time goes on: which moments the training rows had is no measure for later ones.
        return missing | {"counts": {}, "others": len(present)}
    return missing | values(present)


def _edges(present: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the quantiles, in few digits unless some would become the same."""
    shares = np.arange(1, BINS + 1) / (BINS + 1)
    exact = np.unique(np.quantile(present, shares, method="inverted_cdf"))
    rounded = [_rounded(edge) for edge in exact]
    short = np.unique(np.clip(rounded, present.min(), present.max()))
    return short if len(short) == len(exact) else exact


def _finite(
    summary: Callable[[NDArray[np.float64]], np.float64], present: NDArray[np.float64]
) -> float | None:
    with np.errstate(over="ignore", invalid="ignore"):
        value = _rounded(summary(present))
    return value if np.isfinite(value) else None


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _line(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

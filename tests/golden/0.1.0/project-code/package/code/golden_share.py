"""A feature of the project's own."""

import pandas as pd
from golden_scale import SCALE


def golden_share(columns: pd.DataFrame) -> pd.Series:
    """Return the size for each of the count."""
    return columns["size"] * SCALE / columns["count"]

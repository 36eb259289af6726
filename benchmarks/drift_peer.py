"""Evidently on made-up weeks: `python drift_peer.py WEEKS`, with a Python that has Evidently.

Its preset chooses test and threshold for each column. Standard input is a JSON list of
[trained, drift, columns]; for each, a line of JSON says which of the columns drifted in each week,
and whether at least half of them did, which is what Evidently calls drift of the data set.
"""

import json
import os
import sys
import warnings
from typing import Any

os.environ["DO_NOT_TRACK"] = "true"

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from weeks import CLASSES, NUMBERS, pairs


def drifted(
    reference: pd.DataFrame, current: pd.DataFrame, columns: list[str]
) -> tuple[list, bool]:
    """Return the columns that drift, and whether the data set does."""
    kinds = DataDefinition(
        numerical_columns=[name for name in columns if name in NUMBERS],
        categorical_columns=[name for name in columns if name in CLASSES],
    )
    tables = [Dataset.from_pandas(rows[columns], kinds) for rows in (current, reference)]
    metrics = Report([DataDriftPreset(columns=columns)]).run(*tables).dict()["metrics"]
    names, whole = [], False
    for metric in metrics:
        settings: dict[str, Any] = metric["config"]
        if "column" in settings:
            value, limit = metric["value"], settings["threshold"]
            small_is_drift = "p_value" in settings["method"]
            if value < limit if small_is_drift else value >= limit:
                names.append(settings["column"])
        else:
            whole = metric["value"]["share"] >= settings["drift_share"]
    return names, whole


def main() -> None:
    """Answer every question."""
    warnings.simplefilter("ignore")
    weeks = int(sys.argv[1])
    for trained, drift, columns in json.load(sys.stdin):
        weekly = [drifted(*pair, columns) for pair in pairs(trained, weeks, **drift)]
        print(json.dumps(weekly), flush=True)


if __name__ == "__main__":
    main()

"""The model that every peer serves, and the table that it wants: no more than any example shows."""

import os

import pandas as pd
import skops.io

PATH = os.environ["MODEL"]
# These benchmarks have made the file themselves a moment ago.
model = skops.io.load(PATH, trusted=skops.io.get_untrusted_types(file=PATH))


def predict(rows: list) -> list:
    """Answer plain rows with what the model predicts."""
    return model.predict(pd.DataFrame(rows, columns=model.feature_names_in_)).tolist()

"""Save the model as MLflow wants it: `python mlflow_model.py TABLE OUT`, with MLflow's Python.

The signature comes from the training rows in TABLE, as MLflow's documentation advises.
"""

import sys

import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature
from model import model


def main() -> None:
    """Save it; by default MLflow takes skops files, and then refuses this model."""
    table, out = sys.argv[1:]
    inputs = pd.read_csv(table)[list(model.feature_names_in_)]
    mlflow.sklearn.save_model(
        model,
        out,
        serialization_format="cloudpickle",
        signature=infer_signature(inputs, model.predict(inputs)),
        pip_requirements=["scikit-learn"],
    )


if __name__ == "__main__":
    main()

"""How MLflow loads a package: `mlflow.pyfunc.load_model` calls this module, which needs no MLflow.

The package is opened with all its checks. Code of a project that a package carries runs only
where the environment variable MODELKEEP_TRUST_CODE is 1: nothing vouches for a server's files.
"""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from modelkeep_core.errors import UserError
from modelkeep_core.inputs import model_inputs
from modelkeep_core.packaged import Packaged, open_package
from modelkeep_core.predictions import predict

TRUST = "MODELKEEP_TRUST_CODE"


class PackagedModel:
    """A package, as MLflow calls it.

    Attributes:
        opened: the package.
    """

    def __init__(self, opened: Packaged) -> None:
        self.opened = opened

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predict n rows.

        Args:
            table: (n, columns), with at least the features of the schema.
            params: what MLflow lets a caller give; there is nothing to be given.

        Returns:
            (n, 1 + classes): "prediction" and, where the model gives probabilities, "probability
            of CLASS", as `modelkeep predict` writes them, with the index of the rows.

        Raises:
            UserError: a feature is missing, or a value breaks its rule.
        """
        schema = self.opened.schema
        if lacking := [name for name in schema.features if name not in table]:
            raise UserError(f"the rows have no column '{lacking[0]}', which the model needs.")
        _check(table, self.opened)
        predicted = predict(self.opened.model, model_inputs(table, schema))
        answer = {"prediction": predicted.predictions}
        if predicted.probabilities is not None:
            classes = self.opened.model.classes_
            answer |= {
                f"probability of {name}": column
                for name, column in zip(classes, predicted.probabilities.T, strict=True)
            }
        return pd.DataFrame(answer, index=table.index)


def _check(table: pd.DataFrame, opened: Packaged) -> None:
    for name, column in opened.schema.features.items():
        accepts = column.accepts()
        for row, value in zip(table.index, table[name].tolist(), strict=True):
            spelt = column.spelt(_plain(value))
            if not accepts(spelt):
                fault = column.problem(spelt)
                rule = fault.rule if fault else column.must_be("type")
                given = "" if column.private else f", and is {value!r}"
                raise UserError(f"row {row}: {name} must be {rule}{given}.")


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it: None for an empty one, and text for a moment."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def _load_pyfunc(path: str) -> PackagedModel:
    """Open the package in a directory; MLflow looks for a function of this name."""
    return PackagedModel(open_package(Path(path), os.environ.get(TRUST) == "1"))

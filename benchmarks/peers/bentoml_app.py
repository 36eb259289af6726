"""The model in a plain BentoML service."""

from typing import Any

import bentoml


@bentoml.service(workers=1)
class Peer:
    """One worker with the model."""

    def __init__(self) -> None:
        """Load the model, in the worker alone."""
        from model import predict

        self._predict = predict

    @bentoml.api
    def predict(self, features: list[list[Any]]) -> dict[str, Any]:
        """Predict rows."""
        return {"predictions": self._predict(features)}

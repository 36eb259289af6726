"""The model in a plain FastAPI app."""

from typing import Any

from fastapi import FastAPI
from model import predict
from pydantic import BaseModel

app = FastAPI()


class Body(BaseModel):
    """What is asked."""

    features: list[list[Any]]


@app.post("/predict")
def answer(body: Body):
    """Predict rows."""
    return {"predictions": predict(body.features)}

"""The model in a plain Flask app, as the literature shows it."""

from flask import Flask, jsonify, request
from model import predict

app = Flask(__name__)


@app.post("/predict")
def answer():
    """Predict rows."""
    return jsonify({"predictions": predict(request.get_json()["features"])})

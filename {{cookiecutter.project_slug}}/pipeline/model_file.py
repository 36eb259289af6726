"""A fitted model in one file: no code runs when it is loaded, and equal models are equal bytes.

The format is skops: a ZIP of a JSON description and NumPy arrays. As skops writes it, it holds
memory addresses and the time of day; `save` replaces the ones by running numbers and the other
by a constant. What may be loaded is decided here, never by the file.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import skops.io
from sklearn.base import BaseEstimator

from pipeline.refusal import Refusal

TRUSTED = [
    "numpy.dtype",
    "pipeline.features.DateParts",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.model_selection._split.KFold",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
]
# What reading an archive can raise that is damaged or none at all
BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, LookupError, ValueError, RuntimeError)
EPOCH = (1980, 1, 1, 0, 0, 0)


def save(model: BaseEstimator, path: Path) -> None:
    """Write a fitted model so that the same model always gives the same bytes.

    Raises:
        Refusal: the model holds a type that `load` would not trust.
    """
    data = _settled(skops.io.dumps(model))
    _check_types(skops.io.get_untrusted_types(data=data), path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def load(path: Path) -> Any:
    """Load a model that `save` wrote.

    Raises:
        Refusal: the file is no such model, or holds a type that is not in TRUSTED.
    """
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()
        if damaged:
            raise Refusal(f"{path} is damaged: its member {damaged} is not what was written.")
        untrusted = skops.io.get_untrusted_types(data=data)
    except BROKEN as error:
        raise Refusal(f"{path} is not a model file: {error}.") from None
    _check_types(untrusted, path)
    return skops.io.loads(data, trusted=TRUSTED)


def _check_types(found: list[str], path: Path) -> None:
    strange = sorted(set(found) - set(TRUSTED))
    if strange:
        raise Refusal(
            f"{path}: the model holds {', '.join(strange)}, which the loader does not trust. "
            "Choose another estimator, or read that type's code and add it to TRUSTED in "
            "pipeline/model_file.py."
        )


def _settled(data: bytes) -> bytes:
    """Rewrite a skops archive so that only the model, not the process, decides its bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}
    for node in _nodes(schema):
        # Plain values share an address by chance of the interpreter; arrays and objects by meaning.
        key = len(numbers) if node.get("__loader__") == "JsonNode" else node["__id__"]
        node["__id__"] = numbers.setdefault(key, len(numbers))
        if "file" in node:
            node["file"] = files.setdefault(node["file"], f"{len(files)}.npy")
    settled = {files[name]: content for name, content in members.items()}
    settled["schema.json"] = json.dumps(schema, sort_keys=True).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(settled):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), settled[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a skops description that stands for an object, in their order."""
    if isinstance(part, dict):
        if "__id__" in part:
            yield part
        if "n_threads" in part:
            # How many threads gradient boosting used; it decides nothing about the model.
            part["n_threads"]["content"] = "null"
        part = list(part.values())
    if isinstance(part, list):
        for child in part:
            yield from _nodes(child)

"""A fitted model in one file: no code runs when it is loaded, and equal models are equal bytes.

The format is skops: a ZIP of a JSON description and NumPy arrays. As skops writes it, it holds
memory addresses and the time of day; `save` replaces the ones by running numbers and the other
by a constant. What may be loaded is decided here, never by the file.
"""

import io
import json
import shutil
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import skops.io
from sklearn.base import BaseEstimator

from modelkeep_core.errors import UserError
from modelkeep_core.project_code import CODE, copy_code, imported_from, modules_in

TRUSTED = [
    "numpy.dtype",
    "modelkeep_core.transformers.ColumnFunction",
    "modelkeep_core.transformers.DateParts",
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


def save(model: BaseEstimator, path: Path, modules: Collection[str] = ()) -> None:
    """Write a fitted model so that the same model always gives the same bytes.

    Where it holds functions or classes of the project in the working directory, their modules, with
    what they import of the project, are copied into `code/` beside it.

    Args:
        model: a fitted estimator or pipeline.
        path: the file to write.
        modules: modules of the project whose functions and classes the model may hold.

    Raises:
        UserError: the model holds a type that `load` would not trust.
    """
    data = _settled(skops.io.dumps(model))
    _check_types(_untrusted(data), modules, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    shutil.rmtree(path.parent / CODE, ignore_errors=True)
    copy_code(Path(), modules_in(path, Path()), path.parent / CODE)


def load(path: Path, modules: Collection[str] = ()) -> Any:
    """Load a model that `save` wrote.

    Code of the project comes from `code/` beside it, and from nowhere without `modules`.

    Args:
        path: the file.
        modules: modules of the project whose functions and classes are trusted: their code runs.

    Raises:
        UserError: the file is no such model, or holds a type that is not trusted.
    """
    data = _read(path)
    _check_types(_untrusted(data), modules, path)
    with imported_from(path.parent / CODE) if modules else nullcontext():
        try:
            return skops.io.loads(data, trusted=[*TRUSTED, *_of(_untrusted(data), modules)])
        except (ImportError, AttributeError) as error:
            raise UserError(
                f"{path}: the code that the model holds is not there: {error}"
            ) from None


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()
        if damaged:
            raise UserError(f"{path} is damaged: its member {damaged} is not what was written.")
        skops.io.get_untrusted_types(data=data)
    except BROKEN as error:
        raise UserError(f"{path} is not a model file: {error}.") from None
    return data


def _untrusted(data: bytes) -> list[str]:
    return sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED))


def _of(types: list[str], modules: Collection[str]) -> list[str]:
    return [name for name in types if name.rpartition(".")[0] in modules]


def _check_types(types: list[str], modules: Collection[str], path: Path) -> None:
    strange = [name for name in types if name not in _of(types, modules)]
    if strange:
        places = ", ".join(f'"{name.rpartition(".")[0]}"' for name in strange)
        raise UserError(
            f"{path}: the model holds {', '.join(strange)}, which the loader does not trust. If it "
            f"is code of this repository, add {places} to trusted in [tool.modelkeep] of "
            "pyproject.toml: the package then carries that code. Else choose another estimator."
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

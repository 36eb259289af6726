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
from functools import cache
from pathlib import Path
from typing import Any

import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.discovery import all_estimators

from modelkeep_core import boosters
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import check_file, parse_json
from modelkeep_core.installing import install
from modelkeep_core.project_code import CODE, copy_code, imported_from, modules_in

TRUSTED = [
    *boosters.TRUSTED,
    "numpy.dtype",
    "modelkeep_core.transformers.ColumnFunction",
    "modelkeep_core.transformers.DateParts",
    "modelkeep_core.transformers.EmptyAsZero",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
]
# Of scikit-learn, a model may hold every classifier and regressor, and what comes before them. None
# of these opens a file or calls what a row names, as the readers of text in feature_extraction do.
STEPS = {
    "cluster": "FeatureAgglomeration KMeans MiniBatchKMeans",
    "compose": "ColumnTransformer",
    "cross_decomposition": "PLSSVD",
    "decomposition": "DictionaryLearning FactorAnalysis FastICA IncrementalPCA KernelPCA "
    "LatentDirichletAllocation MiniBatchDictionaryLearning MiniBatchNMF MiniBatchSparsePCA NMF PCA "
    "SparseCoder SparsePCA TruncatedSVD",
    "ensemble": "RandomTreesEmbedding",
    "feature_selection": "GenericUnivariateSelect RFE RFECV SelectFdr SelectFpr SelectFromModel "
    "SelectFwe SelectKBest SelectPercentile SequentialFeatureSelector VarianceThreshold",
    "frozen": "FrozenEstimator",
    "impute": "IterativeImputer KNNImputer MissingIndicator SimpleImputer",
    "kernel_approximation": "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler "
    "SkewedChi2Sampler",
    "model_selection": "GridSearchCV HalvingGridSearchCV HalvingRandomSearchCV RandomizedSearchCV",
    "neighbors": "KNeighborsTransformer NeighborhoodComponentsAnalysis RadiusNeighborsTransformer",
    "neural_network": "BernoulliRBM",
    "pipeline": "FeatureUnion Pipeline",
    "preprocessing": "Binarizer FunctionTransformer KBinsDiscretizer KernelCenterer LabelBinarizer "
    "LabelEncoder MaxAbsScaler MinMaxScaler MultiLabelBinarizer Normalizer OneHotEncoder "
    "OrdinalEncoder PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler "
    "SplineTransformer StandardScaler TargetEncoder",
    "random_projection": "GaussianRandomProjection SparseRandomProjection",
}
DESCRIPTION = "schema.json"
# How many bytes a file may unpack to: so many, and so many for each of its own
UNPACKED, UNPACKED_EACH = 256 * 2**20, 100
DESCRIBED, DESCRIBED_EACH = 16 * 2**20, 50
# What reading an archive can raise that is damaged or none at all
BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, LookupError, ValueError, RuntimeError)
EPOCH = (1980, 1, 1, 0, 0, 0)


def save(model: BaseEstimator, path: Path | str, modules: Collection[str] = ()) -> None:
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
    path = Path(path)
    data = _settled(skops.io.dumps(model))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        named = _types(archive, path)
    _check_types(_untrusted(data, named), modules, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    shutil.rmtree(path.parent / CODE, ignore_errors=True)
    copy_code(Path(), modules_in(path, Path()), path.parent / CODE)


def load(path: Path | str, modules: Collection[str] = ()) -> Any:
    """Load a model that `save` wrote.

    Code of the project comes from `code/` beside it, and from nowhere without `modules`.

    Args:
        path: the file.
        modules: modules of the project whose functions and classes are trusted: their code runs.

    Raises:
        UserError: the file is no such model, or holds a type that is not trusted.
    """
    path = Path(path)
    data, untrusted = _read(path)
    _check_types(untrusted, modules, path)
    with imported_from(path.parent / CODE) if modules else nullcontext():
        try:
            return skops.io.loads(data, trusted=[*TRUSTED, *_of(untrusted, modules)])
        except (ImportError, AttributeError) as error:
            if package := boosters.package_of(getattr(error, "name", None)):
                raise UserError(
                    f"{path} holds a model of {package}, which is not installed. Install what the "
                    "model needs: "
                    + install(f"--require-hashes -r {path.with_name('requirements.lock')}")
                ) from None
            raise UserError(
                f"{path}: the code that the model holds is not there: {error}"
            ) from None
        # A description that was not written by `save` may make any of scikit-learn's classes fail.
        except Exception as error:
            raise _no_model(path, error) from None


def _read(path: Path) -> tuple[bytes, list[str]]:
    """Return the bytes of a model file whose description makes sense, and its untrusted types.

    Raises:
        UserError: it is none, is damaged, or would unpack to far more than it has.
    """
    try:
        check_file(path)
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            described = sizes.get(DESCRIPTION, 0)
            if sum(info.file_size for info in archive.infolist()) > UNPACKED + UNPACKED_EACH * len(
                data
            ) or described > DESCRIBED + DESCRIBED_EACH * len(data):
                raise UserError(f"{path} would unpack to far more than a model: it is not loaded.")
            damaged = archive.testzip()
            if damaged:
                raise UserError(f"{path} is damaged: its member {damaged} is not what was written.")
            named = _types(archive, path)
    except UserError as error:
        raise UserError(f"{path} is not a model file: {error}") from None
    except BROKEN as error:
        raise _no_model(path, error) from None
    try:
        return data, _untrusted(data, named)
    # skops reads a description by walking it: what is missing there may raise anything.
    except Exception as error:
        raise _no_model(path, error) from None


def _no_model(path: Path, error: Exception) -> UserError:
    reason = str(error) or type(error).__name__
    return UserError(f"{path} is not a model file: {reason}.")


def _untrusted(data: bytes, named: set[str]) -> list[str]:
    """Return the types of a model that are on no list here, sorted.

    Args:
        data: the bytes of its file.
        named: all types that its description names.
    """
    unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED)
    return sorted(unknown | (named & _of_scikit_learn().keys() - _accepted()))


def _types(archive: zipfile.ZipFile, path: Path) -> set[str]:
    """Return the full name of every type and function that the description of a model names."""
    named: set[str] = set()
    waiting = [parse_json(archive.read(DESCRIPTION), str(path))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            named.add(f"{part.get('__module__')}.{part.get('__class__')}")
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return named


@cache
def _of_scikit_learn() -> dict[str, type]:
    """Return every estimator of scikit-learn by its full name."""
    return {f"{kind.__module__}.{kind.__qualname__}": kind for _, kind in all_estimators()}


@cache
def _accepted() -> set[str]:
    """Return the full names of scikit-learn's estimators that a model may hold."""
    return {
        name
        for name, kind in _of_scikit_learn().items()
        if issubclass(kind, ClassifierMixin | RegressorMixin)
        or kind.__name__ in STEPS.get(name.split(".")[1], "").split()
    }


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

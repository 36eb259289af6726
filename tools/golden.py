"""Make the golden packages of the present core: `python tools/golden.py [DIRECTORY]`.

A golden package is a small package of a released core, kept for good in tests/golden/VERSION/NAME:
`package/` as the stages wrote it, and `expected.json` with rows and what the model predicted for
them, each number in hexadecimal so that no bit is lost. tests/core/test_golden.py opens each with
the present core, which must predict the same. So they are made once for each version of the core,
just before it is released, and never again: a test that fails is a promise that breaks.

When the minor version of scikit-learn in the locks changes, give the core a new version and make
its golden packages. Those of other minor versions stay: a model is opened with the scikit-learn
that it was made with, and the test then holds that they are refused with the reason. To prove them
still, run the test in an environment of their own `requirements.lock`.
"""

import argparse
import json
import platform
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("src", "tests/reference", "{{cookiecutter.project_slug}}")
sys.path[:0] = [str(ROOT / place) for place in PLACES]

from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from threadpoolctl import threadpool_info, threadpool_limits  # noqa: E402

from made import made_params, made_schema, made_table, pipeline_run  # noqa: E402
from modelkeep_core import __version__  # noqa: E402
from modelkeep_core.boosters import class_name  # noqa: E402
from modelkeep_core.inputs import inputs_from_rows  # noqa: E402
from modelkeep_core.packaged import open_package  # noqa: E402
from modelkeep_core.predictions import Predictions, predict  # noqa: E402
from modelkeep_core.preprocessing import Feature  # noqa: E402
from modelkeep_core.schema import Schema  # noqa: E402
from pipeline import features  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"
TREES = {"n_estimators": 3, "max_depth": 3}
LABEL, PRICE = ("classification", "label"), ("regression", "price")
# For each package: its task, its estimator and that one's parameters
MODELS: dict[str, tuple[tuple[str, str], str, dict[str, Any]]] = {
    "logistic-regression": (LABEL, "LogisticRegression", {}),
    "random-forest-classifier": (LABEL, "RandomForestClassifier", TREES),
    "extra-trees-classifier": (LABEL, "ExtraTreesClassifier", TREES),
    "hist-gradient-boosting-classifier": (LABEL, "HistGradientBoostingClassifier", {"max_iter": 3}),
    "k-neighbors-classifier": (LABEL, "KNeighborsClassifier", {}),
    "mlp-classifier": (LABEL, "MLPClassifier", {"hidden_layer_sizes": [4], "max_iter": 20}),
    "svc": (LABEL, "SVC", {}),
    "linear-svc": (LABEL, "LinearSVC", {}),
    "gaussian-nb": (LABEL, "GaussianNB", {}),
    "gradient-boosting-classifier": (
        LABEL,
        "GradientBoostingClassifier",
        {"n_estimators": 2, "max_depth": 2},
    ),
    "ridge": (PRICE, "Ridge", {}),
    "random-forest-regressor": (PRICE, "RandomForestRegressor", TREES),
    "hist-gradient-boosting-regressor": (PRICE, "HistGradientBoostingRegressor", {"max_iter": 3}),
    "k-neighbors-regressor": (PRICE, "KNeighborsRegressor", {}),
    "mlp-regressor": (PRICE, "MLPRegressor", {"hidden_layer_sizes": [4], "max_iter": 20}),
    "svr": (PRICE, "SVR", {}),
    "tweedie-regressor": (PRICE, "TweedieRegressor", {"power": 0}),
    # Beside the others: what is special of their columns
    "dates": (LABEL, "LogisticRegression", {}),
    "dates-regression": (PRICE, "Ridge", {}),
    "target-encoded": (LABEL, "LogisticRegression", {}),
    "target-encoded-regression": (PRICE, "Ridge", {}),
    "project-code": (LABEL, "LogisticRegression", {}),
    # What is left to boosters
    "codes-and-gaps": (LABEL, "HistGradientBoostingClassifier", {"max_iter": 3}),
    "codes-and-gaps-regression": (PRICE, "HistGradientBoostingRegressor", {"max_iter": 3}),
    "lightgbm-classifier": (LABEL, "lightgbm.LGBMClassifier", TREES),
    "lightgbm-regressor": (PRICE, "lightgbm.LGBMRegressor", TREES),
    "xgboost-classifier": (LABEL, "xgboost.XGBClassifier", TREES),
    "xgboost-regressor": (PRICE, "xgboost.XGBRegressor", TREES),
}
CODE = '''"""A feature of the project's own."""

import pandas as pd
from golden_scale import SCALE


def golden_share(columns: pd.DataFrame) -> pd.Series:
    """Return the size for each of the count."""
    return columns["size"] * SCALE / columns["count"]
'''
# Values for rows: usual, missing, at the edge, and such as training never saw
VALUES: dict[str, list[Any]] = {
    "size": [10.0, 12.25, None, -100.0, 100.0, 1e6, 0.0, 7.125],
    "count": [0, 3, 8, 1_000_000, 5, 2, 1],
    "member": [True, False, None],
    "colour": ["red", "green", "blue", None, "violet", ""],
    "seen": ["2024-02-29T12:30:00", None, "1969-12-31T23:59:59.999999", "2099-01-01"],
    "shop": ["shop 1", "shop 7", "a shop that is new", "shop 3", "🐧"],
}
ROWS = 20


def main() -> None:
    """Make every package anew, in place of those of this version."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=GOLDEN)
    place = parser.parse_args().directory / __version__
    shutil.rmtree(place, ignore_errors=True)
    with threadpool_limits(limits=1):
        for name in MODELS:
            make(name, place / name)
            size = sum(path.stat().st_size for path in (place / name).rglob("*") if path.is_file())
            print(f"{place / name}: {size} bytes")


def make(name: str, out: Path) -> None:
    """Train, package and ask one model; write `package/` and `expected.json` into `out`."""
    (task, target), estimator, parameters = MODELS[name]
    params = made_params(estimator, "macro_f1" if task == "classification" else "rmse")
    params.train.__pydantic_extra__ = {class_name(estimator): parameters}
    params.package.title = f"Golden: {name}"
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(temporary) / "run"
        run.mkdir()
        before = features.FEATURES
        if name == "project-code":
            features.FEATURES = [Feature("share", ["size", "count"], _project_code(run))]
        try:
            # A network that is not trained to the end is still a network
            warnings.simplefilter("ignore", ConvergenceWarning)
            made = pipeline_run(run, made_table(), schema_of(name, task, target), params)
        finally:
            features.FEATURES = before
        shutil.copytree(made.package, out / "package")
    packaged = open_package(out / "package", trust_code=True)
    asked = rows(packaged.schema)
    predicted = predict(packaged.model, inputs_from_rows(asked, packaged.schema))
    expected = {"processor": processor(), "rows": asked, **exact(predicted)}
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (out / "expected.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")


def schema_of(name: str, task: str, target: str) -> Schema:
    """Return the contract of the made-up table, with what is special of a package's columns."""
    content: dict[str, Any] = made_schema(task, target).model_dump()
    columns: dict[str, dict[str, Any]] = content["columns"]
    if name.startswith("dates"):
        columns["seen"] |= {"feature": True, "missing": True}
    if name.startswith("target-encoded"):
        columns["shop"] |= {"feature": True, "encoding": "target"}
    return Schema.model_validate(content)


def rows(schema: Schema) -> list[list[Any]]:
    """Return rows in which the values of VALUES take turns, each column at its own pace."""
    names = list(schema.features)
    return [
        [
            VALUES[name][(number + number // (1 + place)) % len(VALUES[name])]
            for place, name in enumerate(names)
        ]
        for number in range(ROWS)
    ]


def exact(predicted: Predictions) -> Mapping[str, Any]:
    """Return predictions as JSON holds them without losing a bit: numbers in hexadecimal."""
    values, probabilities = predicted
    numbers = values.dtype.kind == "f"
    return {
        "predictions": [float(value).hex() if numbers else str(value) for value in values],
        "probabilities": None
        if probabilities is None
        else [[float(part).hex() for part in row] for row in probabilities],
    }


def processor() -> str:
    """Return on what the last bits of linear algebra depend: machine, kernels, instructions."""
    from numpy._core._multiarray_umath import __cpu_features__

    kernels = {str(part.get("architecture")) for part in threadpool_info()}
    enabled = " ".join(sorted(name for name, has in __cpu_features__.items() if has))
    digest = sha256(enabled.encode()).hexdigest()[:12]
    return " ".join([platform.system(), platform.machine(), *sorted(kernels - {"None"}), digest])


def _project_code(run: Path) -> Any:
    """Write modules of a project that a model holds, and return the function in one of them."""
    (run / "golden_share.py").write_text(CODE, encoding="utf-8")
    (run / "golden_scale.py").write_text('"""A number."""\n\nSCALE = 2.0\n', encoding="utf-8")
    hooks = '[tool.modelkeep]\ntrusted = ["golden_share"]\n'
    (run / "pyproject.toml").write_text(hooks, encoding="utf-8")
    sys.path.insert(0, str(run))
    try:
        import golden_share
    finally:
        sys.path.remove(str(run))
    return golden_share.golden_share


if __name__ == "__main__":
    main()

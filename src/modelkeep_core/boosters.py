"""Gradient boosting of other packages, by its dotted name; none of them is needed without it."""

import importlib
import sys
from typing import Any

from modelkeep_core.errors import UserError, suggestion

# Of each dotted name: the module with the class that is trained, and what installs its package.
# CatBoost is not among them: the bytes of its models differ in every run.
BOOSTERS = {
    "lightgbm.LGBMClassifier": ("modelkeep_core.booster_lightgbm", "lightgbm"),
    "lightgbm.LGBMRegressor": ("modelkeep_core.booster_lightgbm", "lightgbm"),
    "xgboost.XGBClassifier": ("modelkeep_core.booster_xgboost", "xgboost-cpu"),
    "xgboost.XGBRegressor": ("modelkeep_core.booster_xgboost", "xgboost-cpu"),
}
# What the loader of model files trusts, beside its own list
TRUSTED = tuple(f"{module}.{name.partition('.')[2]}" for name, (module, _) in BOOSTERS.items())
KINDS = {"classification": "Classifier", "regression": "Regressor"}


def of_task(task: str) -> list[str]:
    """Return the dotted names for "classification" or for "regression"."""
    return [name for name in BOOSTERS if name.endswith(KINDS[task])]


def is_dotted(name: str) -> bool:
    """Say whether the name of an estimator leads to another package than scikit-learn."""
    return "." in name


def class_name(name: str) -> str:
    """Return the last part of a name: its section in params.yaml."""
    return name.rpartition(".")[2]


def booster(name: str, task: str, where: str = "train.estimator: ") -> tuple[Any, set[str]]:
    """Return the unfitted estimator of a dotted name, and the parameters that it may be given.

    Args:
        name: the name.
        task: "classification" or "regression".
        where: the place of params.yaml that has it.

    Raises:
        UserError: there is none of this name for the task, or its package is not installed.
    """
    available = of_task(task)
    if name not in available:
        reason = "CatBoost is left out: its files differ in every run. " if "cat" in name else ""
        if name.startswith("sklearn."):
            reason = f"Write {name.rpartition('.')[2]} alone. "
        raise UserError(
            f"params.yaml: {where}{name} is no estimator for a {task}"
            f"{suggestion(name, available)}. {reason}Beside those of scikit-learn by their class "
            f"names, there are {', '.join(available)}."
        )
    module, package = BOOSTERS[name]
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in (package, name.partition(".")[0]):
            raise
        raise UserError(missing(f"params.yaml: {where}{name}", package)) from None
    estimator = getattr(imported, class_name(name))()
    allowed = {*estimator.get_params(), *imported.MORE}
    return estimator.set_params(**imported.DEFAULTS), allowed


def booster_classifier(estimator: Any) -> bool:
    """Say whether an estimator is a classifier of a booster, which predicts the likeliest class."""
    return is_booster(estimator) and type(estimator).__name__.endswith("Classifier")


def is_booster(estimator: Any) -> bool:
    """Say whether an estimator is one of BOOSTERS, without importing a package."""
    return f"{type(estimator).__module__}.{type(estimator).__name__}" in TRUSTED


def failures() -> tuple[type[Exception], ...]:
    """Return what estimators raise at a value that they do not take: LightGBM has its own type."""
    lightgbm = sys.modules.get("lightgbm")
    return (ValueError, TypeError, *([lightgbm.basic.LightGBMError] if lightgbm else []))


def missing(what: str, package: str) -> str:
    """Return the sentence that something needs a package which is not installed."""
    return (
        f'{what} needs {package}, which is not installed. Add "{package}" to dependencies in '
        "pyproject.toml, lock it (uv pip compile pyproject.toml -o requirements.lock) and install "
        "the locks."
    )


def package_of(module: str | None) -> str | None:
    """Return what installs a package that a booster imports, such as "xgboost"; None for others."""
    for name, (_, package) in BOOSTERS.items():
        if name.partition(".")[0] == module:
            return package
    return None

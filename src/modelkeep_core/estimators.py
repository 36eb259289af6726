"""scikit-learn estimators by their names, with parameters that are checked by name."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.discovery import all_estimators

from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.params import Train


def build(name: str, sections: dict[str, dict[str, Any]], task: str, seed: int) -> BaseEstimator:
    """Return the unfitted estimator `name` with the parameters of its section, if it has one.

    Args:
        name: the class name of a scikit-learn classifier or regressor.
        sections: parameters by estimator name; every name and the chosen one's are checked.
        task: "classification" or "regression".
        seed: the random state, where the estimator has one and its section sets none.

    Raises:
        UserError: an estimator or a parameter that scikit-learn does not have.
    """
    kind = {"classification": "classifier", "regression": "regressor"}[task]
    available = dict(all_estimators(type_filter=kind))
    for place, wanted in [("estimator: ", name), *(("", section) for section in sections)]:
        if wanted not in available:
            raise UserError(
                f"params.yaml: train.{place}{wanted}: scikit-learn has no such {kind}"
                f"{suggestion(wanted, [*available, *Train.model_fields])}."
            )
    try:
        estimator = available[name]()
    except TypeError:
        raise UserError(
            f"params.yaml: train.estimator: {name} is built around another estimator, "
            "which params.yaml cannot express. Choose one that stands alone."
        ) from None
    allowed = estimator.get_params()
    parameters = sections.get(name, {})
    check_names(f"train.{name}", parameters, allowed)
    if "random_state" in allowed:
        parameters = {"random_state": seed, **parameters}
    return estimator.set_params(**parameters)


def check_names(where: str, names: dict[str, Any], allowed: dict[str, Any]) -> None:
    """Refuse the first of `names` that is not among the `allowed` parameters.

    Raises:
        UserError: naming the place in params.yaml, the parameter and the nearest that exists.
    """
    for name in names:
        if name not in allowed:
            raise UserError(
                f"params.yaml: {where}: there is no parameter '{name}'{suggestion(name, allowed)}."
            )

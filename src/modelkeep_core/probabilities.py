"""Whether a classifier gives probabilities, as far as that is known before it is fitted."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sklearn.base import clone
from sklearn.ensemble import StackingClassifier

from modelkeep_core.errors import UserError
from modelkeep_core.params import Range


def gives_probabilities(estimator: Any, ranges: Mapping[str, Range] = MappingProxyType({})) -> bool:
    """Say whether an unfitted classifier will give probabilities, or may.

    Args:
        estimator: it. A stack without a final estimator tells only when it is fitted.
        ranges: values that its parameters may get; one that leads to probabilities is enough.
    """
    if any(_is_open(part) for part in (estimator, *estimator.get_params().values())):
        return True
    choices = [(name, value) for name, each in ranges.items() for value in each.choices or ()]
    others = (clone(estimator).set_params(**{name: value}) for name, value in choices)
    return hasattr(estimator, "predict_proba") or any(
        hasattr(other, "predict_proba") for other in others
    )


def has_scores(estimator: Any) -> bool:
    """Say whether a classifier has numbers of which probabilities can be made."""
    return any(hasattr(estimator, name) for name in ("decision_function", "predict_proba"))


def needs_probabilities(key: str, metric: str, estimator: str, remedy: str) -> UserError:
    """Return the error of a metric that needs probabilities which an estimator does not give.

    Args:
        key: the key of params.yaml that names the metric.
        metric: its name.
        estimator: its name.
        remedy: what else there is to choose, such as "or another estimator".
    """
    return UserError(
        f"params.yaml: {key}: {metric} needs probabilities, which {estimator} does not give. "
        f"Choose another metric, {remedy}."
    )


def _is_open(estimator: Any) -> bool:
    return isinstance(estimator, StackingClassifier) and estimator.final_estimator is None

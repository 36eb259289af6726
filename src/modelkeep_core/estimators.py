"""Estimators by their names, with parameters that are checked by name."""

import inspect
from collections.abc import Iterable
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.discovery import all_estimators

from modelkeep_core import boosters
from modelkeep_core.boosters import class_name, is_dotted
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.params import Train
from modelkeep_core.probabilities import gives_probabilities

KINDS = {"classification": "classifier", "regression": "regressor"}
# Parameters that take another estimator, and that take several
INNER, SEVERAL = ("estimator", "final_estimator"), "estimators"


def build(
    name: str,
    sections: dict[str, dict[str, Any]],
    task: str,
    seed: int,
    where: str = "train.estimator",
) -> BaseEstimator:
    """Return the unfitted estimator `name` with the parameters of its section, if it has one.

    An estimator that is built around others names them in its section; each is built from its own.

    Args:
        name: the class name of a scikit-learn classifier or regressor, or a dotted name of
            `boosters.BOOSTERS`.
        sections: parameters by the class name of an estimator; every name and the chosen one's
            parameters are checked.
        task: "classification" or "regression".
        seed: the random state, where the estimator has one and its section sets none.
        where: the key of params.yaml that names it.

    Raises:
        UserError: an estimator or a parameter that there is not, or a package that is missing.
    """
    return _Builder(sections, task, seed).build(f"{where}: ", name)


def check_names(where: str, names: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse the first of `names` that is not among the `allowed` parameters.

    Raises:
        UserError: naming the place in params.yaml, the parameter and the nearest that exists.
    """
    choices = [*allowed]
    for name in names:
        if name not in choices:
            raise UserError(
                f"params.yaml: {where}: there is no parameter '{name}'{suggestion(name, choices)}."
            )


def _check_probabilities(section: str, estimators: list[tuple[str, Any]]) -> None:
    """Refuse to average probabilities of an estimator that gives none."""
    for name, estimator in estimators:
        if not gives_probabilities(estimator):
            raise UserError(
                f"params.yaml: {section}.voting: soft needs probabilities, which {name} does not "
                "give. Choose voting: hard, or another estimator."
            )


class _Builder:
    """What builds the estimators of one params.yaml."""

    def __init__(self, sections: dict[str, dict[str, Any]], task: str, seed: int) -> None:
        self._kind, self._task, self._seed = KINDS[task], task, seed
        self._available = dict(all_estimators(type_filter=self._kind))
        self._sections = sections
        dotted = boosters.of_task(task)
        names = [*self._available, *map(class_name, dotted)]
        for section in sections:
            if section not in names:
                raise self._unknown("train.", section, [*names, *Train.model_fields])

    def build(self, where: str, name: Any, outer: tuple[str, ...] = ()) -> Any:
        """Return the unfitted estimator that stands at a place of params.yaml."""
        if not isinstance(name, str):
            raise UserError(f"params.yaml: {where}{name}: it is no name of an estimator.")
        if name in outer:
            raise UserError(f"params.yaml: {where}{name}: it cannot be built around itself.")
        section = f"train.{class_name(name)}"
        parameters = dict(self._sections.get(class_name(name), {}))
        if is_dotted(name):
            estimator, allowed = boosters.booster(name, self._task, where)
            check_names(section, parameters, allowed)
        else:
            if name not in self._available:
                names = [*self._available, *boosters.of_task(self._task)]
                raise self._unknown(where, name, names)
            kind = self._available[name]
            signature = inspect.signature(kind).parameters.values()
            check_names(section, parameters, [parameter.name for parameter in signature])
            self._fill(section, parameters, (*outer, name))
            needed = [each.name for each in signature if each.default is each.empty]
            if lacking := [each for each in needed if each not in parameters]:
                value = "[NAME, NAME]" if lacking[0] == SEVERAL else "NAME"
                raise UserError(
                    f"params.yaml: {where}{name} is built around another estimator. Name it in a "
                    f"section of its own: {section}: {{{lacking[0]}: {value}}}."
                )
            estimator = kind(**{each: parameters[each] for each in needed})
            if parameters.get("voting") == "soft":
                _check_probabilities(section, parameters[SEVERAL])
        if "random_state" in estimator.get_params(deep=False):
            parameters = {"random_state": self._seed, **parameters}
        return estimator.set_params(**parameters)

    def _fill(self, section: str, parameters: dict[str, Any], outer: tuple[str, ...]) -> None:
        """Put estimators in the place of the names that parameters have for them."""
        for key in INNER:
            if isinstance(name := parameters.get(key), str):
                parameters[key] = self.build(f"{section}.{key}: ", name, outer)
        if SEVERAL in parameters:
            names, where = parameters[SEVERAL], f"{section}.{SEVERAL}: "
            if not isinstance(names, list) or not names:
                raise UserError(
                    f"params.yaml: {where}{names}: it is a list of names of estimators: "
                    f"{SEVERAL}: [NAME, NAME]."
                )
            if len({class_name(str(name)) for name in names}) < len(names):
                raise UserError(f"params.yaml: {where}each estimator stands there once.")
            parameters[SEVERAL] = [
                (class_name(str(name)), self.build(where, name, outer)) for name in names
            ]

    def _unknown(self, where: str, name: str, names: list[str]) -> UserError:
        if is_dotted(name) and where == "train.":
            return UserError(
                f"params.yaml: train.{name}: a section has the class name alone: "
                f"{class_name(name)}."
            )
        dotted = [each for each in boosters.of_task(self._task) if class_name(each) == name]
        near = f" (did you mean '{dotted[0]}'?)" if dotted else suggestion(name, names)
        (other,) = {*KINDS.values()} - {self._kind}
        if name in dict(all_estimators(type_filter=other)):
            twin = name.replace(other.capitalize(), self._kind.capitalize())
            near = (
                f", but a {other}, and schema.yaml says task: {self._task}{suggestion(twin, names)}"
            )
        return UserError(
            f"params.yaml: {where}{name}: scikit-learn has no such {self._kind}{near}."
        )

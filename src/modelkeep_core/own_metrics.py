"""Metrics of a project's own: `METRICS` of the modules that the hook `metrics` names."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from modelkeep_core import recording
from modelkeep_core.errors import UserError, reason_of
from modelkeep_core.estimators import build
from modelkeep_core.files import check_values, read_yaml
from modelkeep_core.intervals import coverage_metric
from modelkeep_core.metric_names import COVERAGE, NAME, declared
from modelkeep_core.metrics import HEADLINE, METRICS, Metric, ScoredRows, unknown_headline
from modelkeep_core.params import PAGES, Evaluate, Train
from modelkeep_core.probabilities import gives_probabilities, has_scores, needs_probabilities
from modelkeep_core.project_code import CODE, imported_from


class OwnMetricError(UserError):
    """A metric of the project's own fails, or returns no number: its code is to be mended."""


def own_metrics(modules: Iterable[str]) -> dict[str, Metric]:
    """Return the metrics of modules of the project, by name; each knows its module.

    Args:
        modules: dotted names of modules that can be imported; each has a dict `METRICS`.

    Raises:
        UserError: a module cannot be imported or has no `METRICS`, or a metric is none, has no
            usable name or one that is taken.
    """
    metrics: dict[str, Metric] = {}
    taken = {COVERAGE, *(name for task in METRICS.values() for name in task)}
    for module in modules:
        for name, metric in _metrics_of(module).items():
            if not isinstance(name, str) or not name.isidentifier():
                raise UserError(f"{module}: {NAME}: {name!r}: a name has letters, digits and _.")
            if name in taken:
                raise UserError(f"{module}: {NAME}: there is a metric '{name}' already: rename it.")
            if not isinstance(metric, Metric):
                raise UserError(f"{module}: {NAME}: '{name}' is no Metric: write Metric(function).")
            taken.add(name)
            score = _Checked(f"{module}: metric '{name}'", metric.score)
            metrics[name] = replace(metric, score=score, module=module)
    return metrics


def packaged_metrics(
    directory: Path, metadata: Mapping[str, Any], trust_code: bool
) -> dict[str, Metric]:
    """Return the own metrics that a package, whose manifest was checked, carries.

    What measures the intervals of its model, if it has any, is among them.

    Args:
        directory: the package.
        metadata: the content of its model.json.
        trust_code: whether somebody vouches for the package, so that its code may run.

    Raises:
        UserError: it carries some, and nobody vouches for it; or they cannot be used.
    """
    measured = coverage_metric(metadata.get("training", {}))
    modules = metadata["metrics"].get("code", [])
    if not modules:
        return measured
    if not trust_code:
        raise UserError(
            f"{directory} carries metrics of its own ({', '.join(modules)}), which run when it is "
            "scored. If you trust where it comes from, say so with --trust-code. Git vouches for "
            "what you commit, and for a version that the registry fetched."
        )
    with imported_from(directory / CODE):
        return own_metrics(modules) | measured


def check_headline(params: Path | str, task: str, root: Path | str, modules: Iterable[str]) -> None:
    """Refuse a headline that no metric has, and values that `evaluate` cannot use, before training.

    It decides what is refused and never what a model is, so nothing that is read here is an input
    of the stage that runs. A file without a section `evaluate`, and keys that only a class of the
    project's own has, are left to the stage that reads them.

    Args:
        params: the file params.yaml.
        task: "classification" or "regression".
        root: the directory of the project.
        modules: those of the hook `metrics`; they are read, and not run.

    Raises:
        UserError: there is no such metric, the estimator does not give the probabilities that it
            needs, or another value of the section is of a wrong type.
    """
    params, root = Path(params), Path(root)
    with recording.paused():
        content = read_yaml(params)
        section = content.get("evaluate") if isinstance(content, dict) else None
        headline = section.get("headline") if isinstance(section, dict) else None
        own = declared(root, modules)
    if isinstance(section, dict):
        check_values(params, section, Evaluate, "evaluate", PAGES["evaluate"])
    if not isinstance(headline, str):
        return
    needs = {name: metric.needs_probabilities for name, metric in METRICS[task].items()}
    if own is not None and headline not in {**needs, **own}:
        raise unknown_headline(headline, task, [*needs, *own])
    if {**needs, **(own or {})}.get(headline):
        _check_probabilities(headline, content.get("train"), task)


def _check_probabilities(headline: str, section: Any, task: str) -> None:
    """Refuse a headline that needs probabilities where no model will give any.

    What cannot be used in the section `train` is left to training, which says why.

    Raises:
        UserError: the estimator, or one of those that are searched, gives none.
    """
    try:
        params = Train.model_validate(section)
    except ValidationError:
        return
    if params.calibrate != "none":
        return
    search = params.search
    for name in (search.method and search.estimators) or [params.estimator]:
        try:
            estimator = build(name, params.sections, task, params.seed)
        except UserError:
            continue
        if not gives_probabilities(estimator, search.of(name)):
            calibrated = "another estimator, or set train.calibrate: sigmoid"
            remedy = calibrated if has_scores(estimator) else "or another estimator"
            raise needs_probabilities(HEADLINE, headline, name, remedy)


def _metrics_of(module: str) -> dict[Any, Any]:
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"pyproject.toml: tool.modelkeep.metrics: {module} cannot be imported: {error}. "
            "Correct the name, or take it out."
        ) from None
    metrics = getattr(imported, NAME, None)
    if not isinstance(metrics, dict):
        raise UserError(f"{module} has no {NAME}: give it one, such as {NAME} = {{}}.")
    return metrics


@dataclass(frozen=True)
class _Checked:
    """A metric whose failures, and results that are no numbers, are told by its name."""

    where: str
    score: Callable[[ScoredRows], float]

    def __call__(self, tested: ScoredRows) -> float:
        try:
            value = self.score(tested)
        except Exception as error:
            reason = reason_of(error)
            raise OwnMetricError(
                f"{self.where} failed: {type(error).__name__}: {reason}. Where it is not defined, "
                "let it return float('nan')."
            ) from error
        try:
            return float(value)
        except (TypeError, ValueError):
            raise OwnMetricError(
                f"{self.where} returned {type(value).__name__}, and a number is wanted."
            ) from None

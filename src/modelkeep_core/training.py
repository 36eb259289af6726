"""A pipeline and rows → the fitted model, and how it was made, as plain data."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from modelkeep_core import boosters, decisions, external, intervals, scoring, search, workers
from modelkeep_core.blocks import core_of
from modelkeep_core.candidates import Trial
from modelkeep_core.disk_rows import DiskRows
from modelkeep_core.errors import UserError
from modelkeep_core.files import plain, read_json, write_text
from modelkeep_core.folds import Separation
from modelkeep_core.intervals import Interval
from modelkeep_core.native import left, settled, suited
from modelkeep_core.own_metrics import OwnMetricError
from modelkeep_core.params import Prepare, Train
from modelkeep_core.preprocessing import described
from modelkeep_core.schema import Schema
from modelkeep_core.scoring import Job, Prepared, Rows, learnt

PREPROCESS, MODEL = "preprocess", "model"
TRIALS = "search.csv"

# They speak to who maintains code, not to who uses the model.
OF_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
# A process that Ctrl-C ended
INTERRUPTED = 130


class Fitted(NamedTuple):
    """A fitted pipeline, and how it came about.

    Attributes:
        model: the pipeline.
        searched: what the search over parameters found, or None without one.
        warnings: what the estimator warned of while it was fitted, such as that it did not
            converge; each once.
        cross_validation: the score of the model over folds of the training rows, or None.
        trials: all that the search tried, in order.
        params: what was wanted of it.
        interval: the interval around its predictions, or None.
    """

    model: Pipeline
    searched: dict[str, Any] | None
    warnings: list[str]
    cross_validation: dict[str, Any] | None = None
    trials: Sequence[Trial] = ()
    params: Train | None = None
    interval: Interval | None = None


def fit(
    pipeline: Pipeline,
    inputs: pd.DataFrame,
    target: NDArray[Any],
    task: str,
    params: Train,
    prepared: Prepared | None = None,
    metrics: Sequence[str] = (),
) -> Fitted:
    """Cross-validate a pipeline, or search for the best one, and fit it to all rows.

    Linear algebra runs in one thread: the last bits of its results depend on their number.
    What the estimator warns of is printed, and returned.

    Args:
        pipeline: the unfitted steps "preprocess" and "model".
        inputs: (n, features).
        target: (n,) classes or numbers.
        task: "classification" or "regression".
        params: the estimator's name, its search and the seed.
        prepared: where other processes read the same rows, and how they were split. Without it,
            a search takes the rows for independent of each other, and without a search there is
            no cross-validation.
        metrics: modules with metrics of the project's own, by one of which it may be scored.

    Raises:
        UserError: a value that scikit-learn does not take.
    """
    if params.memory == "external":
        print(
            "warning: train.memory: external: pipeline/train.py holds all rows in memory; "
            "training_rows of modelkeep_core.disk_rows leaves them on disk.",
            file=sys.stderr,
        )
    target = learnt(target, task)
    if params.search.method:
        tried = search.pipelines(pipeline, task, params)
    else:
        pipeline = suited(pipeline) if params.preprocessing == "auto" else pipeline
        tried = {params.estimator: pipeline}
    decisions.check(tried, target, task, params)
    if params.search.method or (prepared is not None and params.search.folds):
        search.check_scoring(tried, task, params, metrics)
    separation = partial(_separation, params, prepared, len(target))
    searched, validated, trials, interval = None, None, list[Trial](), None
    with threadpool_limits(1, "blas"):
        if params.search.method:
            pipeline, searched, validated, trials = _searched(
                tried, inputs, target, task, params, prepared, metrics
            )
        elif prepared is not None and params.search.folds:
            validated = _cross_validated(pipeline, inputs, target, task, params, prepared, metrics)
        name = searched["best"]["estimator"] if searched else params.estimator
        with _spoken(name) as messages:
            if params.interval is None:
                model = decisions.fit(pipeline, inputs, target, task, params, separation)
            else:
                model, interval = intervals.fit(
                    pipeline, inputs, target, task, params.interval, separation()
                )
    return Fitted(settled(model), searched, messages, validated, trials, params, interval)


def fit_external(pipeline: Pipeline, rows: DiskRows, schema: Schema, params: Train) -> Fitted:
    """Fit a pipeline to rows that stay on disk: the model that `fit` makes of them in memory.

    Args:
        pipeline: the unfitted steps "preprocess" and "model".
        rows: the training rows.
        schema: which columns are features, and the target.
        params: the estimator's name, and nothing that needs the rows in memory.

    Raises:
        UserError: the estimator or another parameter needs them there, the disk has no room, or a
            value that XGBoost does not take.
    """
    with threadpool_limits(1, "blas"), _spoken(params.estimator) as messages:
        model = external.fit(pipeline, rows, schema, params)
    return Fitted(model, None, messages, params=params)


@contextmanager
def _spoken(name: str) -> Iterator[list[str]]:
    """Tell what an estimator says while it is fitted.

    Yields:
        What is filled at the end: its warnings, which are printed, each once.

    Raises:
        UserError: it takes a value or a parameter not.
    """
    messages: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield messages
    except boosters.failures() as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{name} cannot be trained: {reason.rstrip('.')}. Its parameters are in "
            f"train.{boosters.class_name(name)} of params.yaml."
        ) from None
    messages += dict.fromkeys(
        f"{name}: {' '.join(str(warning.message).split())}"
        for warning in caught
        if not issubclass(warning.category, OF_DEVELOPERS)
    )
    for message in messages:
        print(f"warning: {message}", file=sys.stderr)


def _separation(params: Train, prepared: Prepared | None, rows: int) -> Separation:
    """Return what folds keep apart.

    Raises:
        UserError: the rows are not those of `prepared`.
    """
    if prepared is None:
        return Separation(
            Prepare(seed=params.seed, test_size=0.5, split="random", split_by=None), None
        )
    by = scoring.times_or_groups(prepared)
    if by is not None and len(by) != rows:
        raise UserError(
            f"pipeline/train.py trains on {rows} of the {len(by)} rows that prepare wrote, "
            "so folds cannot follow prepare.split. Change rows in pipeline/prepare.py, not there."
        )
    return Separation(prepared.split, by)


def _job(
    pipelines: dict[str, Pipeline],
    inputs: pd.DataFrame,
    target: NDArray[Any],
    task: str,
    params: Train,
    prepared: Prepared | None,
    metrics: Sequence[str],
) -> Job:
    """Return what the fits of a search share, with the rows at hand for those in this process.

    Raises:
        UserError: the rows are not those of `prepared`.
    """
    separation = _separation(params, prepared, len(target))
    rows = Rows(inputs, target, separation.by)
    job = Job(
        prepared=prepared,
        split=separation.split,
        digest=rows.digest(),
        task=task,
        scoring=params.search.scoring,
        metrics=tuple(metrics),
        folds=params.search.folds,
        pipelines=workers.packed(pipelines),
        versions=scoring.versions(),
    )
    scoring.keep(job, rows)
    return job


def _cross_validated(
    pipeline: Pipeline,
    inputs: pd.DataFrame,
    target: NDArray[Any],
    task: str,
    params: Train,
    prepared: Prepared,
    metrics: Sequence[str],
) -> dict[str, Any] | None:
    """Return the score of the estimator as it stands; None, with a warning, where it has none.

    Raises:
        UserError: the score is a metric of the project's own that fails.
    """
    try:
        job = _job({params.estimator: pipeline}, inputs, target, task, params, prepared, metrics)
        return _validation(job, search.cross_validate(job, params), nested=False)
    except OwnMetricError:
        raise
    except UserError as error:
        print(f"warning: no cross-validated score: {error}", file=sys.stderr)
        return None
    finally:
        scoring.forget()


def _searched(
    pipelines: dict[str, Pipeline],
    inputs: pd.DataFrame,
    target: NDArray[Any],
    task: str,
    params: Train,
    prepared: Prepared | None,
    metrics: Sequence[str],
) -> tuple[Pipeline, dict[str, Any], dict[str, Any] | None, list[Trial]]:
    """Return the best pipeline, unfitted; what the search was; its score; and all trials."""
    job = _job(pipelines, inputs, target, task, params, prepared, metrics)
    searching = search.Search(job, params, [*pipelines])
    try:
        trials, outer = searching.run()
    except KeyboardInterrupt:
        print("The search was interrupted; nothing of it is kept.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    finally:
        scoring.forget()
    best, *others = searching.ranked(trials)
    chosen = best.candidate
    named = {f"{MODEL}__{name}": value for name, value in chosen.parameters.items()}
    searched = {
        "method": params.search.method,
        "scoring": job.scoring,
        "folds": job.folds,
        "seed": params.search.seed,
        "trials": len(trials),
        "best": search.summary(best),
        "runner_up": search.summary(others[0]) if others else None,
    }
    validated = _validation(job, outer or best.scores, nested=params.search.nested)
    return pipelines[chosen.estimator].set_params(**named), searched, validated, trials


def _validation(job: Job, scores: tuple[float, ...], nested: bool) -> dict[str, Any] | None:
    """Return the scores of a model over the folds; None, with a warning, where one is no number."""
    if not np.isfinite(scores).all():
        print(
            f"warning: no cross-validated score: {job.scoring} is not defined on one of the "
            f"{job.folds} folds.",
            file=sys.stderr,
        )
        return None
    return {
        "scoring": job.scoring,
        "higher_is_better": scoring.scoring_of(job.scoring, job.task, job.metrics).higher_is_better,
        "split": job.split.split,
        "folds": job.folds,
        "nested": nested,
        "scores": [float(score) for score in scores],
        "mean": float(np.mean(scores)),
        "standard_deviation": float(np.std(scores)),
    }


def summary(fitted: Fitted, rows: int) -> dict[str, Any]:
    """Return how a model was made, as plain data; `rows` is the number of the training rows.

    Those that were set aside are not among the "rows" that it has learnt from.
    """
    model, interval = fitted.model, fitted.interval
    estimator = core_of(model[MODEL])
    return {
        "estimator": type(estimator).__name__,
        "parameters": plain(dict(sorted(estimator.get_params().items()))),
        "preprocessing": described(model[PREPROCESS]),
        "left_to_estimator": left(model[PREPROCESS]),
        "classes": model.classes_.tolist() if hasattr(model, "classes_") else None,
        **decisions.summary(model[MODEL], fitted.params),
        "interval": interval.described() if interval else None,
        "rows": rows - interval.rows if interval else rows,
        "search": plain(fitted.searched),
        "cross_validation": fitted.cross_validation,
        "warnings": fitted.warnings,
    }


def write_trials(fitted: Fitted, out: Path | str) -> None:
    """Write what the search tried as search.csv into a directory; a header where there was none."""
    out = Path(out)
    write_text(out / TRIALS, search.table(fitted.trials))


def reported(models: Path | str, out: Path | str) -> dict[str, float]:
    """Copy what the search tried from the directory `models` to `out`.

    Returns:
        The cross-validated score as a metric, by which experiments are compared; empty where there
        is none.
    """
    models, out = Path(models), Path(out)
    write_text(out / TRIALS, (models / TRIALS).read_text(encoding="utf-8"))
    validated = read_json(models / "training.json")["cross_validation"]
    return {f"cv_{validated['scoring']}": validated["mean"]} if validated else {}

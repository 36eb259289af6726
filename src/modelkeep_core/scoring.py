"""One number for one fold: a candidate fitted to some of the training rows, scored on others.

It is computed wherever there is a worker, from the path of the prepared rows; a worker that reads
other rows than the stage does, or that has other versions of the libraries, is refused.
"""

import hashlib
import pickle
import platform
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import sklearn
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import get_scorer, get_scorer_names

from modelkeep_core import __version__, boosters, recording
from modelkeep_core.errors import UserError, reason_of, suggestion
from modelkeep_core.files import read_json
from modelkeep_core.folds import KEY, Fold, folds
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metric_names import declared
from modelkeep_core.metrics import METRICS, Metric, scored_rows
from modelkeep_core.own_metrics import own_metrics
from modelkeep_core.params import Prepare
from modelkeep_core.probabilities import needs_probabilities
from modelkeep_core.schema import Schema
from modelkeep_core.workers import check_shared

# What prepare writes of a split, and the key there
PROVENANCE, SPLIT = "provenance.json", "split"
# The key of params.yaml that names the score
SCORING = "train.search.scoring"


@dataclass(frozen=True)
class Prepared:
    """Where the training rows are, and how `prepare` split them.

    Attributes:
        path: the absolute path of train.parquet.
        schema: the contract of its columns.
        split: the parameters that the rows were split by.
    """

    path: Path
    schema: Schema
    split: Prepare


def read_prepared(directory: Path | str, schema: Schema) -> Prepared:
    """Return where the training rows of data/prepared are, and how they were split.

    Raises:
        UserError: provenance.json is missing, or does not say how.
    """
    directory = Path(directory)
    provenance = read_json(directory / PROVENANCE)
    if SPLIT not in provenance:
        raise UserError(
            f"{directory / PROVENANCE} does not say how the rows were split, so folds cannot keep "
            f"apart what the split keeps apart. Let pipeline/prepare.py write "
            f'"{SPLIT}": split.described(params) into it.'
        )
    path = (directory / "train.parquet").absolute()
    return Prepared(path, schema, Prepare.model_validate(provenance[SPLIT]))


@dataclass(frozen=True)
class Rows:
    """Training rows as a model sees them.

    Attributes:
        inputs: (n, features).
        target: (n,) classes or numbers.
        by: (n,) times or groups, or None where the split is random.
    """

    inputs: pd.DataFrame
    target: NDArray[Any]
    by: NDArray[Any] | None

    def take(self, places: NDArray[np.intp]) -> "Rows":
        """Return some of the rows."""
        by = None if self.by is None else self.by[places]
        return Rows(self.inputs.iloc[places], self.target[places], by)

    def digest(self) -> str:
        """Return a hash of all values in their order."""
        settled = hashlib.sha256()
        for part in (self.inputs, pd.Series(self.target), pd.Series(self.by)):
            settled.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
        return settled.hexdigest()


def learnt(target: NDArray[Any], task: str) -> NDArray[Any]:
    """Return the target as estimators get it.

    A regression's is made floating: an estimator that learns whole numbers would make one of a
    prediction that it does not have.
    """
    return target.astype(float) if task == "regression" else target


def times_or_groups(prepared: Prepared) -> NDArray[Any] | None:
    """Read the (n,) times or groups that the rows were split by, or None where it was at random.

    Raises:
        UserError: the column is not there, or some rows have no value.
    """
    split = prepared.split
    if split.split_by is None or split.split == "random":
        return None
    if split.split_by in pq.read_schema(prepared.path).names:
        column = pd.read_parquet(prepared.path, columns=[split.split_by])[split.split_by]
        if not column.isna().any():
            values: NDArray[Any] = column.to_numpy()
            return values
    raise UserError(
        f"{prepared.path} has no column '{split.split_by}' with a value in each row, and "
        f"prepare.split: {split.split} goes by it. Let pipeline/prepare.py keep it."
    )


def load(prepared: Prepared) -> Rows:
    """Read the training rows."""
    table, schema = pd.read_parquet(prepared.path), prepared.schema
    target = learnt(table[schema.target].to_numpy(), schema.task)
    return Rows(model_inputs(table, schema), target, times_or_groups(prepared))


class Scoring(NamedTuple):
    """How a fitted model is scored.

    Attributes:
        higher_is_better: which way the number is to go.
        needs_probabilities: whether it scores nothing else.
        score: takes the model, (n, features) inputs and the (n,) target.
    """

    higher_is_better: bool
    needs_probabilities: bool
    score: Callable[[Any, pd.DataFrame, NDArray[Any]], float]


def scoring_of(name: str, task: str, modules: Sequence[str] = ()) -> Scoring:
    """Return the metric of this name, or the scorer of scikit-learn, of which more is better.

    Args:
        name: its name.
        task: "classification" or "regression".
        modules: those with metrics of the project's own, which are imported where the name is one
            of theirs: then they decide which model is the best, and are dependencies of the stage.

    Raises:
        UserError: there is neither.
    """
    available, scorers = METRICS[task], get_scorer_names()
    with recording.paused():
        spelt = declared(Path(), modules)
    if name not in available and (name in (spelt or ()) or (spelt is None and name not in scorers)):
        available = available | own_metrics(modules)
    if metric := available.get(name):
        by_metric = partial(_by_metric, metric, name)
        return Scoring(metric.higher_is_better, metric.needs_probabilities, by_metric)
    of_other_tasks = {other for each, has in METRICS.items() if each != task for other in has}
    if name in scorers and name not in of_other_tasks:
        scorer = get_scorer(name)
        return Scoring(True, getattr(scorer, "_response_method", None) == "predict_proba", scorer)
    names = list(dict.fromkeys([*available, *(spelt or ())]))
    scorers = [each for each in scorers if each not in of_other_tasks]
    # scikit-learn has a scorer for it, which says nothing of this task
    without = "" if name in of_other_tasks else ", and scikit-learn no scorer"
    raise UserError(
        f"params.yaml: {SCORING}: {task} has no metric '{name}'{without}"
        f"{suggestion(name, [*names, *scorers])}. It has {', '.join(names)}."
    )


def _by_metric(
    metric: Metric, name: str, model: Any, inputs: pd.DataFrame, target: NDArray[Any]
) -> float:
    tested = scored_rows(model, inputs, target)
    if metric.needs_probabilities and tested.probabilities is None:
        estimator = type(model[-1]).__name__
        raise needs_probabilities(SCORING, name, estimator, "or another estimator")
    return float(metric.score(tested))


def versions() -> dict[str, str]:
    """Return the versions of what decides the numbers."""
    return {
        "Python": platform.python_version(),
        "modelkeep-core": __version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "pandas": pd.__version__,
    }


@dataclass(frozen=True)
class Job:
    """What all tasks of a search share; small, and the same wherever it is read.

    Attributes:
        prepared: where the rows are, or None where only this process has them.
        split: how they were split.
        digest: the hash of the rows.
        task: "classification" or "regression".
        scoring: the name of the score.
        metrics: the modules with metrics of the project's own.
        folds: their number.
        pipelines: the unfitted pipelines by the name of their estimator, packed for a worker.
        versions: of the libraries.
    """

    prepared: Prepared | None
    split: Prepare
    digest: str
    task: str
    scoring: str
    metrics: tuple[str, ...]
    folds: int
    pipelines: bytes
    versions: dict[str, str]


class Task(NamedTuple):
    """One fit.

    Attributes:
        estimator: the name of a pipeline.
        parameters: of its estimator.
        fold: scored on its test rows, after it was fitted to its training rows.
        outer: the fold whose training rows are the only ones there are; None: all are. Where
            `fold` is None, its own test rows are scored.
    """

    estimator: str
    parameters: dict[str, Any]
    fold: int | None
    outer: int | None = None


class Loaded:
    """Rows with their folds, kept from one task to the next."""

    def __init__(self, job: Job, rows: Rows) -> None:
        self.job, self.rows = job, rows
        self._inner: dict[int, tuple[Rows, list[Fold]]] = {}

    @cached_property
    def folds(self) -> list[Fold]:
        """The folds of all rows."""
        return self._of(self.rows)

    def parts(self, task: Task) -> tuple[Rows, Rows]:
        """Return the rows to learn from and those to predict."""
        if task.fold is None:
            assert task.outer is not None
            rows, fold = self.rows, self.folds[task.outer]
        elif task.outer is None:
            rows, fold = self.rows, self.folds[task.fold]
        else:
            if task.outer not in self._inner:
                inside = self.rows.take(self.folds[task.outer][0])
                try:
                    self._inner[task.outer] = inside, self._of(inside)
                except UserError as error:
                    raise UserError(
                        "params.yaml: train.search.nested: the rows that train fold "
                        f"{task.outer + 1} do not make folds once more. Set it to false, or: "
                        f"{error}"
                    ) from None
            rows, made = self._inner[task.outer]
            fold = made[task.fold]
        return rows.take(fold[0]), rows.take(fold[1])

    def _of(self, rows: Rows) -> list[Fold]:
        stratify = self.job.task == "classification"
        return folds(rows.target, rows.by, self.job.split, self.job.folds, stratify)


_loaded: dict[str, Loaded] = {}
_LOCK = threading.Lock()


def keep(job: Job, rows: Rows) -> Loaded:
    """Keep rows for the tasks of a job that run in this process; those of other jobs are let go."""
    _loaded.clear()
    loaded = _loaded[job.digest] = Loaded(job, rows)
    return loaded


def forget() -> None:
    """Let go of all rows."""
    _loaded.clear()


def score(job: Job, task: Task) -> float:
    """Fit one candidate to one fold and score it.

    Rows of a class that the training rows of the fold lack, which nothing could predict, do not
    count.

    Raises:
        UserError: the rows or the libraries of this worker are others, scikit-learn does not take
            a value, or the fold has no score.
    """
    with _LOCK:
        loaded = _loaded.get(job.digest) or keep(job, _read(job))
        if loaded.job != job:
            loaded = keep(job, loaded.rows)
        train, test = loaded.parts(task)
    model = clone(pickle.loads(job.pipelines)[task.estimator])
    model.set_params(**{f"model__{name}": value for name, value in task.parameters.items()})
    if job.task == "classification":
        remedy = "Set it to less, or change prepare.split."
        number = ((task.outer if task.fold is None else task.fold) or 0) + 1
        classes = np.unique(train.target)
        if len(classes) < 2:
            raise UserError(
                f"{KEY}: the rows that train fold {number} have one class only, '{classes[0]}'. "
                f"{remedy}"
            )
        test = test.take(np.flatnonzero(np.isin(test.target, classes)))
        if not len(test.target):
            raise UserError(
                f"{KEY}: fold {number} has only classes that the rows that train it lack. {remedy}"
            )
    scoring = scoring_of(job.scoring, job.task, job.metrics)
    given = f" with {described(task.parameters)}" if task.parameters else ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(train.inputs, train.target)
        except boosters.failures() as error:
            reason = " ".join(str(error).split())
            section = "train.search.ranges." if task.parameters else "train."
            raise UserError(
                f"{task.estimator} cannot be trained{given}: {reason.rstrip('.')}. Its parameters "
                f"are in {section}{boosters.class_name(task.estimator)} of params.yaml."
            ) from None
        try:
            return float(scoring.score(model, test.inputs, test.target))
        # What a scorer of scikit-learn asks of a model that lacks it is an attribute
        except (ValueError, TypeError, AttributeError) as error:
            reason = reason_of(error)
            raise UserError(
                f"params.yaml: {SCORING}: {job.scoring} cannot score {task.estimator}"
                f"{given}: {reason}. Choose another score, or another estimator."
            ) from None


def described(parameters: dict[str, Any]) -> str:
    """Return parameters as one text, such as "C=0.1; penalty=l2"."""
    return "; ".join(f"{name}={value}" for name, value in parameters.items())


def _read(job: Job) -> Rows:
    """Read the rows of a job in a worker, and make sure that they are those of the stage."""
    assert job.prepared is not None
    if different := [
        f"{name} {has} instead of {job.versions[name]}"
        for name, has in versions().items()
        if has != job.versions[name]
    ]:
        raise UserError(
            f"the worker on {platform.node()} would compute other numbers: it has "
            f"{', '.join(different)}. Start it in the environment of requirements.lock."
        )
    check_shared(job.prepared.path)
    rows = load(job.prepared)
    if rows.digest() != job.digest:
        raise UserError(
            f"the worker on {platform.node()} read other rows from {job.prepared.path} than "
            "pipeline/train.py trains on. Change rows in pipeline/prepare.py, not in train, or set "
            "MODELKEEP_PROCESSES=1."
        )
    return rows

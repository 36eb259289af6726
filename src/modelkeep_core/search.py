"""Cross-validation, and the search for the best of several candidates by it."""

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.discovery import all_estimators

from modelkeep_core import boosters, candidates, scoring
from modelkeep_core.candidates import Candidate, Trial
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.estimators import KINDS, build, check_names
from modelkeep_core.files import plain
from modelkeep_core.native import suited
from modelkeep_core.params import Range, Train
from modelkeep_core.probabilities import gives_probabilities, needs_probabilities
from modelkeep_core.progress import Progress
from modelkeep_core.scoring import Job, Task
from modelkeep_core.workers import Workers

MODEL = "model"
COLUMNS = ("trial", "estimator", "score", "standard_deviation", "folds", "parameters")


def pipelines(pipeline: Pipeline, task: str, params: Train) -> dict[str, Pipeline]:
    """Return an unfitted pipeline for each estimator that is tried, by its name.

    Raises:
        UserError: an estimator does not exist, or a range is of none that is tried, or of a
            parameter that it does not have.
    """
    names = params.search.estimators if params.search.method else []
    made = {params.estimator: pipeline}
    if names:
        where = "train.search.estimators"
        made = {
            name: Pipeline(
                [
                    *pipeline.steps[:-1],
                    (MODEL, build(name, params.sections, task, params.seed, where)),
                ]
            )
            for name in names
        }
    if params.preprocessing == "auto":
        made = {
            name: suited(tried, _least(params.search.of(name).get("max_bins")))
            for name, tried in made.items()
        }
    if params.search.method:
        _check_sections(params.search.ranges, task)
        for name in made:
            where = f"train.search.ranges.{section(name)}"
            check_names(where, params.search.of(name), made[name][MODEL].get_params())
        if not any(params.search.of(name) for name in made) and len(made) == 1:
            raise UserError(
                "params.yaml: train.search.ranges has no section "
                f"{section(*made)}: add one with "
                "the parameters to search, or set train.search.method to null."
            )
    return made


def _check_sections(sections: Iterable[str], task: str) -> None:
    """Refuse a section of ranges that is of no estimator; one that is not tried may have some.

    Raises:
        UserError: naming the section, and the nearest that there may be.
    """
    kinds = [name for name, _ in all_estimators(type_filter=KINDS[task])]
    kinds += map(section, boosters.of_task(task))
    for name in sections:
        if name not in kinds:
            raise UserError(
                f"params.yaml: train.search.ranges: {name} is no {KINDS[task]}"
                f"{suggestion(section(name), kinds)}: a section has the class name of one."
            )


def check_scoring(
    made: Mapping[str, Pipeline], task: str, params: Train, metrics: Sequence[str]
) -> None:
    """Refuse a score that there is not, or that needs probabilities which an estimator has not.

    Args:
        made: the pipelines that are scored, unfitted, by the names of their estimators.
        task: "classification" or "regression".
        params: what is wanted.
        metrics: modules with metrics of the project's own.

    Raises:
        UserError: naming the score, and the first estimator that it does not suit.
    """
    name = params.search.scoring
    if scoring.scoring_of(name, task, metrics).needs_probabilities:
        for estimator, pipeline in made.items():
            if not gives_probabilities(pipeline[MODEL], params.search.of(estimator)):
                remedy = "or another estimator"
                raise needs_probabilities(scoring.SCORING, name, estimator, remedy)


def section(name: str) -> str:
    """Return what the sections of an estimator are called: its class, without its module."""
    return name.rpartition(".")[2]


def _least(bins: Range | None) -> int | None:
    """Return the least whole number of a range; None where there is none."""
    values = [] if bins is None else (bins.choices or [bins.low])
    return min((value for value in values if isinstance(value, int)), default=None)


def cross_validate(job: Job, params: Train) -> tuple[float, ...]:
    """Return the score of the estimator as it stands on each fold.

    Raises:
        UserError: a fold has no score.
    """
    tasks = [Task(params.estimator, {}, fold) for fold in range(job.folds)]
    with Workers[float](len(tasks), job.prepared is None) as workers:
        return tuple(workers.run(scoring.score, [(job, task) for task in tasks]))


class Search:
    """One search: its candidates, their scores, and where they are computed.

    Args:
        job: what all fits share.
        params: the method, and all that is said of it.
        names: the estimators that are tried.
    """

    def __init__(self, job: Job, params: Train, names: Sequence[str]) -> None:
        self._job, self._params = job, params.search
        self._ranges = {name: params.search.of(name) for name in names}
        self._higher = scoring.scoring_of(job.scoring, job.task, job.metrics).higher_is_better
        searches = 1 + (job.folds if params.search.nested else 0)
        fits = searches * self._source().total * job.folds + searches - 1
        self._workers = Workers[float](fits, job.prepared is None)
        self._progress = Progress(fits, job.scoring)

    def run(self) -> tuple[list[Trial], tuple[float, ...] | None]:
        """Try all candidates.

        Returns:
            The trials in the order that they were asked for; and, where the search is nested, the
            score on each fold of the candidate that was best on the rows that train it.

        Raises:
            UserError: a candidate cannot be trained, or none has a score.
        """
        try:
            with self._workers:
                trials = self._tried(None)
                if not self._params.nested:
                    return trials, None
                outer = [self._tried(fold) for fold in range(self._job.folds)]
                winners = [self.ranked(tried)[0].candidate for tried in outer]
                tasks = [
                    Task(winner.estimator, winner.parameters, None, fold)
                    for fold, winner in enumerate(winners)
                ]
                return trials, tuple(self._scores(tasks))
        finally:
            self._progress.end()

    def ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that were scored on all folds, the best first, each candidate once.

        Raises:
            UserError: there is none.
        """
        whole = [trial for trial in trials if not trial.pruned and math.isfinite(trial.mean)]
        if not whole:
            raise UserError(
                f"params.yaml: train.search.scoring: {self._job.scoring} is a number for none of "
                f"the {len(trials)} trials. Choose another score, or fewer folds."
            )
        first = {_key(trial.candidate): trial for trial in reversed(whole)}
        sign = -1 if self._higher else 1
        return sorted(first.values(), key=lambda trial: (sign * trial.mean, trial.number))

    def _source(self) -> candidates.Source:
        return candidates.source(self._params, self._ranges, self._higher)

    def _tried(self, outer: int | None) -> list[Trial]:
        """Try all candidates on the training rows of an outer fold, or on all rows."""
        source, trials = self._source(), list[Trial]()
        while asked := source.ask():
            scores = self._batch(asked, trials, outer)
            for candidate in asked:
                made = tuple(scores[_key(candidate)])
                pruned = len(made) < self._job.folds
                trials.append(Trial(len(trials) + 1, candidate, made, pruned))
            source.tell(trials[-len(asked) :])
            if outer is None and any(math.isfinite(trial.mean) for trial in trials):
                whole = [trial for trial in trials if not trial.pruned]
                if whole and any(math.isfinite(trial.mean) for trial in whole):
                    best = self.ranked(trials)[0]
                    self._progress.tried(best.mean, best.number)
        return trials

    def _batch(
        self, asked: Sequence[Candidate], before: Sequence[Trial], outer: int | None
    ) -> dict[str, list[float]]:
        """Return the scores of the candidates by their key; what was tried before is not again."""
        scores = {_key(trial.candidate): [*trial.scores] for trial in before}
        new = {_key(candidate): candidate for candidate in asked if _key(candidate) not in scores}
        self._progress.skip((len(asked) - len(new)) * self._job.folds)
        scores |= {key: [] for key in new}
        rounds = [[fold] for fold in range(self._job.folds)]
        if not self._params.prune:
            rounds = [[*range(self._job.folds)]]
        for part in rounds:
            keys = [key for key in new if len(scores[key]) == part[0]]
            tasks = [
                Task(new[key].estimator, new[key].parameters, fold, outer)
                for key in keys
                for fold in part
            ]
            made = self._scores(tasks)
            for place, key in enumerate(keys):
                scores[key] += made[place * len(part) : (place + 1) * len(part)]
            hopeless = self._hopeless({key: scores[key] for key in keys}, before, part[-1] + 1)
            for key in hopeless:
                self._progress.skip(self._job.folds - len(scores[key]))
                del new[key]
        return scores

    def _hopeless(
        self, scores: dict[str, list[float]], before: Sequence[Trial], folds: int
    ) -> list[str]:
        """Return which candidates are worse, so far, than half of the finished trials were."""
        finished = [trial.scores for trial in before if not trial.pruned]
        finished = [made for made in finished if np.isfinite(made).all()]
        if not self._params.prune or not finished or folds == self._job.folds:
            return []
        middle = statistics.median(float(np.mean(made[:folds])) for made in finished)
        sign = 1 if self._higher else -1
        return [key for key, made in scores.items() if not sign * np.mean(made) >= sign * middle]

    def _scores(self, tasks: Sequence[Task]) -> list[float]:
        return self._workers.run(
            scoring.score,
            [(self._job, task) for task in tasks],
            lambda number, result: self._progress.fitted(),
        )


def _key(candidate: Candidate) -> str:
    return json.dumps([candidate.estimator, plain(candidate.parameters)])


def summary(trial: Trial) -> dict[str, Any]:
    """Return a trial as plain data."""
    return {
        "trial": trial.number,
        "estimator": trial.candidate.estimator,
        "parameters": plain(trial.candidate.parameters),
        "mean": trial.mean,
        "standard_deviation": trial.deviation,
    }


def table(trials: Sequence[Trial]) -> str:
    """Return the trials as CSV, one row each; without any, only its header.

    The parameters are there twice: in one column for a plot, and each in a column of its own.
    """
    names = sorted({name for trial in trials for name in trial.candidate.parameters})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *names])
    for trial in trials:
        given = trial.candidate.parameters
        parameters = scoring.described(given)
        row = [trial.number, trial.candidate.estimator, trial.mean, trial.deviation]
        writer.writerow(
            [*row, len(trial.scores), parameters, *(given.get(name, "") for name in names)]
        )
    return text.getvalue()

"""What a search tries: each combination, some at random, or what Optuna's TPE asks for.

Candidates are asked for in batches, and scores are given back in the order of the candidates, so
that what comes next never depends on which of them was scored first.
"""

import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn.model_selection import ParameterSampler

from modelkeep_core.errors import UserError
from modelkeep_core.params import Range, Search

Ranges = dict[str, dict[str, Range]]
WHERE = "params.yaml: train.search.ranges"
# More combinations are no grid that anybody waits for
LARGEST_GRID = 100_000


@dataclass(frozen=True)
class Candidate:
    """An estimator by its name, and the parameters of it that are searched."""

    estimator: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """A candidate and its scores.

    Attributes:
        number: its place in the search, from 1.
        candidate: what was tried.
        scores: of each fold, in order; fewer than all where it was given up.
        pruned: whether it was given up.
    """

    number: int
    candidate: Candidate
    scores: tuple[float, ...]
    pruned: bool = False

    @property
    def mean(self) -> float:
        """The mean over the folds."""
        return float(np.mean(self.scores))

    @property
    def deviation(self) -> float:
        """The standard deviation over the folds."""
        return float(np.std(self.scores))


class Source(Protocol):
    """Where candidates come from."""

    total: int

    def ask(self) -> list[Candidate]:
        """Return the next batch; an empty one at the end."""

    def tell(self, trials: Sequence[Trial]) -> None:
        """Take the trials of the last batch, in their order."""


def source(params: Search, ranges: Ranges, higher_is_better: bool) -> Source:
    """Return where the candidates of a search come from.

    Args:
        params: method, trials, batch and seed.
        ranges: the parameters of each estimator that is tried; it may have none.
        higher_is_better: which way the score is to go.

    Raises:
        UserError: a range has no end in a grid, or Optuna is not installed.
    """
    if params.method == "tpe":
        return _Tpe(params, ranges, higher_is_better)
    listed = _grid(ranges) if params.method == "grid" else _drawn(params, ranges)
    # Nothing is learnt from the scores, so there is nothing to wait for unless trials are given up
    return _Listed(listed, params.batch if params.prune else len(listed))


class _Listed:
    """Candidates that are there from the start."""

    def __init__(self, candidates: list[Candidate], batch: int) -> None:
        self.total = len(candidates)
        self._left, self._batch = candidates, batch

    def ask(self) -> list[Candidate]:
        asked, self._left = self._left[: self._batch], self._left[self._batch :]
        return asked

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn nothing."""


class _Tpe:
    """Tree-structured Parzen estimators of Optuna, which propose where good scores were."""

    def __init__(self, params: Search, ranges: Ranges, higher_is_better: bool) -> None:
        try:
            import optuna
        except ImportError:
            raise UserError(
                "params.yaml: train.search.method: tpe needs Optuna, which is not installed: add "
                '"optuna>=5" to dependencies in pyproject.toml, lock it and install it, or set '
                "the method to random."
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.total, self._batch, self._ranges = params.trials, params.batch, ranges
        self._states = optuna.trial.TrialState
        self._study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=params.seed, constant_liar=True),
            direction="maximize" if higher_is_better else "minimize",
        )
        self._asked: list[Any] = []
        self._left = params.trials

    def ask(self) -> list[Candidate]:
        number = min(self._batch, self._left)
        self._left -= number
        self._asked = [self._study.ask() for _ in range(number)]
        return [self._candidate(trial) for trial in self._asked]

    def tell(self, trials: Sequence[Trial]) -> None:
        for asked, trial in zip(self._asked, trials, strict=True):
            if not math.isfinite(trial.mean):
                self._study.tell(asked, state=self._states.FAIL)
                continue
            for fold in range(len(trial.scores)):
                asked.report(float(np.mean(trial.scores[: fold + 1])), fold)
            if trial.pruned:
                self._study.tell(asked, state=self._states.PRUNED)
            else:
                self._study.tell(asked, trial.mean)

    def _candidate(self, trial: Any) -> Candidate:
        names = list(self._ranges)
        name = names[0]
        if len(names) > 1:
            name = trial.suggest_categorical("estimator", names)
        return Candidate(
            name,
            {
                parameter: _suggested(trial, f"{name}.{parameter}", values)
                for parameter, values in self._ranges[name].items()
            },
        )


def _suggested(trial: Any, name: str, values: Range) -> Any:
    if values.choices is not None:
        # Optuna takes no lists among the choices
        return values.choices[trial.suggest_categorical(name, [*range(len(values.choices))])]
    if values.whole:
        step = 1 if values.step is None else values.step
        return trial.suggest_int(name, values.low, values.high, step=step, log=values.log)
    return trial.suggest_float(name, values.low, values.high, step=values.step, log=values.log)


def _grid(ranges: Ranges) -> list[Candidate]:
    """Return each combination.

    Raises:
        UserError: a range has no end of values, or there are far too many combinations.
    """
    listed = {
        estimator: [_listed(estimator, name, values) for name, values in parameters.items()]
        for estimator, parameters in ranges.items()
    }
    count = sum(math.prod(map(len, parameters)) for parameters in listed.values())
    if count > LARGEST_GRID:
        raise UserError(
            f"{WHERE}: a grid of {count:,} combinations is more than a search can try "
            f"({LARGEST_GRID:,}). Take fewer values or a greater step, or search by method random "
            "or tpe."
        )
    return [
        Candidate(estimator, dict(zip(ranges[estimator], combination, strict=True)))
        for estimator, parameters in listed.items()
        for combination in itertools.product(*parameters)
    ]


def _listed(estimator: str, name: str, values: Range) -> Sequence[Any]:
    """Return all values of a range.

    Raises:
        UserError: it has no end of them.
    """
    if values.choices is not None:
        return values.choices
    if values.log or (values.step is None and not values.whole):
        where = f"{WHERE}.{estimator.rpartition('.')[2]}.{name}"
        raise UserError(
            f"{where}: a grid needs choices, or low, high and step without log. "
            "Change the range, or search by method random or tpe."
        )
    return _Steps(values)


class _Steps(Sequence[float]):
    """The numbers from `low` to `high` by steps, of which none is made before it is asked for."""

    def __init__(self, values: Range) -> None:
        assert values.low is not None
        assert values.high is not None
        self._low, self._step = values.low, 1 if values.step is None else values.step
        self._count = math.floor((values.high - values.low) / self._step + 1e-9) + 1

    def __len__(self) -> int:
        return min(self._count, sys.maxsize)

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < self._count:
            raise IndexError(place)
        return self._low + int(place) * self._step


def _drawn(params: Search, ranges: Ranges) -> list[Candidate]:
    """Draw candidates: as many of each estimator, in turn."""
    names = list(ranges)
    shares = [len(range(place, params.trials, len(names))) for place in range(len(names))]
    drawn = []
    for place, (name, share) in enumerate(zip(names, shares, strict=True)):
        space = {key: _distribution(values) for key, values in ranges[name].items()}
        if not any(isinstance(values, _Between) for values in space.values()):
            count = math.prod(len(values) for values in space.values())
            share = min(share, count)
            if count > sys.maxsize:
                # So many that none is drawn twice, and more than scikit-learn can number
                space = {key: _OneOf(values) for key, values in space.items()}
        seed = (params.seed + place) % 2**32
        sampled = [*ParameterSampler(space, share, random_state=seed)] if space else [{}]
        drawn.append(
            [Candidate(name, {key: values[key] for key in space}) for values in sampled[:share]]
        )
    turns = itertools.zip_longest(*drawn)
    return [candidate for turn in turns for candidate in turn if candidate is not None]


def _distribution(values: Range) -> Any:
    """Return a range as scikit-learn draws from it: a list, or something with `rvs`."""
    if values.choices is not None:
        return values.choices
    if values.step is not None:
        return _Steps(values)
    return _Between(values)


@dataclass(frozen=True)
class _OneOf:
    """Draws one of several values."""

    values: Sequence[Any]

    def rvs(self, random_state: np.random.RandomState) -> Any:
        """Draw one."""
        return self.values[int(random_state.randint(len(self.values), dtype=np.int64))]


@dataclass(frozen=True)
class _Between:
    """Draws numbers, or their logarithms, that are as likely as each other."""

    values: Range

    def rvs(self, random_state: np.random.RandomState) -> float | int:
        """Draw one."""
        low, high = self.values.low, self.values.high
        assert low is not None
        assert high is not None
        # A whole number has as much room below as above
        room = 0.5 if self.values.whole else 0.0
        if self.values.log:
            bounds = math.log(low - room), math.log(high + room)
            drawn = math.exp(random_state.uniform(*bounds))
        else:
            drawn = random_state.uniform(low - room, high + room)
        inside = min(max(drawn, low), high)
        return round(inside) if self.values.whole else inside

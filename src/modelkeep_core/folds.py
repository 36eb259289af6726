"""Folds of the training rows, made the way that `prepare` made train and test.

What the split keeps apart, the folds keep apart: later rows are never learnt from to predict
earlier ones, and no group is on both sides.
"""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from modelkeep_core.errors import UserError, reason_of
from modelkeep_core.params import Prepare
from modelkeep_core.visible import counted

# Above so many groups chance keeps the shares of the classes, and scikit-learn takes minutes to
MANY_GROUPS = 10_000
KEY = "params.yaml: train.search.folds"

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class Separation:
    """What keeps rows apart.

    Attributes:
        split: how `prepare` split them.
        by: (n,) times or groups; None where the split is random.
    """

    split: Prepare
    by: NDArray[Any] | None = None

    def folds(self, target: NDArray[Any], number: int, stratify: bool) -> list[Fold]:
        """Return folds of the rows.

        Raises:
            UserError: the rows do not make so many.
        """
        return folds(target, self.by, self.split, number, stratify)


def folds(
    target: NDArray[Any], by: NDArray[Any] | None, split: Prepare, number: int, stratify: bool
) -> list[Fold]:
    """Return the rows that train and that test in each fold.

    Args:
        target: (n,) classes or numbers.
        by: (n,) times or groups; None where the split is random.
        split: how `prepare` split the rows; its seed decides what is left to chance.
        number: of folds. By time, each fold tests a later part on all rows before it.
        stratify: whether each fold keeps the share of each class, where the split can.

    Returns:
        For each fold the places of its training and of its test rows, both of at least one row.

    Raises:
        UserError: the rows do not make so many folds; it says how many they make, if any.
    """
    try:
        return _folds(target, by, split, number, stratify)
    except _Impossible as reason:
        for fewer in range(min(number - 1, len(target)), 1, -1):
            with suppress(_Impossible):
                _folds(target, by, split, fewer, stratify)
                raise UserError(f"{KEY}: {reason}. Set it to {fewer}.") from None
        raise UserError(
            f"{KEY}: {reason}. The training rows make no folds at all: change prepare.split, or "
            "train without a search and without cross-validation: method: null and folds: 0."
        ) from None


class _Impossible(Exception):
    """Rows do not make so many folds."""


def _folds(
    target: NDArray[Any], by: NDArray[Any] | None, split: Prepare, number: int, stratify: bool
) -> list[Fold]:
    """Return what `folds` does.

    Raises:
        _Impossible: the rows do not make so many.
    """
    if split.split == "random" or by is None:
        kind = StratifiedKFold if stratify else KFold
        return _made(kind(number, shuffle=True, random_state=split.seed), target, None)
    if split.split == "time":
        return _by_time(by, number, str(split.split_by))
    _, groups = np.unique(by, return_inverse=True)
    count = int(groups.max()) + 1
    if count < number:
        raise _Impossible(
            f"{number}, but the training rows have only {counted(count, 'value')} of "
            f"'{split.split_by}', and rows of one stay together"
        )
    kind = StratifiedGroupKFold if stratify and count <= MANY_GROUPS else GroupKFold
    return _made(kind(number, shuffle=True, random_state=split.seed), target, groups)


def _made(splitter: Any, target: NDArray[Any], groups: NDArray[Any] | None) -> list[Fold]:
    """Let scikit-learn make folds; a class with fewer rows than there are folds is in some only.

    Raises:
        _Impossible: the rows do not make so many.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made = list(splitter.split(target, target, groups))
    except ValueError as error:
        raise _Impossible(reason_of(error)) from None
    if not all(len(train) and len(test) for train, test in made):
        raise _Impossible(f"a fold of the {counted(len(target), 'row')} is empty")
    return made


def _by_time(by: NDArray[Any], number: int, name: str) -> list[Fold]:
    """Cut the rows at moments, as near as they allow to where TimeSeriesSplit cuts by rows.

    Raises:
        _Impossible: the rows do not make so many.
    """
    moments, times = np.unique(by), np.sort(by)
    if len(moments) <= number:
        raise _Impossible(
            f"{number}, but the training rows have only {counted(len(moments), 'value')} of "
            f"'{name}', of which the first has nothing before it to learn from"
        )
    starts = [test[0] for _, test in TimeSeriesSplit(number).split(times)]
    order = np.arange(number)
    places = np.searchsorted(moments, times[starts])
    # One after the other, not the first of all, and so that one is left for each that follows
    places = np.maximum(np.maximum.accumulate(places - order), 1) + order
    edges = moments[np.minimum(places, len(moments) - number + order)]
    ends = [*edges[1:], None]
    return [
        (
            np.flatnonzero(by < start),
            np.flatnonzero(by >= start if end is None else (by >= start) & (by < end)),
        )
        for start, end in zip(edges, ends, strict=True)
    ]

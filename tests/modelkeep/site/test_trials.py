"""The trials of a search, from search.csv of a commit and from its metadata."""

from typing import Any

import pytest

from modelkeep.site.trials import HEADER, MOST_TRIALS, trials_of
from modelkeep_core import search

CONTENT = b"""trial,estimator,score,standard_deviation,folds,parameters,C,kind
1,Ridge,0.5,0.1,5,C=1,1,a
2,Ridge,0.75,0.125,5,"C=10, kind=b",10,b
3,Ridge,nan,,2,C=100,100,
"""
SEARCHED: dict[str, Any] = {
    "method": "grid",
    "scoring": "macro_f1",
    "folds": 5,
    "trials": 3,
    "best": {"trial": 2, "estimator": "Ridge", "mean": 0.75, "parameters": {"C": 10}},
    "runner_up": {"trial": 1, "estimator": "Ridge", "mean": 0.5, "parameters": {"C": 1}},
}


def test_the_columns_are_those_that_train_writes() -> None:
    """The page knows search.csv by its header."""
    assert HEADER == search.COLUMNS


def test_every_trial_is_there() -> None:
    """Numbers are numbers, names are names, and what a trial has not is null."""
    assert trials_of(CONTENT, {"search": SEARCHED}) == {
        "about": [["method", "grid"], ["trials", "3"], ["folds", "5"]],
        "score": "macro_f1",
        "higher": True,
        "best": 2,
        "runner_up": 1,
        "names": ["C", "kind"],
        "count": 3,
        "trials": [
            [1, "Ridge", 0.5, 0.1, 5, 1, "a"],
            [2, "Ridge", 0.75, 0.125, 5, 10, "b"],
            [3, "Ridge", None, None, 2, 100, None],
        ],
    }


def test_without_the_file_the_best_two_are_there() -> None:
    """model.json has the best trial and the one behind it."""
    trials = trials_of(None, {"search": SEARCHED})
    assert trials is not None
    assert trials["trials"] == [
        [2, "Ridge", 0.75, None, None, 10],
        [1, "Ridge", 0.5, None, None, 1],
    ]


def test_lower_may_be_better() -> None:
    """The metadata say so, or the scores of the best two do."""
    lower = {"search": SEARCHED, "cross_validation": {"higher_is_better": False}}
    turned = SEARCHED | {"best": SEARCHED["runner_up"], "runner_up": SEARCHED["best"]}
    for training in (lower, {"search": turned}):
        trials = trials_of(CONTENT, training)
        assert trials is not None
        assert trials["higher"] is False


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"a,b\n1,2\n", CONTENT.splitlines()[0], b'"' * 3, b"\0"]
)
@pytest.mark.parametrize("training", [{}, {"search": None}, {"search": {"best": 3}}])
def test_without_a_search_there_is_none(content: bytes, training: dict[str, Any]) -> None:
    """A header alone, another table, and bytes of any kind are no search."""
    assert trials_of(content, training) is None


def test_of_many_trials_the_best_are_kept() -> None:
    """What a picture cannot show is thinned, and how many there were is told."""
    lines = [f"{number},Ridge,0.5,0.1,5,C=1,1,a" for number in range(1, 5001)]
    content = "\n".join([CONTENT.decode().splitlines()[0], *lines]).encode()
    ranked = {"best": {"trial": 4998}, "runner_up": {"trial": 4997}}
    trials = trials_of(content, {"search": SEARCHED | ranked})
    assert trials is not None
    numbers = {trial[0] for trial in trials["trials"]}
    assert {1, 4997, 4998} <= numbers
    assert len(numbers) <= MOST_TRIALS + 2
    assert trials["count"] == 5000

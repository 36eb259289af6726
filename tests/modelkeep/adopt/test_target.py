"""The task follows from the target, and what cannot be learnt is refused in a sentence."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from modelkeep.adopt.inference import read_cells
from modelkeep.adopt.reading import Hints
from modelkeep.adopt.target import read_target, with_all_classes
from modelkeep_core.errors import UserError

ROWS = 60


def target(cells, task=None):
    """Return what a target of these cells is taken for."""
    written = pl.Series("y", cells)
    return read_target("y", read_cells(written), written, task)


def turns(*values):
    """Return a column in which the values take turns."""
    return [values[row % len(values)] for row in range(ROWS)]


@pytest.mark.parametrize(
    ("cells", "task", "kind"),
    [
        (turns("a", "b", "c"), "classification", "category"),
        (turns("yes", "no"), "classification", "category"),
        (turns("yes", "No", "Y", "n"), "classification", "boolean"),
        (turns("TRUE", "FALSE"), "classification", "boolean"),
        (turns(True, False), "classification", "boolean"),
        (turns(0, 1), "classification", "integer"),
        (turns("1.0", "2.0"), "classification", "integer"),
        (turns(1.0, 2.0, None), "classification", "integer"),
        (turns(0.5, 1.5), "regression", "number"),
        (list(range(ROWS)), "regression", "integer"),
        ([f"${row},50" for row in range(ROWS)], "regression", "number"),
    ],
)
def test_the_task_follows_from_the_cells(cells, task, kind):
    """Texts, booleans and a few whole numbers are classes; other numbers are values."""
    inferred = target(cells)
    assert (inferred.task, inferred.column.type) == (task, kind)


@pytest.mark.parametrize(
    ("cells", "task", "kind"),
    [
        (turns(0, 1), "regression", "integer"),
        (list(range(20)) * 3, "classification", "integer"),
        (turns(0.5, 1.5), "classification", "category"),
    ],
)
def test_a_person_may_say_the_task(cells, task, kind):
    """What is said counts, where the cells allow it."""
    inferred = target(cells, task)
    assert (inferred.task, inferred.column.type, inferred.why) == (task, kind, "as you said")


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["1", "2", "3"] * 32 + ["X"] * 4, {"1", "2", "3", "X"}),
        (["1", "2", "3"] * 32 + ["90+"] * 4, {"1", "2", "3", "90+"}),
        (["1", "2", "3"] * 32 + ["unknown"] * 4, {"1", "2", "3", "unknown"}),
        (["1", "2", "3"] * 32 + ["-"] * 4, {"1", "2", "3"}),
        (["1", "2", "3"] * 32 + ["X"] * 3 + ["-"], {"1", "2", "3", "X"}),
        (["T", "F", "N"] * 33, {"T", "F", "N"}),
    ],
)
def test_no_class_vanishes(cells, classes):
    """A rare word among numbers is a class; a dash is none."""
    written = pl.Series("y", cells)
    read = with_all_classes(read_cells(written), written, None, Hints())
    assert {*read_target("y", read, written, None).classes} == classes


def test_a_number_to_predict_keeps_its_strays_apart():
    """They are no values, and are told."""
    written = pl.Series("y", [*map(str, range(60)), "on request"])
    read = with_all_classes(read_cells(written), written, None, Hints())
    inferred = read_target("y", read, written, None)
    assert (inferred.task, inferred.left_out, inferred.empty) == (
        *("regression", 1),
        {"on request": 1},
    )


def test_rows_without_a_target_are_counted():
    """They are left out, and the contract allows them."""
    inferred = target(turns("a", "b", "", "NA"))
    assert (inferred.rows, inferred.left_out, inferred.column.missing) == (30, 30, True)
    assert inferred.classes == {"a": 15, "b": 15}
    assert inferred.column.values == ["a", "b"]


@pytest.mark.parametrize(
    ("cells", "task", "message"),
    [
        (turns("a", "b")[:19], None, "is there in 19 rows: a model needs 20"),
        (
            turns("a", ""),
            None,
            "is 'a' in every row: there is nothing to predict. It is empty in 30",
        ),
        (turns("a"), None, "is 'a' in every row: there is nothing to predict.$"),
        ([None] * ROWS, None, "is there in 0 rows"),
        ([f"id {row}" for row in range(ROWS)], None, "has 60 different values in 60 rows"),
        (list(range(ROWS)), "classification", "has 60 different values in 60 rows"),
        (turns("a", "b"), "regression", "regression predicts a number, and 'y' holds category"),
        (
            [f"{row}.5" if row % 3 else f"x{row}" for row in range(ROWS)],
            None,
            "share a value; 20 of 60 cells, such as 'x0', hold no number: correct the file, or",
        ),
        ([10.0 ** (3 * row) for row in range(ROWS)], None, r"numbers beyond 1e\+100"),
        ([datetime(2024, 1, 1) + timedelta(row) for row in range(ROWS)], None, "holds dates"),
    ],
)
def test_what_cannot_be_learnt_is_refused(cells, task, message):
    """One sentence says why."""
    with pytest.raises(UserError, match=message) as refused:
        target(cells, task)
    assert "\n" not in str(refused.value)


def test_rare_classes_and_few_rows_are_warned_of():
    """A person knows what the result is worth before there is one."""
    few, rare = target(["a"] * 57 + ["b", "b", "c"]).warnings
    assert few == "only 60 rows: what is measured on so few is uncertain"
    assert rare == "class 'c' is too rare to learn or to test (1 row), and so is 1 more class"
    assert target(["a"] * 1990 + ["b"] * 10).warnings == ["class 'b' is rare: 10 of 2000 rows"]
    assert target(["a", "b"] * 100).warnings == []

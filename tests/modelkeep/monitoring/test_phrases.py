"""Figures are written in the few digits that a person reads, alarms in sentences."""

import pytest

from modelkeep.monitoring.limits import Limits
from modelkeep.monitoring.phrases import (
    conclusion,
    extent,
    folded,
    left_out,
    legend,
    middle,
    percent,
    probability,
    refusals,
    span,
)

NUMBERS = {
    "type": "number",
    "ends": [1.0, 2.5, 1234567.0],
    "reference": {"rows": 10, "missing": 1, "mean": 2.0, "counts": [0, 5, 4, 0]},
    "current": {"rows": 8, "missing": 4, "mean": 3.14159, "counts": [1, 0, 2, 1]},
    "checks": {},
}
CLASSES = {
    "type": "category",
    "names": ["a", "b"],
    "reference": {"rows": 10, "missing": 0, "counts": [4, 6, 0]},
    "current": {"rows": 4, "missing": 0, "counts": [2, 1, 1], "out_of_range_values": {"c": 1}},
    "checks": {},
}


def reported(features, rows=500, refused=False):
    """Return what a report must have to be concluded."""
    alarm = refused or any(
        check["alarm"] for part in features.values() for check in part["checks"].values()
    )
    return {
        "state": "alarm" if alarm else "in order",
        "limits": vars(Limits()),
        "volume": {"rows": rows, "rows_with_inputs": rows, "other_models": []},
        "refused": {"share": 0.25, "alarm": refused},
        "features": features,
        "predictions": {**NUMBERS},
    }


def with_alarm(part, about, distance):
    """Return a column with an alarm."""
    check = {"distance": distance, "p": 0.0, "p_adjusted": 0.0, "alarm": True}
    return {**part, "checks": {about: check}}


@pytest.mark.parametrize(
    ("part", "about", "sentence"),
    [
        (NUMBERS, "values", "the distance of the values is 0.30; the mean was 2 and is 3.142"),
        (NUMBERS, "missing", "50% of the cells are missing, 10% were"),
        (NUMBERS, "out_of_range", "30% of the values lie outside 1 to 1.23457e+06"),
        (
            CLASSES,
            "values",
            "the distance of the values is 0.30; the commonest class was 60% b and is 25% b",
        ),
        (CLASSES, "out_of_range", "30% of the values are not in the reference: 'c'"),
    ],
)
def test_every_alarm_has_a_sentence(part, about, sentence):
    """With what it was and what it is."""
    report = reported({"size": with_alarm(part, about, 0.3), "other": CLASSES})
    assert [*conclusion(report)] == [f"ALARM: size: {sentence}."]


def test_new_classes_are_told_beside_what_was_to_be_expected():
    """Where the reference has rare classes, or does not name all of them."""
    part = {
        **CLASSES,
        "reference": {"rows": 10, "missing": 0, "counts": [4, 6, 0], "unlisted": 1},
        "current": CLASSES["current"] | {"unlisted": 3},
        "out_of_range": 3,
    }
    report = reported({"town": with_alarm(part, "out_of_range", 0.65)})
    which = "not in the reference"
    assert [*conclusion(report)] == [
        f"ALARM: town: 75% of the values are {which}, at most 10% should be: 'c'."
    ]
    report = reported({"town": with_alarm({**part, "out_of_range": None}, "out_of_range", 0.65)})
    assert "are none of the commonest of the reference, at most" in next(iter(conclusion(report)))


def test_a_report_without_an_alarm_has_one_sentence():
    """In order, or too little is known."""
    assert [*conclusion(reported({}))] == [
        "In order: what comes in is what the model was made for."
    ]
    few = reported({}, rows=3) | {"state": "not enough data"}
    assert [*conclusion(few)] == ["Not enough data: 3 rows, and 100 are needed."]


def test_what_was_refused_has_a_sentence():
    """With the share that may be."""
    sentence = "ALARM: 25% of what came in was refused, 5% may be."
    assert [*conclusion(reported({}, refused=True))] == [sentence]


def test_a_column_without_a_value_has_no_middle():
    """Nor a commonest class where none is known."""
    empty = {**NUMBERS, "current": {"counts": [0, 0, 0, 0], "mean": None}}
    assert middle(empty, "current") == "-"
    assert middle({**NUMBERS, "current": {"counts": [0, 2], "mean": None}}, "current") == "-"
    unknown = {"names": [], "reference": {"counts": [5]}, "current": {"counts": [3]}}
    assert middle(unknown, "current") == "other"


@pytest.mark.parametrize("kind", ["datetime", "private"])
def test_values_that_are_only_counted_are_of_no_class(kind):
    """Neither dates nor private values are compared, so that none is the commonest."""
    counted = {"type": kind, "names": [], "reference": {"counts": [5]}, "current": {"counts": [3]}}
    assert middle(counted, "reference") == middle(counted, "current") == "-"


def test_a_class_need_not_be_named_twice():
    """The share on both sides is that of the same class."""
    assert middle(CLASSES, "reference") == "60% b"
    assert middle(CLASSES, "current", named=False) == "25%"
    assert middle(NUMBERS, "current", named=False) == "3.142"


def test_a_range_has_six_digits():
    """Enough to tell what lies outside."""
    assert extent(NUMBERS) == "1 to 1.23457e+06"


def test_other_models_are_named():
    """By version, or by recipe alone."""
    models = [
        {"recipe_id": "abcdef012", "version": "v1.0.0", "requests": 1200},
        {"recipe_id": "012abcdef", "version": "", "requests": 3},
    ]
    text = left_out({"volume": {"other_models": models}})
    assert text == "requests answered 1,200 by v1.0.0 (abcdef0), 3 by a model (012abcd)"


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        (None, None, "everything to now"),
        ("2026-11-01T09:30:15+02:00", None, "2026-11-01 09:30 to now"),
        (None, "2026-11-02T00:00:00+00:00", "everything to 2026-11-02 00:00"),
    ],
)
def test_a_window_is_written_to_the_minute(since, until, text):
    """From its beginning, if any, to its end, or to now."""
    assert span({"window": {"since": since, "until": until}}) == text


def test_paragraphs_are_folded():
    """To the width of a terminal."""
    assert max(map(len, folded("word " * 50).splitlines())) <= 80


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0004, "0.04%"), (0.123, "12%"), (0.994, "99%"), (0.999, "100%"), (1, "100%")],
)
def test_shares_have_two_digits(share, text):
    """As a person says them."""
    assert percent(share) == text


@pytest.mark.parametrize(("p", "text"), [(1, "1.000"), (0.0123, "0.012"), (0.0001, "<0.001")])
def test_p_values_have_three_digits(p, text):
    """Smaller ones are all the same to a reader."""
    assert probability(p) == text


def test_values_that_are_judged_as_one_are_named():
    """Where rare ones trade places, the report of no alarm would say more than was seen."""
    town = {
        "type": "category",
        "names": ["a", "b", "c"],
        "reference": {"rows": 103, "missing": 0, "counts": [100, 2, 1, 0]},
        "current": {"rows": 100, "missing": 0, "counts": [98, 0, 0, 2]},
        "checks": {},
    }
    text = legend(reported({"town": town}))
    assert "too rare to be judged each count as one (3 in town): where some take" in text
    usual = {**town, "reference": {**town["reference"], "counts": [60, 42, 1, 0]}}
    usual["current"] = {**town["current"], "counts": [60, 40, 0, 0]}
    assert "too rare" not in legend(reported({"town": usual}))
    assert "too rare" not in legend(
        reported({"town": CLASSES | {"current": {"counts": [0, 0, 0]}}})
    )


@pytest.mark.parametrize(
    ("rows", "values", "words"),
    [
        (1, 1, "1 row (0.29% of what came in), 1 value"),
        (1200, 2, "1,200 rows (0.29% of what came in), 2 values"),
    ],
)
def test_one_of_a_thing_is_no_plural(rows: int, values: int, words: str) -> None:
    """A row that was refused is "1 row"; thousands are set apart."""
    assert refusals({"rows": rows, "values": values, "share": 0.0029}) == words

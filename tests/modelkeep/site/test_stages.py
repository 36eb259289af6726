"""What was in the stages, for the pictures and the history of a version."""

from pathlib import Path

from repository import make_released
from sites import built, index

GATE = """Better

Gate: {gate}

v1.1.0 on the 86 test rows of HEAD:
                           WANTED        FOUND
macro_f1                   at least 0.8  0.9856                    passes
macro_f1: v1.1.0 - v1.0.0  at least 0    +0.01495 (-1.2e-05 to 0)  passes"""


def test_spans_follow_each_other(tmp_path: Path) -> None:
    """Each has the key of its version, and ends where the next one begins."""
    built(make_released(tmp_path / "made"), tmp_path / "out")
    columns, spans = index(tmp_path / "out")
    keys = dict(zip(columns["version"], columns["key"], strict=True))
    prod = [span for span in spans if span["stage"] == "prod"]
    assert [(span["version"], span["reason"]) for span in prod] == [
        ("v1.0.0", "First release"),
        ("v1.1.0", "Better"),
        ("v1.0.0", "Complaints"),
    ]
    assert [span["until"] for span in prod] == [prod[1]["from"], prod[2]["from"], None]
    assert [span["key"] for span in prod] == [keys[span["version"]] for span in prod]


def test_the_gate_and_its_paired_difference_are_kept(tmp_path: Path) -> None:
    """What the gate measured on the same rows is read from the tag of the promotion."""
    made = make_released(tmp_path / "made")
    made.assign("prod", made.head, message=GATE.format(gate="passed"))
    made.assign("staging", made.head, message=GATE.format(gate="forced by Ada"))
    built(made, tmp_path / "out")
    _, spans = index(tmp_path / "out")
    passed, forced = spans[-1], spans[-2]
    if passed["stage"] != "prod":
        passed, forced = forced, passed
    assert (passed["forced"], forced["forced"]) == (False, True)
    assert passed["paired"] == {
        "metric": "macro_f1",
        "new": "v1.1.0",
        "old": "v1.0.0",
        "difference": 0.01495,
        "low": -1.2e-05,
        "high": 0,
    }


def test_a_message_that_looks_like_a_gate_is_no_number(tmp_path: Path) -> None:
    """What is no number is not shown as one."""
    made = make_released(tmp_path / "made")
    made.assign("prod", made.head, message=GATE.format(gate="x").replace("+0.01495", "lots"))
    built(made, tmp_path / "out")
    assert not any("paired" in span for span in index(tmp_path / "out")[1])

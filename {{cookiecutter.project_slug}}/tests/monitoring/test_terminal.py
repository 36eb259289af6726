"""A report reads well in a terminal, within its width."""

import pandas as pd
import pytest
from recorded import Served, drawn, shifted

from monitoring.limits import Limits
from monitoring.report import report
from monitoring.store import opened
from monitoring.terminal import rendered
from monitoring.watched import read_watched
from monitoring.window import Window
from registry.text import columns as width


@pytest.fixture
def served(run, tmp_path):
    """A server's records, without a request."""
    return Served(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def told(served, **limits):
    """Return the text of the report on what is recorded."""
    with opened(served.path) as store:
        watched = read_watched(served.package)
        return rendered(report(watched, store, Window(), Limits(**limits)))


def test_a_report_in_order_says_so(served, train):
    """Model, volume, a line for each column, and the conclusion at the end."""
    served.answer(drawn(train, 150), each=3)
    text = told(served)
    assert text.startswith("model     made-up v1.0.0\n")
    assert "answered  50 requests, 150 rows" in text
    for name in [*served.features, "(prediction)"]:
        assert f"\n{name} " in text
    assert text.endswith("In order: what comes in is what the model was made for.")
    assert "left out" not in text
    assert "REFUSED" not in text


def test_every_alarm_has_its_sentence(served, train):
    """With what it was and what it is."""
    rows = shifted(drawn(train, 300), 4)
    rows["colour"] = "vio<let"
    rows.loc[:150, "member"] = None
    served.answer(rows)
    served.refuse(50, "mistyped", "count")
    text = told(served)
    ending = " ".join(text.split("\n\n")[-1].split())
    assert "ALARM: size: the values are 0." in ending
    assert "; the mean was " in ending
    assert "of the values lie outside " in ending
    assert "ALARM: colour: the values are 1.00 apart; the commonest class was " in ending
    assert "ALARM: colour: 100% of the values were never seen: 'vio<let'." in ending
    assert "ALARM: member: 5" in ending
    assert "% of the cells are missing, " in ending
    assert "ALARM: 14% of what came in was refused, 5% may be." in ending
    assert "In order" not in text
    assert " !" in text


def test_too_few_rows_are_told(served, train):
    """With how many it takes."""
    served.answer(drawn(train, 20))
    assert told(served).endswith("Not enough data: 20 rows, and 100 are needed.")


def test_where_other_models_answered_their_package_is_asked_for(served, train):
    """As after a new version was trained here, and is not served yet."""
    served.answer(drawn(train, 120), recipe_id="older", version="")
    text = told(served)
    assert "left out  requests answered 120 by a model (older)\n" in text
    assert "Other models answered: name the package of one of them with --package" in text


def test_inputs_that_were_not_recorded_are_told(served, train):
    """Then only the predictions were judged."""
    served.answer(drawn(train, 150), record_inputs=False)
    ending = " ".join(told(served).split("\n\n")[-1].split())
    assert ending.startswith("The inputs of 0 rows were recorded, and 100 are needed: nothing but")


def test_nothing_is_told_of_no_row(served):
    """No table without traffic."""
    served.refuse(1, "malformed")
    text = told(served)
    assert "COLUMN" not in text
    assert text.endswith("Not enough data: 0 rows, and 100 are needed.")


def test_other_models_days_and_refused_values_are_listed(served, train):
    """What was left out, the last seven days, the commonest reasons."""
    served.answer(drawn(train, 120), every=86_400 / 12)
    served.answer(drawn(train, 7), recipe_id="other")
    for number in range(6):
        served.refuse(1 + number, f"reason {number}")
    text = told(served)
    assert "left out  requests answered 7 by v1.0.0 (other)\n" in text
    assert "2026-11-01" not in text
    assert "2026-11-11" in text
    assert "reason 0" not in text
    assert "reason 5" in text


def test_no_line_is_wider_than_a_terminal(served, train):
    """However long names and values are."""
    rows = drawn(train, 150).assign(colour="x" * 200)
    served.answer(rows)
    served.refuse(200, "mistyped", "f" * 100)
    lines = told(served).splitlines()
    table = [line for line in lines if not line.startswith("x" * 50)]
    assert max(map(width, table)) <= 80

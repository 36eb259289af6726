"""A report reads well in a terminal, within its width."""

import pandas as pd
import pytest

from modelkeep.monitoring.limits import Limits
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.report import report
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.terminal import rendered
from modelkeep.monitoring.window import Window
from modelkeep.text import columns as width
from recorded import Recorded, drawn, shifted


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, without a request."""
    return Recorded(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def shown(recorded, **limits):
    """Return the text of the report on what is recorded."""
    with opened(recorded.path) as store:
        reference = read_reference(recorded.package)
        return rendered(report(reference, store, Window(), Limits(**limits)))


def test_a_report_in_order_says_so(recorded, train):
    """Model, volume, a line for each column, and the conclusion at the end."""
    recorded.answer(drawn(train, 150), each=3)
    text = shown(recorded)
    assert text.startswith("model     made-up v1.0.0\n")
    assert "answered  50 requests, 150 rows" in text
    for name in [*recorded.features, "(prediction)"]:
        assert f"\n{name} " in text
    assert text.endswith("In order: what comes in is what the model was made for.")
    assert "left out" not in text
    assert "REFUSED" not in text


def test_every_alarm_has_its_sentence(recorded, train):
    """With what it was and what it is."""
    rows = shifted(drawn(train, 300), 4)
    rows["colour"] = "vio<let"
    rows.loc[:150, "member"] = None
    recorded.answer(rows)
    recorded.refuse(50, "mistyped", "count")
    text = shown(recorded)
    ending = " ".join(text.split("\n\n")[-1].split())
    assert "ALARM: size: the distance of the values is 0." in ending
    assert "; the mean was " in ending
    assert "of the values lie outside " in ending
    assert "ALARM: colour: the distance of the values is 1.00; the commonest class was " in ending
    assert "ALARM: colour: 100% of the values are not in the reference: 'vio<let'." in ending
    assert "ALARM: member: 5" in ending
    assert "% of the cells are missing, " in ending
    assert "ALARM: 14% of what came in was refused, 5% may be." in ending
    assert "In order" not in text
    assert " !" in text


def test_too_few_rows_are_told(recorded, train):
    """With how many it takes."""
    recorded.answer(drawn(train, 20))
    assert shown(recorded).endswith("Not enough data: 20 rows, and 100 are needed.")


def test_where_other_models_answered_their_package_is_asked_for(recorded, train):
    """As after a new version was trained here, and is not served yet."""
    recorded.answer(drawn(train, 120), recipe_id="older", version="")
    text = shown(recorded)
    assert "left out  requests answered 120 by a model (older)\n" in text
    assert "Other models answered: name the package of such a model with --package" in text


def test_inputs_that_were_not_recorded_are_told(recorded, train):
    """Then only the predictions were judged."""
    recorded.answer(drawn(train, 150), record_inputs=False)
    ending = " ".join(shown(recorded).split("\n\n")[-1].split())
    assert ending.startswith("The inputs of 0 rows were recorded, and 100 are needed: nothing but")


def test_nothing_is_told_of_no_row(recorded):
    """No table without traffic."""
    recorded.refuse(1, "malformed")
    text = shown(recorded)
    assert "COLUMN" not in text
    assert text.endswith("Not enough data: 0 rows, and 100 are needed.")


def test_other_models_days_and_refused_values_are_listed(recorded, train):
    """What was left out, the last seven days, the commonest reasons."""
    recorded.answer(drawn(train, 120), every=86_400 / 12)
    recorded.answer(drawn(train, 7), recipe_id="other")
    for number in range(6):
        recorded.refuse(1 + number, f"reason {number}")
    text = shown(recorded)
    assert "left out  requests answered 7 by v1.0.0 (other)\n" in text
    assert "2026-11-01" not in text
    assert "2026-11-11" in text
    assert "reason 0" not in text
    assert "\n... and 1 more, in --json\n" in text
    assert "reason 5" in text


@pytest.mark.usefixtures("terminal")
def test_no_line_is_wider_than_a_terminal(recorded, train):
    """However long names and values are."""
    rows = drawn(train, 150).assign(colour="x" * 200)
    recorded.answer(rows)
    recorded.refuse(200, "mistyped", "f" * 100)
    lines = shown(recorded).splitlines()
    table = [line for line in lines if not line.startswith("x" * 50)]
    assert max(map(width, table)) <= 80

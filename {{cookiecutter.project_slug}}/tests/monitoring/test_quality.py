"""Live metrics are those of the evaluation, on rows whose outcomes are known."""

import json

import numpy as np
import pandas as pd
import pytest
from recorded import Served, repackaged

from monitoring.quality import outcome_of, quality
from monitoring.store import opened
from monitoring.watched import read_watched
from monitoring.window import Window
from pipeline.files import read_json


@pytest.fixture(params=["run", "regression_run"])
def tested(request, tmp_path):
    """A server's records of the test rows with their true outcomes, for either task."""
    run = request.getfixturevalue(request.param)
    served = Served(run.package, tmp_path)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    target = served.opened.schema.target
    served.outcomes(served.answer(rows), rows[target])
    served.rows_tested, served.target = rows, target
    return served


@pytest.fixture
def served(run, tmp_path):
    """A server's records, without a request."""
    return Served(run.package, tmp_path)


@pytest.fixture
def rows(run):
    """All rows of the classification."""
    parts = [pd.read_parquet(run.prepared / f"{name}.parquet") for name in ("train", "test")]
    return pd.concat(parts, ignore_index=True)


def found(served, needed=1, package=None):
    """Return the quality of what is recorded."""
    watched = read_watched(package or served.package)
    with opened(served.path) as store:
        return quality(watched, store.with_outcomes(Window(), watched.recipe_id), needed)


def test_on_the_test_rows_live_metrics_are_the_promised_ones(tested):
    """The same rows give the same scores and the same interval as the evaluation."""
    quality = found(tested)
    assert quality["state"] == "in order"
    assert quality["rows"] == len(tested.rows_tested)
    assert quality["live"]["scores"] == pytest.approx(quality["promised"]["scores"])
    live, promised = (quality[side]["headline"] for side in ("live", "promised"))
    assert live == {
        name: pytest.approx(value) if isinstance(value, float) else value
        for name, value in promised.items()
    }
    assert json.loads(json.dumps(quality, allow_nan=False)) == quality


def test_a_model_that_is_wholly_worse_is_an_alarm(tested):
    """Outcomes that have nothing to do with the answers, for metrics in either direction."""
    mixed = tested.rows_tested[tested.target].sample(frac=1, random_state=1)
    ids = [request for (request,) in tested.rows("SELECT request_id FROM requests")]
    tested.outcomes(ids, mixed)
    quality = found(tested)
    assert quality["state"] == "alarm"
    live, promised = (quality[side]["headline"] for side in ("live", "promised"))
    if promised["higher_is_better"]:
        assert live["high"] < promised["low"]
    else:
        assert live["low"] > promised["high"]


def test_too_few_outcomes_are_not_judged(tested):
    """Rows without an outcome do not count."""
    tested.answer(tested.rows_tested.head(5), start=2e9)
    count = len(tested.rows_tested)
    assert found(tested, needed=count)["state"] == "in order"
    few = found(tested, needed=count + 1)
    assert (few["state"], few["rows"], few["live"]) == ("not enough data", count, None)


def test_nothing_is_known_without_an_outcome(served, rows):
    """Not even with a request."""
    served.answer(rows.head(3))
    assert found(served)["state"] == "not enough data"


def test_metrics_that_are_not_defined_are_left_out(served, rows):
    """Where all outcomes are of one class, there is no curve to have an area."""
    low = rows[rows["label"] == "low"]
    served.outcomes(served.answer(low), low["label"])
    live = found(served)["live"]["scores"]
    assert "roc_auc" not in live
    assert live["accuracy"] > 0.8


def test_a_headline_that_is_not_defined_is_not_judged(run, served, rows, tmp_path):
    """However many rows there are."""
    metadata = read_json(run.package / "model.json")
    metadata["metrics"]["headline"]["metric"] = "roc_auc"
    package = repackaged(run.package, tmp_path / "other", model=metadata)
    low = rows[rows["label"] == "low"]
    served.outcomes(served.answer(low), low["label"])
    assert found(served, package=package)["state"] == "not enough data"


def test_a_class_that_the_model_does_not_know_is_a_wrong_answer(served, rows):
    """It has probability 0, and the other classes keep their places."""
    served.outcomes(served.answer(rows.head(20)), ["new", *rows["label"].iloc[1:20]])
    watched = read_watched(served.package)
    with opened(served.path) as store:
        outcome = outcome_of(watched, store.with_outcomes(Window()))
    assert outcome.classes == (*watched.metadata["training"]["classes"], "new")
    assert outcome.probabilities[:, -1].tolist() == [0.0] * 20
    assert outcome.truth[0] == len(outcome.classes) - 1
    assert np.isfinite(found(served)["live"]["scores"]["log_loss"])


def test_each_row_of_a_request_has_its_own_outcome(served, rows):
    """Also where only some of them are known."""
    (request,) = served.answer(rows.head(4), each=4)
    served.outcomes([request], [rows["label"][2]], row=2)
    watched = read_watched(served.package)
    with opened(served.path) as store:
        (recorded,) = store.with_outcomes(Window())
        outcome = outcome_of(watched, [recorded])
    assert outcome.classes[outcome.truth[0]] == rows["label"][2]
    assert outcome.classes[outcome.predicted[0]] == recorded.outputs["predictions"][2]
    assert outcome.probabilities.tolist() == [recorded.outputs["probabilities"][2]]


def test_answers_of_other_models_are_not_scored(served, rows):
    """Each model has its own quality."""
    served.outcomes(served.answer(rows.head(9), recipe_id="other"), rows["label"].head(9))
    assert found(served)["rows"] == 0

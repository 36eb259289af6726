"""Current scores are made as those of the evaluation, on rows that have actuals."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modelkeep.monitoring.quality import quality, scored_rows
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.window import Window
from modelkeep_core.files import read_json
from modelkeep_core.metrics import Metric
from recorded import Recorded, repackaged

pytestmark = pytest.mark.slow


@pytest.fixture(params=["run", "regression_run"])
def tested(request, tmp_path):
    """A server's records of the test rows with their actuals, for either task."""
    run = request.getfixturevalue(request.param)
    recorded = Recorded(run.package, tmp_path)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    target = recorded.opened.schema.target
    recorded.actuals(recorded.answer(rows), rows[target])
    recorded.rows_tested, recorded.target = rows, target
    return recorded


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, without a request."""
    return Recorded(run.package, tmp_path)


@pytest.fixture
def rows(run):
    """All rows of the classification."""
    parts = [pd.read_parquet(run.prepared / f"{name}.parquet") for name in ("train", "test")]
    return pd.concat(parts, ignore_index=True)


def scored(recorded, needed=1, package=None):
    """Return the quality of what is recorded."""
    reference = read_reference(package or recorded.package)
    with opened(recorded.path) as store:
        return quality(reference, store.with_actuals(Window(), reference.recipe_id), needed)


def test_on_the_test_rows_current_scores_are_the_reference_scores(tested):
    """The same rows give the same scores and the same interval as the evaluation."""
    result = scored(tested)
    assert result["state"] == "in order"
    assert result["rows"] == len(tested.rows_tested)
    assert result["current"]["scores"] == pytest.approx(result["reference"]["scores"])
    current, reference = (result[side]["headline"] for side in ("current", "reference"))
    assert current == {
        name: pytest.approx(value) if isinstance(value, float) else value
        for name, value in reference.items()
    }
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_a_metric_of_ones_own_is_scored_on_actuals(run, tmp_path, rows):
    """It is given the classes as evaluate gives them, and can be the headline of the reference."""
    recorded = Recorded(run.package, tmp_path)
    recorded.actuals(recorded.answer(rows), rows["label"])
    reference = read_reference(run.package)

    def missed(tested):
        return float((tested.predicted != tested.place_of("high")).mean())

    headline = reference.metadata["metrics"]["headline"] | {"metric": "missed"}
    metadata = reference.metadata | {
        "metrics": reference.metadata["metrics"] | {"headline": headline}
    }
    own = replace(reference, metadata=metadata, metrics={"missed": Metric(missed)})
    with opened(recorded.path) as store:
        result = quality(own, store.with_actuals(Window(), reference.recipe_id), 1)
    assert result["current"]["headline"]["value"] == result["current"]["scores"]["missed"]
    assert 0 < result["current"]["headline"]["value"] < 1


def test_intervals_are_measured_on_actuals(regression_run, tmp_path):
    """The share of actuals that they hold stands beside that of the test rows."""
    metadata = read_json(regression_run.package / "model.json")
    metadata["training"]["interval"] = {"coverage": 0.5, "half_width": 2.0, "rows": 30}
    metadata["metrics"]["test"]["interval_coverage"] = 0.6
    package = repackaged(regression_run.package, tmp_path / "package", model=metadata)
    recorded = Recorded(package, tmp_path)
    rows = pd.read_parquet(regression_run.prepared / "test.parquet")
    recorded.actuals(recorded.answer(rows), rows["price"])
    result = scored(recorded)
    reference = read_reference(package)
    with opened(recorded.path) as store:
        asked = store.with_actuals(Window(), reference.recipe_id)
        tested = scored_rows(reference, asked)
    inside = (abs(tested.actual - tested.predicted) <= 2).mean()
    assert 0 < inside < 1
    assert result["current"]["scores"]["interval_coverage"] == pytest.approx(inside)
    assert result["reference"]["scores"]["interval_coverage"] == 0.6


def test_a_model_that_is_wholly_worse_is_an_alarm(tested):
    """Actuals that have nothing to do with the answers, for metrics in either direction."""
    mixed = tested.rows_tested[tested.target].sample(frac=1, random_state=1)
    ids = [request for (request,) in tested.rows("SELECT request_id FROM requests")]
    tested.actuals(ids, mixed)
    result = scored(tested)
    assert result["state"] == "alarm"
    current, reference = (result[side]["headline"] for side in ("current", "reference"))
    if reference["higher_is_better"]:
        assert current["high"] < reference["low"]
    else:
        assert current["low"] > reference["high"]


def test_too_few_actuals_are_not_judged(tested):
    """Rows without an actual do not count."""
    tested.answer(tested.rows_tested.head(5), start=2e9)
    count = len(tested.rows_tested)
    assert scored(tested, needed=count)["state"] == "in order"
    few = scored(tested, needed=count + 1)
    assert (few["state"], few["rows"], few["current"]) == ("not enough data", count, None)


def test_nothing_is_scored_without_an_actual_value(recorded, rows):
    """Not even with a request."""
    recorded.answer(rows.head(3))
    assert scored(recorded)["state"] == "not enough data"


def test_metrics_that_are_not_defined_are_left_out(recorded, rows):
    """Where all actuals are of one class, there is no curve to have an area."""
    low = rows[rows["label"] == "low"]
    recorded.actuals(recorded.answer(low), low["label"])
    current = scored(recorded)["current"]["scores"]
    assert "roc_auc" not in current
    assert current["accuracy"] > 0.8


def test_a_headline_that_is_not_defined_is_not_judged(run, recorded, rows, tmp_path):
    """However many rows there are."""
    metadata = read_json(run.package / "model.json")
    metadata["metrics"]["headline"]["metric"] = "roc_auc"
    package = repackaged(run.package, tmp_path / "other", model=metadata)
    low = rows[rows["label"] == "low"]
    recorded.actuals(recorded.answer(low), low["label"])
    assert scored(recorded, package=package)["state"] == "not enough data"


def test_a_class_that_the_model_does_not_know_is_a_wrong_answer(recorded, rows):
    """It has probability 0, and the other classes keep their places."""
    recorded.actuals(recorded.answer(rows.head(20)), ["new", *rows["label"].iloc[1:20]])
    reference = read_reference(recorded.package)
    with opened(recorded.path) as store:
        tested = scored_rows(reference, store.with_actuals(Window()))
    assert tested.classes == (*reference.metadata["training"]["classes"], "new")
    assert tested.probabilities[:, -1].tolist() == [0.0] * 20
    assert tested.actual[0] == len(tested.classes) - 1
    assert np.isfinite(scored(recorded)["current"]["scores"]["log_loss"])


def test_each_row_of_a_request_has_its_own_actual_value(recorded, rows):
    """Also where only some rows have an actual value."""
    (request_id,) = recorded.answer(rows.head(4), each=4)
    recorded.actuals([request_id], [rows["label"][2]], row=2)
    reference = read_reference(recorded.package)
    with opened(recorded.path) as store:
        (request,) = store.with_actuals(Window())
        tested = scored_rows(reference, [request])
    assert tested.classes[tested.actual[0]] == rows["label"][2]
    assert tested.classes[tested.predicted[0]] == request.outputs["predictions"][2]
    assert tested.probabilities.tolist() == [request.outputs["probabilities"][2]]


def test_answers_of_other_models_are_not_scored(recorded, rows):
    """Each model has its own quality."""
    recorded.actuals(recorded.answer(rows.head(9), recipe_id="other"), rows["label"].head(9))
    assert scored(recorded)["rows"] == 0

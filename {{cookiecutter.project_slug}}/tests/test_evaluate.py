"""models → reports."""

import numpy as np
import pytest
from conftest import PARAMS, ROOT
from modelkeep_core.errors import UserError
from modelkeep_core.hooks import read_hooks
from modelkeep_core.own_metrics import own_metrics
from modelkeep_core.params import Evaluate, read_params

from pipeline.evaluate import evaluate


def test_the_headline_is_one_of_the_metrics(model, train_rows, test_rows, schema):
    """The evaluation has the headline, on the same rows, with an interval of numbers."""
    params = read_params(PARAMS, "evaluate", Evaluate)
    quick = params.model_copy(update={"resamples": 20, "importance_repeats": 0})
    own = own_metrics(read_hooks(ROOT).metrics)
    evaluation, _ = evaluate(model, train_rows, test_rows, schema, quick, own)
    headline = evaluation["headline"]
    assert headline["value"] == evaluation["test"][headline["metric"]]
    assert headline["low"] <= headline["high"]
    assert np.isfinite(list(evaluation["test"].values())).all()


def test_a_metric_that_nobody_knows_is_refused(model, train_rows, test_rows, schema):
    """A mistyped headline is told by its place in params.yaml."""
    params = read_params(PARAMS, "evaluate", Evaluate).model_copy(update={"headline": "f0"})
    with pytest.raises(UserError, match=r"evaluate\.headline"):
        evaluate(model, train_rows, test_rows, schema, params, {})

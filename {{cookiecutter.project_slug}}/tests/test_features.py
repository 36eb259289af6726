"""Columns → features."""

import numpy as np
from modelkeep_core.inputs import model_inputs


def test_features_have_a_row_for_each_row_and_leave_the_inputs_alone(model, test_rows, schema):
    """Neither a row nor a cell of the inputs is changed."""
    inputs = model_inputs(test_rows, schema)
    before = inputs.copy(deep=True)
    features = model[:-1].transform(inputs)
    assert len(features) == len(inputs)
    assert inputs.equals(before)
    assert not np.isinf(np.asarray(features, dtype=float)).any()


def test_features_of_a_row_do_not_depend_on_other_rows(model, test_rows, schema):
    """A row alone, as a request brings it, has the same features as among others."""
    inputs = model_inputs(test_rows, schema)
    whole, alone = model[:-1].transform(inputs), model[:-1].transform(inputs[:1])
    assert np.array_equal(whole[:1], alone, equal_nan=True)

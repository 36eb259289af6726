"""What a model says of plain rows is what it says of the table that they came from."""

from pandas.testing import assert_frame_equal

from modelkeep_core import model_file
from modelkeep_core.inputs import inputs_from_rows, model_inputs
from modelkeep_core.predictions import predict


def rows_of(frame, schema):
    """Return the features of a table as plain rows, None where a value is missing."""
    cells = frame[list(schema.features)].astype(object)
    return cells.where(cells.notna(), None).to_numpy().tolist()


def test_plain_rows_become_the_inputs_that_the_table_would(frame, classification):
    """Values, order, types and gaps are those of a table that was read from a file."""
    made = inputs_from_rows(rows_of(frame, classification), classification)
    assert_frame_equal(made, model_inputs(frame, classification))


def test_one_row_without_any_value_has_the_types_of_all_others(frame, classification):
    """A column that is missing in a whole request is still a number, or text."""
    made = inputs_from_rows([[None] * 4], classification)
    assert made.dtypes.tolist() == model_inputs(frame, classification).dtypes.tolist()


def test_a_classifier_says_classes_and_probabilities(run, frame, classification):
    """Each row has a probability for each class, and the prediction is one of them."""
    model = model_file.load(run.models / "model.skops")
    predicted = predict(model, model_inputs(frame, classification))
    assert predicted.probabilities.shape == (len(frame), 3)
    assert set(predicted.predictions) <= set(model.classes_)


def test_a_pipeline_says_what_it_says_by_itself(run, frame, classification):
    """Inputs are transformed once for both, and neither is another for it."""
    model = model_file.load(run.models / "model.skops")
    inputs = model_inputs(frame, classification)
    predicted = predict(model, inputs)
    assert predicted.predictions.tolist() == model.predict(inputs).tolist()
    assert predicted.probabilities.tolist() == model.predict_proba(inputs).tolist()


def test_a_regression_has_no_probabilities(regression_run, frame, regression):
    """There are numbers, and nothing else."""
    model = model_file.load(regression_run.models / "model.skops")
    predicted = predict(model, model_inputs(frame, regression))
    assert predicted.predictions.shape == (len(frame),)
    assert predicted.probabilities is None

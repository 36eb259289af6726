"""What is in package/ now: it predicts its example, and what you know of the world holds."""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from modelkeep_core.files import read_json
from modelkeep_core.inputs import model_inputs
from modelkeep_core.packaged import Packaged, open_package
from modelkeep_core.predictions import predict

# YOURS: what a person knows: so much more of a column, and not so much less, makes a class likelier
# or (None) the number larger.
DIRECTIONS = [("flipper_length_mm", 15, "Gentoo"), ("flipper_length_mm", 15, None)]


@pytest.fixture(scope="module")
def package() -> Packaged:
    """The packaged model."""
    if not (ROOT / "package").is_dir():
        pytest.skip("there is no package yet: dvc repro, or dvc pull")
    return open_package(ROOT / "package", trust_code=True)


@pytest.fixture(scope="module")
def example(package: Packaged) -> pd.DataFrame:
    """Its example, a row that is typical of the training rows."""
    return pd.DataFrame(read_json(ROOT / "package" / "example.json")["records"])


def test_the_package_predicts_its_example(package, example):
    """Here it predicts what it predicted where it was trained."""
    expected = read_json(ROOT / "package" / "example.json")["predictions"]
    predicted = package.model.predict(model_inputs(example, package.schema))
    if package.schema.task == "classification":
        assert predicted.tolist() == expected
    else:
        assert np.allclose(predicted, expected, rtol=1e-9)


def test_columns_that_are_no_features_do_not_matter(package, example):
    """Another column, and another order of the columns, change no prediction."""
    other = example[example.columns[::-1]].assign(no_feature=1)
    predicted = [package.model.predict(model_inputs(t, package.schema)) for t in (example, other)]
    assert np.array_equal(*predicted)


@pytest.mark.parametrize(("column", "more", "label"), DIRECTIONS)
def test_more_of_a_column_moves_the_prediction_the_right_way(package, example, column, more, label):
    """The model has learnt what a person knows."""
    classes = list(getattr(package.model, "classes_", [None]))
    if column not in package.schema.features or label not in classes:
        pytest.skip(f"this model does not predict {label or 'a number'} from {column}")
    both = pd.concat([example.assign(**{column: example[column] + d}) for d in (-more, more)])
    predicted = predict(package.model, model_inputs(both, package.schema))
    if label is None:
        low, high = predicted.predictions
    elif predicted.probabilities is None:
        pytest.skip("this model gives no probabilities")
    else:
        low, high = predicted.probabilities[:, classes.index(label)]
    assert low < high

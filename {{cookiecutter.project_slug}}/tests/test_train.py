"""data/prepared → models."""

import numpy as np
from conftest import ROOT
from modelkeep_core import model_file
from modelkeep_core.hooks import read_hooks
from modelkeep_core.inputs import model_inputs
from modelkeep_core.scoring import read_prepared

from pipeline.train import train


def test_the_model_predicts_what_it_was_taught(model, train_rows, test_rows, schema):
    """A class that it saw, or a number, for every row."""
    predicted = model.predict(model_inputs(test_rows, schema))
    assert len(predicted) == len(test_rows)
    if schema.task == "classification":
        assert set(predicted) <= set(train_rows[schema.target])
    else:
        assert np.isfinite(predicted).all()


def test_the_same_rows_give_the_same_model(
    fitted, train_rows, schema, params, prepared, tmp_path, monkeypatch
):
    """Trained again, it is the same file, byte for byte."""
    again = train(train_rows, schema, params, read_prepared(prepared, schema)).model
    monkeypatch.chdir(ROOT)
    trusted = read_hooks(ROOT).trusted
    files = [tmp_path / name / "model.skops" for name in ("first", "second")]
    for trained, path in zip((fitted, again), files, strict=True):
        model_file.save(trained, path, trusted)
    assert files[0].read_bytes() == files[1].read_bytes()

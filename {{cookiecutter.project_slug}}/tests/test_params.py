"""Every knob has a type, and a knob that nobody knows is refused."""

import pytest
from ruamel.yaml import YAML

from pipeline.params import read_params
from pipeline.refusal import Refusal


def read(tmp_path, params, stage="prepare", **changes):
    """Read params from YAML in which some knobs of a stage were changed."""
    content = params.model_dump()
    content[stage] |= changes
    path = tmp_path / "params.yaml"
    YAML().dump(content, path)
    return read_params(path)


def test_params_come_back_as_they_were_written(tmp_path, params):
    """Every knob of the file is read, and none is added."""
    assert read(tmp_path, params) == params


def test_an_estimator_has_a_section_of_its_name(tmp_path, params):
    """Keys of train that are no knobs of its own are sections of estimators."""
    found = read(tmp_path, params, "train", Ridge={"alpha": 2.0}, Lasso={})
    assert found.train.sections == {"Ridge": {"alpha": 2.0}, "Lasso": {}}


@pytest.mark.parametrize(
    ("stage", "knob", "value"),
    [
        ("prepare", "test_size", 0),
        ("prepare", "test_size", 1),
        ("prepare", "test_size", "a quarter"),
        ("prepare", "seed", -1),
        ("evaluate", "seed", 2**32),
        ("prepare", "seed", 1.5),
        ("prepare", "split", "stratified"),
        ("train", "seed", "seven"),
        ("train", "estimator", None),
        ("train", "LogisticRegression", None),
        ("train", "LogisticRegression", [1]),
        ("evaluate", "resamples", 0),
        ("evaluate", "confidence", 1),
        ("evaluate", "confidence", 95),
        ("evaluate", "importance_repeats", -1),
        ("package", "name", "My Model"),
        ("package", "name", "model-"),
        ("package", "limits", "one sentence"),
        ("promote", "allowed_loss", -0.1),
        ("promote", "allowed_loss", None),
        ("promote", "allowed_loss", "little"),
        ("promote", "thresholds", None),
        ("promote", "thresholds", ["macro_f1"]),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_knob(tmp_path, params, stage, knob, value):
    """The message names stage and knob, and repeats the value."""
    with pytest.raises(Refusal, match=rf"{stage}\.{knob}: ") as refused:
        read(tmp_path, params, stage, **{knob: value})
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize("knob", [{"folds": 1}, {"enabled": "maybe"}, {"grid": {"Ridge": [1]}}])
def test_a_search_that_cannot_be_made_is_refused(tmp_path, params, knob):
    """The knobs of the search are checked like all others."""
    search = params.train.search.model_dump() | knob
    with pytest.raises(Refusal, match=rf"train\.search\.{next(iter(knob))}"):
        read(tmp_path, params, "train", search=search)


@pytest.mark.parametrize(
    ("stage", "typed", "meant"),
    [
        ("prepare", "test_sise", "test_size"),
        ("evaluate", "headlin", "headline"),
        ("package", "limit", "limits"),
        ("promote", "treshold", "thresholds"),
    ],
)
def test_an_unknown_knob_is_refused_with_the_nearest(tmp_path, params, stage, typed, meant):
    """A misspelt knob, which would change nothing, is an error."""
    with pytest.raises(Refusal, match=rf"{stage}: unknown key '{typed}' \(did you mean '{meant}'"):
        read(tmp_path, params, stage, **{typed: 1})


@pytest.mark.parametrize("split", ["time", "group"])
def test_a_split_that_goes_by_a_column_needs_one(tmp_path, params, split):
    """A split by time or group says which column it goes by."""
    with pytest.raises(Refusal, match=f"prepare: split: {split} needs split_by"):
        read(tmp_path, params, split=split)
    assert read(tmp_path, params, split=split, split_by="when").prepare.split_by == "when"


def test_a_number_that_comes_as_text_is_a_number(tmp_path, params):
    """`dvc exp run -S prepare.test_size=1e-1` writes a text, which counts as its number."""
    assert read(tmp_path, params, test_size="1e-1").prepare.test_size == 0.1


def test_thresholds_are_numbers_by_the_name_of_a_metric(tmp_path, params):
    """Any number of them, none too; a number that comes as text is a number."""
    found = read(tmp_path, params, "promote", thresholds={"macro_f1": "8e-1", "log_loss": 1})
    assert found.promote.thresholds == {"macro_f1": 0.8, "log_loss": 1.0}
    assert read(tmp_path, params, "promote", thresholds={}).promote.thresholds == {}


@pytest.mark.parametrize("bound", ["high", None, [0.8]])
def test_a_threshold_that_is_no_number_is_refused_by_its_name(tmp_path, params, bound):
    """The message names the metric."""
    with pytest.raises(Refusal, match=r"promote\.thresholds\.macro_f1: "):
        read(tmp_path, params, "promote", thresholds={"macro_f1": bound})


def test_a_missing_section_is_refused(tmp_path, params):
    """Every stage has a section."""
    path = tmp_path / "params.yaml"
    content = params.model_dump()
    del content["evaluate"]
    YAML().dump(content, path)
    with pytest.raises(Refusal, match="evaluate: this key is missing"):
        read_params(path)


def test_faults_of_several_stages_are_told_together(tmp_path, params):
    """One reading finds what is wrong in every section."""
    params.train.seed = -1
    with pytest.raises(Refusal, match=r"(?s)prepare\.test_size.*train\.seed"):
        read(tmp_path, params, test_size=2)

"""Every parameter has a type, and a parameter that no stage has is refused."""

import pytest
from ruamel.yaml import YAML

from modelkeep_core.errors import UserError
from modelkeep_core.params import Evaluate, Package, Prepare, Train, read_params

SECTIONS = {"prepare": Prepare, "train": Train, "evaluate": Evaluate, "package": Package}


def read(tmp_path, params, stage="prepare", **changes):
    """Read a section of a params.yaml in which some of its parameters were changed."""
    content = params.model_dump()
    content[stage] |= changes
    path = tmp_path / "params.yaml"
    YAML().dump(content, path)
    return read_params(path, stage, SECTIONS[stage])


@pytest.mark.parametrize("stage", SECTIONS)
def test_params_come_back_as_they_were_written(tmp_path, params, stage):
    """Every parameter of a section is read, and none is added."""
    assert read(tmp_path, params, stage) == getattr(params, stage)


def test_an_estimator_has_a_section_of_its_name(tmp_path, params):
    """Keys of train that are no parameters of its own are sections of estimators."""
    train = read(tmp_path, params, "train", Ridge={"alpha": 2.0}, Lasso={})
    assert train.sections == {"Ridge": {"alpha": 2.0}, "Lasso": {}}


def test_a_project_may_have_parameters_of_its_own(tmp_path, params):
    """A class that extends a section reads what the project adds to it."""

    class OwnPrepare(Prepare):
        join_on: str

    content = params.model_dump()
    content["prepare"]["join_on"] = "id"
    YAML().dump(content, tmp_path / "params.yaml")
    assert read_params(tmp_path / "params.yaml", "prepare", OwnPrepare).join_on == "id"


@pytest.mark.parametrize(
    ("stage", "name", "value"),
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
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_name(tmp_path, params, stage, name, value):
    """The message names stage and parameter, and repeats the value."""
    with pytest.raises(UserError, match=rf"{stage}\.{name}: ") as refused:
        read(tmp_path, params, stage, **{name: value})
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": 1}, r"train\.search: folds: 1: it must be 2 or more, or 0"),
        ({"folds": 0, "method": "grid"}, r"train\.search: folds: 0: it must be 2 or more$"),
        ({"method": "maybe"}, r"train\.search\.method: "),
        ({"trials": 0}, r"train\.search\.trials: "),
        ({"trials": True}, r"train\.search\.trials: input should be a number, not True"),
        ({"batch": 0}, r"train\.search\.batch: "),
        ({"prune": "often"}, r"train\.search\.prune: "),
        ({"estimators": "Ridge"}, r"train\.search\.estimators: "),
        ({"ranges": {"Ridge": [1]}}, r"train\.search\.ranges\.Ridge: "),
        ({"ranges": {"Ridge": {"alpha": {"low": "a"}}}}, r"alpha\.low: .* a number, not 'a'$"),
        ({"ranges": {"Ridge": {"alpha": {"low": True}}}}, r"alpha\.low: .* a number, not True$"),
        ({"rangs": {}}, r"unknown key 'rangs' \(did you mean 'ranges'"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused(tmp_path, params, change, message):
    """The parameters of the search are checked like all others."""
    search = params.train.search.model_dump() | change
    with pytest.raises(UserError, match=message):
        read(tmp_path, params, "train", search=search)


def test_a_key_of_train_that_there_is_not_is_no_section(tmp_path, params):
    """Sections have the names of classes; the message does not ask for a section of another key."""
    with pytest.raises(UserError, match="train: unknown key 'storage'"):
        read(tmp_path, params, "train", storage="external")
    with pytest.raises(UserError, match=r"train\.memory: .* 'full' or 'external', not 'disk'"):
        read(tmp_path, params, "train", memory="disk")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"low": 1}, "this needs low and high, or choices"),
        ({}, "this needs low and high, or choices"),
        ({"low": 3, "high": 1}, "low: 3 must be below high: 1"),
        ({"low": 0, "high": float("inf")}, "low: 0 must be below"),
        ({"low": -1.7e308, "high": 1.7e308}, "low: .* and both must be finite"),
        ([0.1, 1.0], r"a range .* has low and high, or choices, .*, not \[0.1, 1.0\]"),
        (1, "a range of a parameter has low and high, or choices, .*, not 1"),
        ({"low": 0, "high": 1, "log": True}, "log: true needs low above 0, not 0"),
        ({"low": 0, "high": 1, "step": 2}, "step: 2 must be above 0 and fit"),
        ({"low": 1, "high": 9, "step": 2, "log": True}, "step: 2 .* without log"),
        ({"choices": []}, "choices: there are none"),
        ({"choices": [1], "low": 1}, "choices stand alone"),
        ({"hgih": 1, "low": 0}, "unknown key 'hgih' \\(did you mean 'high'"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused_by_its_name(tmp_path, params, values, message):
    """The message names estimator and parameter."""
    search = params.train.search.model_dump() | {"ranges": {"Ridge": {"alpha": values}}}
    where = r"train\.search\.ranges\.Ridge\.alpha: "
    with pytest.raises(UserError, match=where + message):
        read(tmp_path, params, "train", search=search)


@pytest.mark.parametrize(
    ("stage", "typed", "meant"),
    [
        ("prepare", "test_sise", "test_size"),
        ("evaluate", "headlin", "headline"),
        ("package", "limit", "limits"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest(tmp_path, params, stage, typed, meant):
    """A misspelt parameter, which would change nothing, is an error."""
    with pytest.raises(
        UserError, match=rf"{stage}: unknown key '{typed}' \(did you mean '{meant}'"
    ):
        read(tmp_path, params, stage, **{typed: 1})


@pytest.mark.parametrize("split", ["time", "group"])
def test_a_split_that_goes_by_a_column_needs_one(tmp_path, params, split):
    """A split by time or group says which column it goes by."""
    with pytest.raises(UserError, match=f"prepare: split: {split} needs split_by"):
        read(tmp_path, params, split=split)
    assert read(tmp_path, params, split=split, split_by="when").split_by == "when"


def test_a_number_that_comes_as_text_is_a_number(tmp_path, params):
    """`dvc exp run -S prepare.test_size=1e-1` writes a text, which counts as its number."""
    assert read(tmp_path, params, test_size="1e-1").test_size == 0.1


def test_a_missing_section_is_refused(tmp_path, params):
    """A stage without its section does not run."""
    path = tmp_path / "params.yaml"
    content = params.model_dump()
    del content["evaluate"]
    YAML().dump(content, path)
    with pytest.raises(UserError, match="evaluate: this section is missing"):
        read_params(path, "evaluate", Evaluate)


def test_what_other_sections_hold_does_not_matter(tmp_path, params):
    """A stage is not stopped by a mistake in the section of another one."""
    params.train.seed = -1
    assert read(tmp_path, params, "prepare") == params.prepare


def test_all_faults_of_a_section_are_told_together(tmp_path, params):
    """One reading finds everything that is wrong in a section."""
    with pytest.raises(UserError, match=r"(?s)prepare\.seed.*prepare\.test_size"):
        read(tmp_path, params, seed=-1, test_size=2)

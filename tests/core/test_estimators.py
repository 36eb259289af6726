"""Estimators are found by their names, and no wrong name or parameter passes silently."""

import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.estimators import build


def test_an_estimator_has_the_parameters_of_its_section():
    """What the section sets is set, and the rest has the estimator's defaults."""
    sections = {"RandomForestClassifier": {"max_depth": 3}, "LogisticRegression": {"C": 7}}
    built = build("RandomForestClassifier", sections, "classification", seed=4)
    assert type(built).__name__ == "RandomForestClassifier"
    assert (built.max_depth, built.n_estimators) == (3, 100)


def test_a_section_is_not_needed():
    """An estimator without a section is built with its defaults."""
    assert build("Ridge", {}, "regression", seed=4).alpha == 1.0


def test_the_seed_is_the_random_state():
    """Estimators that use chance get the seed of params.yaml."""
    assert build("RandomForestRegressor", {}, "regression", seed=4).random_state == 4


def test_a_random_state_of_the_section_wins():
    """A section may set the random state of its estimator."""
    sections = {"RandomForestRegressor": {"random_state": 9}}
    assert build("RandomForestRegressor", sections, "regression", seed=4).random_state == 9


def test_an_estimator_without_chance_needs_no_seed():
    """An estimator that has no random state can be built."""
    assert "random_state" not in build("GaussianNB", {}, "classification", seed=4).get_params()


def test_sections_are_not_modified():
    """Building leaves the sections as they were read."""
    sections = {"RandomForestRegressor": {"max_depth": 2}}
    build("RandomForestRegressor", sections, "regression", seed=4)
    assert sections == {"RandomForestRegressor": {"max_depth": 2}}


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("LogisticRegresion", "classification", r"classifier \(did you mean 'LogisticRegression'"),
        ("Ridge", "classification", r"Ridge: scikit-learn has no such classifier"),
        (
            "VotingRegressor",
            "classification",
            r"a regressor, and schema.yaml says task: classification .*'VotingClassifier'",
        ),
        ("LogisticRegression", "regression", r"scikit-learn has no such regressor"),
        ("StandardScaler", "classification", r"scikit-learn has no such classifier"),
        ("VotingClassifier", "classification", r"is built around another estimator"),
    ],
)
def test_an_estimator_that_cannot_be_had_is_refused(name, task, message):
    """The message names the parameter, the name and the nearest that exists for the task."""
    with pytest.raises(UserError, match=rf"params\.yaml: train\.estimator: {name}.*") as refused:
        build(name, {}, task, seed=4)
    refused.match(message)


@pytest.mark.parametrize(
    ("section", "meant"), [("RandomForestClasifier", "RandomForestClassifier"), ("serch", "search")]
)
def test_a_section_that_nothing_reads_is_refused(section, meant):
    """A misspelt section, of an estimator or of train itself, changes nothing and is an error."""
    with pytest.raises(UserError, match=rf"train\.{section}: .*did you mean '{meant}'"):
        build("LogisticRegression", {section: {}}, "classification", seed=4)


def test_a_parameter_that_does_not_exist_is_refused():
    """The message names the section, the parameter and the nearest that exists."""
    with pytest.raises(UserError, match=r"train\.Ridge: .*'alpa' \(did you mean 'alpha'\?\)"):
        build("Ridge", {"Ridge": {"alpa": 1}}, "regression", seed=4)

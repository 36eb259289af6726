"""A parameter that params.yaml tells as well is told once."""

from typing import Any

import pytest

from modelkeep.site.repeated import repeated

RIDGE = {"alpha": 1.0, "random_state": 7, "tol": 0.1}
GIVEN = {"seed": 7, "estimator": "Ridge", "Ridge": {"alpha": 1.0}}
STACKED = {
    "SVC": "SVC(random_state=7)",
    "SVC__C": 1.0,
    "SVC__random_state": 7,
    "cv": None,
    "estimators": [["SVC", "SVC(random_state=7)"]],
    "final_estimator": "LogisticRegression(C=0.1, random_state=8)",
    "final_estimator__C": 0.1,
    "final_estimator__random_state": 8,
}


def of(estimator: Any, parameters: Any, given: Any) -> list[str]:
    """Return what is repeated in the metadata of a model."""
    training = {"estimator": estimator, "parameters": parameters}
    return repeated({"training": training, "recipe": {"parameters": given}})


@pytest.mark.parametrize(
    "given",
    [
        {"train": GIVEN},
        {"train": GIVEN | {"estimator": "package.Ridge"}},
        {"prepare": {"seed": 1}, "sex/params.yaml": {"train": GIVEN}},
    ],
)
def test_what_params_yaml_says_is_repeated(given: dict[str, Any]) -> None:
    """By its own name, by a dotted one, and in the file of a second model."""
    assert of("Ridge", RIDGE, given) == ["estimator", "alpha", "random_state"]


def test_what_a_search_chose_is_not() -> None:
    """Another value, or another estimator."""
    assert of("Ridge", RIDGE | {"alpha": 9}, {"train": GIVEN}) == ["estimator", "random_state"]
    assert of("Lasso", RIDGE, {"train": GIVEN}) == ["random_state"]


def test_an_estimator_around_others_repeats_them() -> None:
    """Both the estimators inside it and what their sections give, however deep they are."""
    stacking = {"estimators": ["SVC"], "final_estimator": "LogisticRegression"}
    given = {
        "seed": 7,
        "estimator": "StackingClassifier",
        "LogisticRegression": {"C": 0.1},
        "StackingClassifier": stacking,
    }
    own = ["SVC__C", "cv", "final_estimator__random_state"]
    names = of("StackingClassifier", STACKED, {"train": given})
    assert names == ["estimator", *(name for name in STACKED if name not in own)]
    deep = {f"estimator__{name}": value for name, value in STACKED.items()}
    names = of("Bagging", {"estimator": "StackingClassifier(cv=None)"} | deep, {"train": given})
    assert {*deep} - {*names} == {f"estimator__{name}" for name in own}


@pytest.mark.parametrize("odd", [None, 3, "text", ["a"], {"train": 3}, {"train": {"Ridge": [1]}}])
def test_metadata_of_any_shape_are_read(odd: Any) -> None:
    """Whatever a repository says."""
    assert isinstance(of(odd, {"alpha": odd}, odd), list)
    assert isinstance(of(odd, odd, odd), list)

"""Packages of every released core are opened by the present one, and predict what they did then."""

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelkeep_core import __version__
from modelkeep_core.errors import UserError
from modelkeep_core.example import with_predictions
from modelkeep_core.fast_path import FastPath
from modelkeep_core.files import read_json
from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.packaged import Packaged, open_package
from modelkeep_core.predictions import Predictions, predict
from tools import golden

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = sorted(path.parent.relative_to(GOLDEN).as_posix() for path in GOLDEN.glob("*/*/package"))
# How near numbers are on another processor, whose linear algebra rounds otherwise
NEAR = 1e-9


def made_with(name: str) -> str:
    """Return the minor version of scikit-learn that a package was made with."""
    metadata = json.loads((GOLDEN / name / "package" / "model.json").read_text("utf-8"))
    return minor(metadata["libraries"]["scikit-learn"])


def minor(full: str) -> str:
    """Return the first two numbers of a version."""
    return ".".join(full.split(".")[:2])


HERE = minor(version("scikit-learn"))
OPEN = [name for name in NAMES if made_with(name) == HERE]


def opened(name: str) -> Packaged:
    """Open a golden package; Git vouches for it."""
    return open_package(GOLDEN / name / "package", trust_code=True)


def agree(predicted: Predictions, expected: dict[str, Any]) -> None:
    """Assert that predictions are the expected ones, to the last bit on the same processor."""
    exact = golden.exact(predicted)
    if expected["processor"] == golden.processor():
        assert exact["predictions"] == expected["predictions"]
        assert exact["probabilities"] == expected["probabilities"]
        return
    if predicted.predictions.dtype.kind == "f":
        np.testing.assert_allclose(
            numbers(exact["predictions"]), numbers(expected["predictions"]), NEAR
        )
    else:
        assert exact["predictions"] == expected["predictions"]
    assert (exact["probabilities"] is None) == (expected["probabilities"] is None)
    for row, then in zip(
        exact["probabilities"] or [], expected["probabilities"] or [], strict=True
    ):
        np.testing.assert_allclose(numbers(row), numbers(then), NEAR, NEAR)


def numbers(texts: Sequence[str]) -> list[float]:
    """Return numbers from their hexadecimal form."""
    return [float.fromhex(text) for text in texts]


@pytest.mark.parametrize("name", OPEN)
def test_a_golden_package_predicts_what_it_did(name: str) -> None:
    """Usual rows, missing values and values that were never seen: the same, bit for bit."""
    packaged = opened(name)
    expected = read_json(GOLDEN / name / "expected.json")
    agree(predict(packaged.model, inputs_from_rows(expected["rows"], packaged.schema)), expected)


@pytest.mark.parametrize("name", OPEN)
def test_a_golden_package_predicts_each_row_alone(name: str) -> None:
    """A row by itself gets what it got among the others, but for rounding."""
    packaged = opened(name)
    expected = read_json(GOLDEN / name / "expected.json")
    for number, row in enumerate(expected["rows"]):
        predicted = predict(packaged.model, inputs_from_rows([row], packaged.schema))
        then = expected["predictions"][number]
        if predicted.predictions.dtype.kind == "f":
            assert predicted.predictions[0] == pytest.approx(float.fromhex(then), rel=NEAR)
        else:
            assert predicted.predictions[0] == then


@pytest.mark.parametrize("name", OPEN)
def test_a_golden_package_explains_itself(name: str) -> None:
    """Its example is what it predicts, and a fast path that it says is exact still is."""
    packaged = opened(name)
    example = read_json(GOLDEN / name / "package" / "example.json")
    again = with_predictions(packaged.model, example["records"][0], packaged.schema)
    assert again["records"] == example["records"]
    if isinstance(example["predictions"][0], float):
        assert again["predictions"] == pytest.approx(example["predictions"], rel=NEAR)
    else:
        assert again["predictions"] == example["predictions"]
    if packaged.metadata["fast_path"]["exact"]:
        # Text for numbers is what the server reads, and rows without any value are refused there
        expected = read_json(GOLDEN / name / "expected.json")
        fast = FastPath(packaged.model, packaged.schema)
        slow = predict(packaged.model, inputs_from_rows(expected["rows"], packaged.schema))
        assert golden.exact(fast(expected["rows"])) == golden.exact(slow)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OPEN])
def test_a_package_of_another_scikit_learn_is_refused(name: str) -> None:
    """It says which version it needs, and where that is locked."""
    with pytest.raises(UserError, match=r"made with scikit-learn .*requirements\.lock"):
        opened(name)


def test_this_core_has_its_golden_packages() -> None:
    """Every family of tools/golden.py is there for this version and this scikit-learn."""
    assert [name for name in OPEN if name.startswith(f"{__version__}/")] == sorted(
        f"{__version__}/{name}" for name in golden.MODELS
    )


def test_a_package_with_code_needs_trust() -> None:
    """Without it nothing runs; with it the code comes from the package alone."""
    package = GOLDEN / __version__ / "project-code" / "package"
    with pytest.raises(UserError, match="golden_share"):
        open_package(package)
    opened(f"{__version__}/project-code")
    assert not {"golden_share", "golden_scale"} & {*sys.modules}


def test_golden_packages_are_small() -> None:
    """They are in Git for good: a version takes well under a megabyte."""
    for place in GOLDEN.iterdir():
        files = [path for path in place.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < 800_000

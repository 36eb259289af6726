"""A package answers only if it is whole, fits here, and predicts what it did in training."""

import json
import shutil
from dataclasses import replace

import pytest

from modelkeep.serving.records import Answered
from modelkeep.serving.served import load
from modelkeep_core import fast_path
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256, write_json


def test_a_package_that_was_made_here_is_ready(served, run):
    """It has name, recipe, classes and contract, and predicts its example as in training."""
    assert (served.name, served.version, served.classes) == (
        "made-up",
        "v1.2.0",
        ["high", "low", "mid"],
    )
    assert served.recipe_id == json.loads((run.package / "model.json").read_text())["recipe_id"]
    assert served.contract.features == ["size", "count", "member", "colour"]


def test_the_fast_path_answers_where_it_is_proven(served, monkeypatch, tampered, run):
    """Where the proof says that it differs, the pipeline itself answers."""
    assert isinstance(served.predict, fast_path.FastPath)
    metadata = json.loads((run.package / "model.json").read_text("utf-8"))
    metadata["fast_path"]["exact"] = False
    plain = load(tampered("model.json", json.dumps(metadata)))
    assert not isinstance(plain.predict, fast_path.FastPath)
    rows = [[10.5, 3, True, "red"]]
    assert plain.predict(rows).predictions.tolist() == served.predict(rows).predictions.tolist()


def test_a_regression_has_no_classes(served_regression):
    """Its answers are numbers."""
    assert served_regression.classes is None
    assert served_regression.predict([[10.5, 3, True, "red"]]).probabilities is None


@pytest.mark.parametrize("name", ["model.skops", "schema.yaml", "profile.json", "MODEL_CARD.md"])
def test_one_flipped_byte_is_refused(package_copy, name):
    """Every file is compared with the manifest."""
    content = bytearray((package_copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (package_copy / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} is not the file that was packaged"):
        load(package_copy)


@pytest.mark.parametrize("name", ["profile.json", "example.json", "MODEL_CARD.md"])
def test_a_package_without_what_a_server_needs_is_refused(tampered, name):
    """What the server needs is named, with what makes it."""
    with pytest.raises(UserError, match=f"has no {name}: make the package again with `dvc repro`"):
        load(tampered(name, None))


def test_another_schema_than_the_models_is_refused(tampered, run):
    """A schema that was exchanged together with its manifest does not load."""
    schema = (run.package / "schema.yaml").read_text("utf-8").replace("  size:", "  length:")
    with pytest.raises(UserError, match="not the schema that the model was trained with"):
        load(tampered("schema.yaml", schema))


@pytest.mark.parametrize(
    ("name", "version"), [("scikit-learn", "1.2.3"), ("numpy", "1.9.9"), ("pandas", "1.5.3")]
)
def test_another_library_than_in_training_is_refused(tampered, run, name, version):
    """The sentence names both versions and the lock that brings the right one."""
    metadata = json.loads((run.package / "model.json").read_text("utf-8"))
    metadata["libraries"] |= {"numpy": "2.0.0", "pandas": "3.0.0"}
    metadata["libraries"][name] = version
    with pytest.raises(UserError, match=rf"made with {name} {version}.*requirements.lock"):
        load(tampered("model.json", json.dumps(metadata)))


@pytest.mark.parametrize("change", [{"predictions": ["high"]}, {"probabilities": [[0, 0, 1]]}])
def test_an_example_with_other_predictions_is_refused(tampered, run, change):
    """A model that does not predict what it did in training never gets a request."""
    example = json.loads((run.package / "example.json").read_text("utf-8")) | change
    with pytest.raises(UserError, match="for its example, the model predicts"):
        load(tampered("example.json", json.dumps(example)))


def test_an_example_of_a_regression_is_tried_too(regression_run, tmp_path):
    """A number that differs by more than rounding is another answer."""
    package = shutil.copytree(regression_run.package, tmp_path / "package")
    for factor, refused in ((1 + 1e-12, False), (1 + 1e-6, True)):
        example = read_json(regression_run.package / "example.json")
        example["predictions"] = [example["predictions"][0] * factor]
        write_json(package / "example.json", example)
        manifest = read_json(package / "manifest.json")
        manifest["files"]["example.json"] = sha256(package / "example.json")
        write_json(package / "manifest.json", manifest)
        if refused:
            with pytest.raises(UserError, match="for its example, the model predicts"):
                load(package)
        else:
            load(package)


def test_categories_that_no_training_row_had_are_told(served):
    """An answer names them with their rows; one without any is as it always was."""
    served = replace(served, learned={"colour": frozenset({"red"})})
    rows = [[1.0, 1, True, "red"], [1.0, 1, True, None], [1.0, 1, True, "blue"]]
    strange = served.unseen(rows)
    answered = Answered("1", "r", "", None, {"predictions": ["low"] * 3}, strange)
    assert answered.notes == {
        "warnings": ["'colour': 1 of 2 values were in no training row, such as 'blue'."],
        "unseen": {"colour": [2]},
    }
    assert Answered("1", "r", "", None, {}, served.unseen(rows[:2])).notes == {}


def test_a_model_knows_what_it_has_learned(served):
    """As soon as it is loaded."""
    assert served.learned == {"colour": {"red", "green", "blue"}}

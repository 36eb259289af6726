"""A package answers only if it is whole, fits here, and says what it said in training."""

import json

import pytest

from pipeline import fast_path
from pipeline.refusal import Refusal
from serving import live as module
from serving.live import load


def test_a_package_that_was_made_here_is_ready(live, run):
    """It has name, recipe, classes and contract, and answers its example as in training."""
    assert (live.name, live.version, live.classes) == ("made-up", "v1.2.0", ["high", "low", "mid"])
    assert live.recipe_id == json.loads((run.package / "model.json").read_text())["recipe_id"]
    assert live.contract.features == ["size", "count", "member", "colour"]


def test_the_fast_path_answers_where_it_is_proven(live, monkeypatch, tampered, run):
    """Where the proof says that it differs, the pipeline itself answers."""
    assert isinstance(live.answer, fast_path.FastPath)
    metadata = json.loads((run.package / "model.json").read_text("utf-8"))
    metadata["fast_path"]["exact"] = False
    plain = load(tampered("model.json", json.dumps(metadata)))
    assert not isinstance(plain.answer, fast_path.FastPath)
    rows = [[10.5, 3, True, "red"]]
    assert plain.answer(rows).predictions.tolist() == live.answer(rows).predictions.tolist()


def test_a_regression_has_no_classes(live_regression):
    """Its answers are numbers."""
    assert live_regression.classes is None
    assert live_regression.answer([[10.5, 3, True, "red"]]).probabilities is None


@pytest.mark.parametrize("name", ["model.skops", "schema.yaml", "profile.json", "MODEL_CARD.md"])
def test_one_flipped_byte_is_refused(package_copy, name):
    """Every file is held against the manifest."""
    content = bytearray((package_copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (package_copy / name).write_bytes(content)
    with pytest.raises(Refusal, match=f"{name} is not the file that was packaged"):
        load(package_copy)


@pytest.mark.parametrize("name", ["profile.json", "example.json", "MODEL_CARD.md"])
def test_a_package_of_an_older_line_is_refused(tampered, name):
    """What the server needs is named, with what makes it."""
    with pytest.raises(Refusal, match=f"has no {name}: make the package again with `dvc repro`"):
        load(tampered(name, None))


def test_another_schema_than_the_models_is_refused(tampered, run):
    """A schema that was exchanged together with its manifest does not load."""
    schema = (run.package / "schema.yaml").read_text("utf-8").replace("  size:", "  length:")
    with pytest.raises(Refusal, match="not the schema that the model was trained with"):
        load(tampered("schema.yaml", schema))


@pytest.mark.parametrize(
    ("name", "version"), [("scikit-learn", "1.2.3"), ("numpy", "1.9.9"), ("pandas", "1.5.3")]
)
def test_another_library_than_in_training_is_refused(tampered, run, name, version):
    """The sentence names both versions and the lock that brings the right one."""
    metadata = json.loads((run.package / "model.json").read_text("utf-8"))
    metadata["libraries"] |= {"numpy": "2.0.0", "pandas": "3.0.0"}
    metadata["libraries"][name] = version
    with pytest.raises(Refusal, match=rf"made with {name} {version}.*requirements.lock"):
        load(tampered("model.json", json.dumps(metadata)))


@pytest.mark.parametrize("change", [{"predictions": ["high"]}, {"probabilities": [[0, 0, 1]]}])
def test_an_example_that_is_answered_differently_is_refused(tampered, run, change):
    """A model that does not say what it said in training never gets a request."""
    example = json.loads((run.package / "example.json").read_text("utf-8")) | change
    with pytest.raises(Refusal, match="answers its example with"):
        load(tampered("example.json", json.dumps(example)))


def test_an_example_of_a_regression_is_tried_too(live_regression, monkeypatch):
    """A number that differs by more than rounding is another answer."""
    said = live_regression.example["predictions"]
    module._try_example(live_regression)
    monkeypatch.setitem(live_regression.example, "predictions", [said[0] * (1 + 1e-6)])
    with pytest.raises(Refusal, match="answers its example"):
        module._try_example(live_regression)

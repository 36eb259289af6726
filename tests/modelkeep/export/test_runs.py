"""A version is described in the words and within the limits of MLflow."""

import math

import pytest

from modelkeep.export import runs
from modelkeep.export.runs import described, registered_name


@pytest.fixture
def about(numbered):
    """The description of the strong version."""
    with numbered.catalogue() as catalogue:
        (version,) = (v for v in catalogue.registered("made-up") if v.label == "v1.1.0")
        return described(catalogue, version), version, catalogue.records.of(version)


def test_a_run_says_what_the_version_was_made_from(about):
    """Recipe, commit, data and tag are there by name, and MLflow shows commit and author."""
    run, version, metadata = about
    assert run.tags["modelkeep.recipe_id"] == metadata["recipe_id"]
    assert run.tags["modelkeep.tag_id"] == version.event.oid
    assert run.tags["mlflow.source.git.commit"] == version.commit
    assert run.tags["mlflow.user"] == "Ada"
    for path, digest in metadata["recipe"]["data"].items():
        assert run.tags[f"modelkeep.data.{path}"] == digest
    assert run.identity.items() <= run.tags.items()
    assert run.milliseconds == version.event.when.timestamp() * 1000


def test_a_run_has_the_parameters_and_the_finite_metrics(about):
    """Parameters are texts under dotted names; what is no finite number is no metric."""
    run, _, metadata = about
    assert run.params["estimator"] == metadata["training"]["estimator"]
    assert run.params["train.seed"] == str(metadata["recipe"]["parameters"]["train"]["seed"])
    assert run.metrics["test.macro_f1"] == metadata["metrics"]["test"]["macro_f1"]
    assert run.metrics["headline.low"] == metadata["metrics"]["headline"]["low"]
    assert all(math.isfinite(value) for value in run.metrics.values())


def test_what_mlflow_does_not_take_is_made_to_fit(numbered, monkeypatch):
    """Other characters of a name become "_", and long texts are cut, not refused."""
    with numbered.catalogue() as catalogue:
        (version, *_) = catalogue.registered("made-up")
        metadata = catalogue.records.of(version)
        metadata["metrics"]["test"] = {"größe{}": 0.5, "log_loss": math.inf, "none": None}
        metadata["recipe"]["parameters"] = {"train": {"note": "x" * 10_000, "y" * 400: 1}}
        monkeypatch.setattr(catalogue.records, "of", lambda version: metadata)
        run = described(catalogue, version)
    assert run.metrics["test.gr__e__"] == 0.5
    assert not {"test.log_loss", "test.none"} & run.metrics.keys()
    assert len(run.params["train.note"]) == runs.PARAM
    assert max(map(len, run.params)) == runs.KEY


@pytest.mark.parametrize(
    ("model", "wanted"),
    [("model", "team-model"), ("models/price:model", "team-models.price.model")],
)
def test_a_model_has_a_name_that_mlflow_takes(model, wanted):
    """Neither "/" nor ":" is in it."""
    assert registered_name(model, "team-") == wanted

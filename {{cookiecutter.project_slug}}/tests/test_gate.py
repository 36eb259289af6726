"""Versions are held against thresholds and against each other, on the same rows."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import made_params

from pipeline.metrics import METRICS, Outcome, paired_interval
from pipeline.refusal import Refusal
from registry import gate
from registry.gate import verdict
from registry.tags import Event
from registry.version import Version

TRUTH = np.array([0, 0, 0, 1, 1, 1, 1, 1])


def version(number):
    """Return a version that is a number and nothing else."""
    event = Event("", "", "made-up", number, None, False, 0, "0" * 40, "", "", None, "")
    return Version("made-up", "0" * 40, event)


def classes(wrong, probabilities=True):
    """Return what a classification says that is wrong on this many of its 8 rows."""
    said = TRUTH.copy()
    said[:wrong] = 1 - said[:wrong]
    shares = np.column_stack([1 - 0.8 * said, 0.8 * said]) + np.array([-0.1, 0.1])
    return (
        "classification",
        "label",
        Outcome(TRUTH, said, shares if probabilities else None, (0, 1)),
    )


def numbers(error):
    """Return what a regression says that is off by so much on every row."""
    truth = TRUTH * 10.0
    return "regression", "price", Outcome(truth, truth + error, None, ())


@pytest.fixture
def judged():
    """Return a function that judges one outcome against another, with these knobs."""

    def judged(candidate, live=None, headline="accuracy", thresholds=None, allowed_loss=0.0):
        params = made_params("Ridge", headline)
        params.promote.thresholds = thresholds or {}
        params.promote.allowed_loss = allowed_loss
        return verdict(params, candidate, live, version("v2.0.0"), live and version("v1.0.0"))

    return judged


# Thresholds


def test_without_thresholds_and_in_an_empty_stage_everything_passes(judged):
    """There is nothing to compare with, and the verdict says so."""
    found = judged(classes(wrong=8))
    assert found.passed
    assert (
        found.table == "v2.0.0 on the 8 test rows of HEAD: no thresholds, and the stage is empty."
    )


@pytest.mark.parametrize(
    ("bound", "passed", "word"),
    [(0.7, True, "passes"), (0.75, True, "passes"), (0.76, False, "fails")],
)
def test_a_metric_that_is_to_be_high_needs_its_bound_at_least(judged, bound, passed, word):
    """Six of eight rows right are an accuracy of 0.75."""
    found = judged(classes(wrong=2), thresholds={"accuracy": bound})
    assert found.passed is passed
    title, header, row = found.table.splitlines()
    assert title == "v2.0.0 on the 8 test rows of HEAD:"
    assert header.split() == ["WANTED", "FOUND"]
    assert row.split() == ["accuracy", "at", "least", str(bound), "0.75", word]


@pytest.mark.parametrize(
    ("bound", "passed", "word"), [(1.9, False, "fails"), (2, True, "passes"), (2.1, True, "passes")]
)
def test_a_metric_that_is_to_be_low_needs_its_bound_at_most(judged, bound, passed, word):
    """An error of 2 everywhere is a root mean squared error of 2."""
    found = judged(numbers(error=2), headline="rmse", thresholds={"rmse": bound})
    assert found.passed is passed
    assert found.table.splitlines()[2].split() == ["rmse", "at", "most", str(bound), "2", word]


@pytest.mark.parametrize("bounds", [(0.7, 0.99), (0.99, 0.7)])
def test_every_threshold_has_to_be_reached(judged, bounds):
    """One that fails is enough, wherever it stands."""
    names = ("accuracy", "balanced_accuracy")
    found = judged(classes(wrong=1), thresholds=dict(zip(names, bounds, strict=True)))
    assert not found.passed
    assert found.table.count("passes") == found.table.count("fails") == 1


def test_a_threshold_counts_also_for_what_is_better_than_live(judged):
    """The best so far may still not be good enough."""
    found = judged(classes(wrong=2), classes(wrong=4), thresholds={"accuracy": 0.8})
    assert not found.passed
    assert [line.split()[-1] for line in found.table.splitlines()[2:]] == ["fails", "passes"]


def test_an_unknown_metric_is_refused_with_the_nearest(judged):
    """The message names the knob and the metrics that there are."""
    with pytest.raises(Refusal) as refused:
        judged(classes(wrong=1), thresholds={"acuracy": 0.5})
    assert str(refused.value).startswith(
        "params.yaml: promote.thresholds: classification has no metric 'acuracy' (did you mean "
        "'accuracy'?); it has accuracy, "
    )


def test_a_metric_that_the_model_cannot_have_is_refused(judged):
    """Without probabilities there is no log loss to hold against a threshold."""
    with pytest.raises(Refusal, match=r"promote\.thresholds: log_loss needs probabilities"):
        judged(classes(wrong=1, probabilities=False), thresholds={"log_loss": 0.5})


# What is live


@pytest.mark.parametrize(
    ("wrong", "live", "loss", "passed", "found"),
    [
        (1, 2, 0.0, True, "+0.125"),
        (2, 2, 0.0, True, "0"),
        (3, 2, 0.0, False, "-0.125"),
        (3, 2, 0.125, True, "-0.125"),
        (3, 2, 0.12, False, "-0.125"),
    ],
)
def test_a_version_must_not_be_worse_than_what_is_live(judged, wrong, live, loss, passed, found):
    """As good is good enough, and so is what is worse by no more than is allowed."""
    judgement = judged(classes(wrong), classes(live), allowed_loss=loss)
    row = judgement.table.splitlines()[2]
    assert judgement.passed is passed
    name, wanted, difference, *_, word = re.split("  +", row)
    assert name == "accuracy: v2.0.0 - v1.0.0"
    assert wanted == f"at least {-loss or 0:g}"
    assert difference.startswith(f"{found} (")
    assert word == ("passes" if passed else "fails")


@pytest.mark.parametrize(
    ("error", "live", "loss", "passed", "found"),
    [
        (1, 2, 0.0, True, "-1"),
        (2, 2, 0.0, True, "0"),
        (3, 2, 0.0, False, "+1"),
        (3, 2, 1.0, True, "+1"),
        (3, 2, 0.9, False, "+1"),
    ],
)
def test_where_lower_is_better_the_error_must_not_grow(judged, error, live, loss, passed, found):
    """An error that is smaller than that of what is live is better."""
    judgement = judged(numbers(error), numbers(live), headline="rmse", allowed_loss=loss)
    row = judgement.table.splitlines()[2]
    assert judgement.passed is passed
    assert re.split("  +", row)[:2] == ["rmse: v2.0.0 - v1.0.0", f"at most {loss:g}"]
    assert re.split("  +", row)[2].startswith(f"{found} (")


def test_the_interval_is_of_the_difference_on_the_same_resampled_rows(judged):
    """It is the paired bootstrap interval with the knobs of evaluate."""
    one, other = classes(wrong=1), classes(wrong=4)
    accuracy = METRICS["classification"]["accuracy"]
    low, high = paired_interval(accuracy, one[2], other[2], resamples=10, confidence=0.9, seed=1)
    table = judged(one, other).table
    assert f"+0.375 ({low:+.4g} to {high:+.4g})" in table
    assert low < high


def test_a_headline_that_what_is_live_cannot_have_is_refused(judged):
    """A live model without probabilities is not compared by them."""
    with pytest.raises(Refusal, match="log_loss needs probabilities"):
        judged(classes(1), classes(1, probabilities=False), headline="log_loss")


@pytest.mark.parametrize("target", ["label", "size"])
def test_models_of_other_things_are_not_compared(judged, target):
    """What predicts something else is neither better nor worse."""
    task, _, outcome = numbers(1) if target == "label" else classes(1)
    with pytest.raises(
        Refusal, match=rf"v2\.0\.0 is a classification of label, v1\.0\.0 a {task} of {target}"
    ):
        judged(classes(1), (task, target, outcome))


# From a repository to outcomes


def at(project, revision):
    """Return the model of a commit."""
    return Version("made-up", project.id(revision))


def test_the_rows_are_those_of_the_commit(project, tmp_path):
    """They come from what DVC keeps, whatever lies in the work tree."""
    shutil.rmtree("prepared")
    for revision, name in (("main", "now"), ("weak", "then")):
        with project.catalogue() as catalogue:
            gate.put_test_data(catalogue, at(project, revision), tmp_path / name)
        wanted = project.stored(project.objects(revision)["prepared/test.parquet"])
        assert (tmp_path / name).read_bytes() == wanted.read_bytes()
    assert (tmp_path / "now").read_bytes() != (tmp_path / "then").read_bytes()


def test_a_file_of_the_same_name_among_the_data_is_not_taken_for_the_rows(project, tmp_path):
    """The rows are what the package was made from, not what somebody calls a test."""
    Path("raw/test.parquet").write_bytes(b"other")
    project.record()
    project.commit()
    with project.catalogue() as catalogue:
        gate.put_test_data(catalogue, at(project, "main"), tmp_path / "rows")
    assert (tmp_path / "rows").read_bytes() == Path("prepared/test.parquet").read_bytes()


def test_rows_that_are_nowhere_are_refused(project, tmp_path):
    """Without the object there is nothing to score on, and the file is named."""
    name = project.objects()["prepared/test.parquet"]
    project.stored(name).unlink()
    project.cached(name).unlink()
    with project.catalogue() as catalogue, pytest.raises(Refusal, match=r"prepared/test\.parquet"):
        gate.put_test_data(catalogue, at(project, "main"), tmp_path / "rows")


def test_a_line_that_makes_no_test_rows_is_refused(project, tmp_path):
    """The message says which commit it is about."""
    Path("prepared/test.parquet").rename("prepared/rows.parquet")
    project.record()
    commit = project.commit()
    with (
        project.catalogue() as catalogue,
        pytest.raises(Refusal, match=rf"the line of commit {commit[:7]} makes no test\.parquet"),
    ):
        gate.put_test_data(catalogue, at(project, "main"), tmp_path / "rows")


def test_params_are_those_of_the_commit(project, tmp_path):
    """What is not committed does not change a verdict."""
    project.change_params("promote", allowed_loss=0.5)
    Path("params.yaml").unlink()
    with project.catalogue() as catalogue:
        found = gate.read_params_of(catalogue, at(project, "main"), tmp_path)
    assert found.promote.allowed_loss == 0.5


def test_a_commit_without_params_is_refused(project, tmp_path):
    """The gate has no thresholds then, which is not the same as none."""
    Path("params.yaml").unlink()
    commit = project.commit()
    with (
        project.catalogue() as catalogue,
        pytest.raises(Refusal, match=rf"commit {commit[:7]} has no params\.yaml"),
    ):
        gate.read_params_of(catalogue, at(project, "main"), tmp_path)


def test_params_that_cannot_be_used_are_refused_by_their_name(project, tmp_path):
    """The message names the file as it is called in the project, not a copy of it."""
    project.change_params("promote", allowed_loss=-1)
    with project.catalogue() as catalogue, pytest.raises(Refusal) as refused:
        gate.read_params_of(catalogue, at(project, "main"), tmp_path)
    why = "params.yaml cannot be used:\n  promote.allowed_loss: "
    assert str(refused.value).startswith(why)


def test_an_outcome_is_what_the_packaged_model_says(run):
    """Truth and prediction stand beside each other, with task and target."""
    rows = pd.read_parquet(run.prepared / "test.parquet")
    task, target, outcome = gate.scored(
        run.package, run.prepared / "test.parquet", version("v1.0.0")
    )
    assert (task, target) == ("classification", "label")
    assert [outcome.classes[place] for place in outcome.truth] == rows["label"].tolist()
    assert len(outcome.predicted) == len(rows)


def test_a_regression_is_scored_as_well(regression_run):
    """Its truth are the numbers of the target."""
    test = regression_run.prepared / "test.parquet"
    task, target, outcome = gate.scored(regression_run.package, test, version("v1.0.0"))
    assert (task, target) == ("regression", "price")
    assert outcome.truth.tolist() == pd.read_parquet(test)["price"].tolist()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows.drop(columns=["colour", "size"]), "they have no column 'colour'"),
        (lambda rows: rows.drop(columns="label"), "they have no column 'label'"),
        (lambda rows: rows.assign(label="huge"), "class 'huge' is in the test rows"),
        (lambda rows: rows.assign(count="many"), "could not convert string to float: 'many'"),
    ],
)
def test_rows_that_a_version_cannot_read_are_refused(run, tmp_path, change, why):
    """The message names the version and what its model wants."""
    change(pd.read_parquet(run.prepared / "test.parquet")).to_parquet(tmp_path / "rows")
    with pytest.raises(
        Refusal, match=rf"v1\.0\.0 cannot be scored on the current test rows: {why}"
    ):
        gate.scored(run.package, tmp_path / "rows", version("v1.0.0"))


def test_a_package_that_does_not_open_here_is_refused(package_copy, run):
    """Another scikit-learn could answer otherwise: the reason is that of opening a package."""
    (package_copy / "model.skops").write_bytes(b"")
    with pytest.raises(Refusal, match=r"cannot be scored on the current test rows: .*model\.skops"):
        gate.scored(package_copy, run.prepared / "test.parquet", version("v1.0.0"))


def test_nothing_of_the_judgement_is_left(project, tmp_path):
    """Packages and rows lie in a directory that goes away."""
    project.tag("made-up@v1.0.0", "weak")
    before = [*tmp_path.rglob("*")]
    with project.catalogue() as catalogue:
        gate.judge(catalogue, at(project, "weak"), at(project, "strong"))
    assert [*tmp_path.rglob("*")] == before

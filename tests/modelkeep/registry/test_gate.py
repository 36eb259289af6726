"""Versions are compared with thresholds and with each other, on the same rows."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from modelkeep.registry import gate
from modelkeep.registry.gate import Incomparable, Scored, verdict
from modelkeep.registry.gate_settings import Bounds, Evaluated, read_bounds, read_evaluated
from modelkeep.registry.tags import Event
from modelkeep.registry.tested_on import put_test_rows
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.files import write_json
from modelkeep_core.metrics import METRICS, Metric, ScoredRows, paired_interval
from project import dvc

TRUTH = np.array([0, 0, 0, 1, 1, 1, 1, 1])


def version(number):
    """Return a version that is a number and nothing else."""
    event = Event("", "", "made-up", number, None, False, 0, "0" * 40, "", "", None, "")
    return Version("made-up", "0" * 40, event)


def classes(wrong, probabilities=True):
    """Return what a classification predicts that is wrong on this many of its 8 rows."""
    predicted = TRUTH.copy()
    predicted[:wrong] = 1 - predicted[:wrong]
    shares = np.column_stack([1 - 0.8 * predicted, 0.8 * predicted]) + np.array([-0.1, 0.1])
    return (
        "classification",
        "label",
        ScoredRows(TRUTH, predicted, shares if probabilities else None, (0, 1)),
    )


def numbers(error):
    """Return what a regression predicts that is off by so much on every row."""
    truth = TRUTH * 10.0
    return "regression", "price", ScoredRows(truth, truth + error, None, ())


@pytest.fixture
def judged():
    """Return a function that judges some predictions against others, with these bounds."""

    def judged(
        candidate,
        assigned=None,
        headline="accuracy",
        thresholds=None,
        allowed_loss=0.0,
        own=None,
        severity=None,
        findings=(),
    ):
        bounds = Bounds(thresholds=thresholds or {}, allowed_loss=allowed_loss, findings=severity)
        evaluated = Evaluated(
            headline=headline, seed=1, resamples=10, confidence=0.9, findings=findings
        )
        scores = [Scored(version("v2.0.0"), *candidate, own or {})]
        scores += [Scored(version("v1.0.0"), *assigned)] if assigned else []
        return verdict(bounds, evaluated, *scores)

    return judged


# Thresholds


def test_without_thresholds_and_in_an_empty_stage_everything_passes(judged):
    """There is nothing to compare with, and the verdict says so."""
    judgement = judged(classes(wrong=8))
    assert judgement.passed
    assert (
        judgement.table
        == "v2.0.0 on the 8 test rows of HEAD: no thresholds, and the stage is empty."
    )


@pytest.mark.parametrize(
    ("bound", "passed", "word"),
    [(0.7, True, "passes"), (0.75, True, "passes"), (0.76, False, "fails")],
)
def test_a_metric_that_is_to_be_high_needs_its_bound_at_least(judged, bound, passed, word):
    """Six of eight rows right are an accuracy of 0.75."""
    judgement = judged(classes(wrong=2), thresholds={"accuracy": bound})
    assert judgement.passed is passed
    title, header, row = judgement.table.splitlines()
    assert title == "v2.0.0 on the 8 test rows of HEAD:"
    assert header.split() == ["WANTED", "FOUND"]
    assert row.split() == ["accuracy", "at", "least", str(bound), "0.75", word]


@pytest.mark.parametrize(
    ("bound", "passed", "word"), [(1.9, False, "fails"), (2, True, "passes"), (2.1, True, "passes")]
)
def test_a_metric_that_is_to_be_low_needs_its_bound_at_most(judged, bound, passed, word):
    """An error of 2 everywhere is a root mean squared error of 2."""
    judgement = judged(numbers(error=2), headline="rmse", thresholds={"rmse": bound})
    assert judgement.passed is passed
    assert judgement.table.splitlines()[2].split() == ["rmse", "at", "most", str(bound), "2", word]


@pytest.mark.parametrize("bounds", [(0.7, 0.99), (0.99, 0.7)])
def test_every_threshold_has_to_be_reached(judged, bounds):
    """One that fails is enough, wherever it stands."""
    names = ("accuracy", "balanced_accuracy")
    judgement = judged(classes(wrong=1), thresholds=dict(zip(names, bounds, strict=True)))
    assert not judgement.passed
    assert judgement.table.count("passes") == judgement.table.count("fails") == 1


def test_a_threshold_counts_also_for_what_is_better_than_the_stage(judged):
    """The best so far may still not be good enough."""
    judgement = judged(classes(wrong=2), classes(wrong=4), thresholds={"accuracy": 0.8})
    assert not judgement.passed
    assert [line.split()[-1] for line in judgement.table.splitlines()[2:]] == ["fails", "passes"]


def test_a_metric_of_ones_own_decides_like_any_other(judged):
    """The candidate's own metric is its threshold and scores both versions."""
    own = {"cost": Metric(lambda o: 5 * (o.actual != o.predicted).mean(), False, False, "mine")}
    judgement = judged(
        *(classes(wrong=1), classes(wrong=2)),
        headline="cost",
        thresholds={"cost": 0.7},
        own=own,
    )
    assert judgement.passed
    assert judgement.table.splitlines()[2].split() == [
        *("cost", "at", "most", "0.7", "0.625", "passes")
    ]
    assert "cost: v2.0.0 - v1.0.0" in judgement.table


def test_an_unknown_metric_is_refused_with_the_nearest(judged):
    """The message names the parameter and the metrics that there are."""
    with pytest.raises(UserError) as refused:
        judged(classes(wrong=1), thresholds={"acuracy": 0.5})
    assert str(refused.value).startswith(
        "params.yaml: promote.thresholds: classification has no metric 'acuracy' (did you mean "
        "'accuracy'?); it has accuracy, "
    )


def test_a_metric_that_the_model_cannot_have_is_refused(judged):
    """Without probabilities there is no log loss to hold against a threshold."""
    with pytest.raises(UserError, match=r"promote\.thresholds: log_loss needs probabilities"):
        judged(classes(wrong=1, probabilities=False), thresholds={"log_loss": 0.5})


# What is in the stage


@pytest.mark.parametrize(
    ("wrong", "assigned", "loss", "passed", "shown"),
    [
        (1, 2, 0.0, True, "+0.125"),
        (2, 2, 0.0, True, "0"),
        (3, 2, 0.0, False, "-0.125"),
        (3, 2, 0.125, True, "-0.125"),
        (3, 2, 0.12, False, "-0.125"),
    ],
)
def test_a_version_must_not_be_worse_than_what_is_in_the_stage(
    judged, wrong, assigned, loss, passed, shown
):
    """As good is good enough, and so is what is worse by no more than is allowed."""
    judgement = judged(classes(wrong), classes(assigned), allowed_loss=loss)
    row = judgement.table.splitlines()[2]
    assert judgement.passed is passed
    name, wanted, difference, *_, word = re.split("  +", row)
    assert name == "accuracy: v2.0.0 - v1.0.0"
    assert wanted == f"at least {-loss or 0:g}"
    assert difference.startswith(f"{shown} (")
    assert word == ("passes" if passed else "fails")


@pytest.mark.parametrize(
    ("error", "assigned", "loss", "passed", "shown"),
    [
        (1, 2, 0.0, True, "-1"),
        (2, 2, 0.0, True, "0"),
        (3, 2, 0.0, False, "+1"),
        (3, 2, 1.0, True, "+1"),
        (3, 2, 0.9, False, "+1"),
    ],
)
def test_where_lower_is_better_the_error_must_not_grow(
    judged, error, assigned, loss, passed, shown
):
    """An error that is smaller than that of what is in the stage is better."""
    judgement = judged(numbers(error), numbers(assigned), headline="rmse", allowed_loss=loss)
    row = judgement.table.splitlines()[2]
    assert judgement.passed is passed
    assert re.split("  +", row)[:2] == ["rmse: v2.0.0 - v1.0.0", f"at most {loss:g}"]
    assert re.split("  +", row)[2].startswith(f"{shown} (")


def test_the_interval_is_of_the_difference_on_the_same_resampled_rows(judged):
    """It is the paired bootstrap interval with the settings of the evaluation."""
    new, old = classes(wrong=1), classes(wrong=4)
    accuracy = METRICS["classification"]["accuracy"]
    low, high = paired_interval(accuracy, new[2], old[2], resamples=10, confidence=0.9, seed=1)
    table = judged(new, old).table
    assert f"+0.375 ({low:+.4g} to {high:+.4g})" in table
    assert low < high


def test_a_headline_that_the_version_in_the_stage_cannot_have_is_refused(judged):
    """Without probabilities it is not compared by them; the message says whose headline it is."""
    with pytest.raises(UserError, match=r"the headline of v2\.0\.0: log_loss needs probabilities"):
        judged(classes(1), classes(1, probabilities=False), headline="log_loss")


@pytest.mark.parametrize("target", ["label", "size"])
def test_models_of_other_things_are_not_compared(judged, target):
    """What predicts something else is neither better nor worse."""
    task, _, tested = numbers(1) if target == "label" else classes(1)
    with pytest.raises(
        Incomparable, match=rf"v2\.0\.0 is a classification of label, v1\.0\.0 a {task} of {target}"
    ):
        judged(classes(1), (task, target, tested))


# Findings


@pytest.mark.parametrize(
    ("severity", "passed", "row"),
    [
        (None, True, None),
        ("warning", False, ["findings", "no warning", "overfitting", "fails"]),
        ("note", False, ["findings", "none", "overfitting, useless-feature", "fails"]),
    ],
)
def test_findings_refuse_a_version_where_that_is_asked(judged, severity, passed, row):
    """From the severity on that params.yaml names; each is named once."""
    kinds = {"overfitting": "warning", "useless-feature": "note"}
    findings = [{"name": name, "severity": kinds[name]} for name in ("overfitting", *kinds)]
    verdict = judged(classes(1), thresholds={"accuracy": 0.5}, severity=severity, findings=findings)
    assert verdict.passed is passed
    rows = [re.split("  +", line.strip()) for line in verdict.table.splitlines()]
    assert [entry for entry in rows if entry[0] == "findings"] == ([row] if row else [])


def test_a_version_without_findings_passes(judged):
    """The verdict says that there are none."""
    verdict = judged(classes(1), severity="note")
    assert verdict.passed
    assert re.search("findings +none +none +passes", verdict.table)


# From a repository to scores


def at(project, revision):
    """Return the model of a commit."""
    return Version("made-up", project.id(revision))


def rows_of(project, revision, target):
    """Write the test rows of a commit."""
    with project.catalogue() as catalogue:
        put_test_rows(catalogue, at(project, revision), target)


def rename_rows(project, path, digest=None):
    """Let the metadata of the present version name other test rows, and commit that."""
    metadata = json.loads(Path("model.json").read_text(encoding="utf-8"))
    metadata["test"] = {"path": path, "sha256": digest or metadata["test"]["sha256"]}
    write_json(Path("model.json"), metadata)
    return project.commit()


def test_the_rows_are_those_of_the_commit(project, tmp_path):
    """They come from what DVC keeps, whatever lies in the work tree."""
    shutil.rmtree("prepared")
    for revision, name in (("main", "now"), ("weak", "then")):
        rows_of(project, revision, tmp_path / name)
        wanted = project.stored(project.objects(revision)["prepared/test.parquet"])
        assert (tmp_path / name).read_bytes() == wanted.read_bytes()
    assert (tmp_path / "now").read_bytes() != (tmp_path / "then").read_bytes()


def test_the_rows_are_the_file_that_the_metadata_name(project, tmp_path):
    """A file of the usual name in another directory is not taken for them."""
    Path("raw/test.parquet").write_bytes(b"other")
    Path("prepared/test.parquet").rename("prepared/unseen.parquet")
    project.record()
    rename_rows(project, "prepared/unseen.parquet")
    rows_of(project, "main", tmp_path / "rows")
    assert (tmp_path / "rows").read_bytes() == Path("prepared/unseen.parquet").read_bytes()


def test_the_rows_may_be_one_output_or_in_git(project, tmp_path):
    """A single file that DVC keeps, and a file that is committed, are rows as well."""
    content = Path("prepared/test.parquet").read_bytes()
    Path("rows.parquet").write_bytes(content)
    assert dvc(project.directory, "add", "rows.parquet") == 0
    rename_rows(project, "rows.parquet")
    rows_of(project, "main", tmp_path / "kept")
    Path("tests").mkdir()
    Path("tests/rows.parquet").write_bytes(content)
    rename_rows(project, "tests/rows.parquet")
    rows_of(project, "main", tmp_path / "committed")
    assert (tmp_path / "kept").read_bytes() == (tmp_path / "committed").read_bytes() == content


def test_rows_that_are_nowhere_are_refused(project, tmp_path):
    """Without the object there is nothing to score on, and the file is named."""
    name = project.objects()["prepared/test.parquet"]
    project.stored(name).unlink()
    project.cached(name).unlink()
    with pytest.raises(UserError, match=r"prepared/test\.parquet"):
        rows_of(project, "main", tmp_path / "rows")


def test_rows_that_no_commit_has_are_refused(project, tmp_path):
    """The message says which commit it is about."""
    commit = rename_rows(project, "prepared/rows.parquet")
    with pytest.raises(UserError, match=rf"commit {commit[:7]} has no prepared/rows\.parquet"):
        rows_of(project, "main", tmp_path / "rows")


def test_rows_with_other_bytes_than_the_metadata_name_are_refused(project, tmp_path):
    """A version is not scored on rows that nobody tested it on."""
    rename_rows(project, "prepared/test.parquet", "0" * 64)
    with pytest.raises(UserError, match=r"prepared/test\.parquet of commit \w+ is not what its"):
        rows_of(project, "main", tmp_path / "rows")


def test_metadata_that_name_no_rows_are_refused(project, tmp_path):
    """One sentence says so."""
    metadata = json.loads(Path("model.json").read_text(encoding="utf-8"))
    del metadata["test"]
    write_json(Path("model.json"), metadata)
    commit = project.commit()
    with pytest.raises(UserError, match=f"metadata of {commit[:7]} name no test rows: nothing"):
        rows_of(project, "main", tmp_path / "rows")


def test_bounds_are_those_of_the_commit(project):
    """What is not committed does not change a verdict."""
    project.change_params("promote", allowed_loss=0.5)
    Path("params.yaml").unlink()
    with project.catalogue() as catalogue:
        assert read_bounds(catalogue, at(project, "main")).allowed_loss == 0.5


def test_bounds_of_a_second_model_are_in_its_own_parameters(project):
    """They are in the file that the stage of its package was recorded with, and are told so."""
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
    stage = lock["stages"]["package"]
    stage["params"] = {"second/params.yaml": stage["params"]["params.yaml"]}
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    Path("second").mkdir()
    bounds = "promote:\n  thresholds:\n    accuracy: 2\n"
    Path("second/params.yaml").write_text(bounds, encoding="utf-8")
    project.commit()
    with project.catalogue() as catalogue:
        done = gate.judge(catalogue, at(project, "main"), None)
    assert (done.passed, done.params) == (False, "second/params.yaml")
    assert re.search(r"accuracy +at least 2", done.table)


@pytest.mark.parametrize("content", [None, "", "train:\n  seed: 1\n", "promote:\n"])
def test_a_project_that_says_nothing_of_bounds_has_none(project, content):
    """Its versions have no thresholds to reach, and must be as good as what is in the stage."""
    path = Path("params.yaml")
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    project.commit()
    with project.catalogue() as catalogue:
        assert read_bounds(catalogue, at(project, "main")) == Bounds(thresholds={}, allowed_loss=0)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"allowed_loss": -1}, "promote.allowed_loss: "),
        ({"findings": "error"}, "promote.findings: "),
        ({"treshholds": {}}, "promote: unknown key 'treshholds' (did you mean 'thresholds'?)"),
    ],
)
def test_bounds_that_cannot_be_used_are_refused_by_their_name(project, values, why):
    """The message names the file as it is called in the project, not a copy of it."""
    project.change_params("promote", **values)
    with project.catalogue() as catalogue, pytest.raises(UserError) as refused:
        read_bounds(catalogue, at(project, "main"))
    assert str(refused.value).startswith(f"params.yaml cannot be used:\n  {why}")


def test_how_a_version_was_evaluated_is_in_its_metadata(project):
    """Whatever params.yaml says by now."""
    project.change_params("evaluate", headline="accuracy", resamples=5)
    with project.catalogue() as catalogue:
        evaluated = read_evaluated(catalogue, at(project, "weak"))
        metadata = catalogue.records.of(at(project, "weak"))
    assert evaluated.model_dump(exclude={"findings"}) == {
        **{"headline": "macro_f1", "seed": 1, "resamples": 10, "confidence": 0.9},
    }
    findings = [(finding.name, finding.severity) for finding in evaluated.findings]
    assert findings == [(finding["name"], finding["severity"]) for finding in metadata["findings"]]
    assert findings


def test_metadata_that_do_not_say_how_a_version_was_evaluated_are_refused(project):
    """The message names what is missing."""
    metadata = json.loads(Path("model.json").read_text(encoding="utf-8"))
    del metadata["metrics"]["settings"]["seed"]
    write_json(Path("model.json"), metadata)
    commit = project.commit()
    with (
        project.catalogue() as catalogue,
        pytest.raises(UserError, match=rf"metadata of {commit[:7]} .* metrics\.settings\.seed"),
    ):
        read_evaluated(catalogue, at(project, "main"))


def test_the_scored_rows_are_what_the_packaged_model_predicts(run):
    """Truth and prediction stand beside each other, with task and target."""
    rows = pd.read_parquet(run.prepared / "test.parquet")
    scored = gate.scored(run.package, run.prepared / "test.parquet", version("v1.0.0"))
    tested = scored.tested
    assert (scored.task, scored.target) == ("classification", "label")
    assert [tested.classes[place] for place in tested.actual] == rows["label"].tolist()
    assert len(tested.predicted) == len(rows)


def test_a_regression_is_scored_as_well(regression_run):
    """Its truth are the numbers of the target."""
    test = regression_run.prepared / "test.parquet"
    scored = gate.scored(regression_run.package, test, version("v1.0.0"))
    assert (scored.task, scored.target) == ("regression", "price")
    assert scored.tested.actual.tolist() == pd.read_parquet(test)["price"].tolist()


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
        UserError, match=rf"v1\.0\.0 cannot be scored on the current test rows: {why}"
    ):
        gate.scored(run.package, tmp_path / "rows", version("v1.0.0"))


def test_a_package_that_does_not_open_here_is_refused(package_copy, run):
    """Another scikit-learn could predict otherwise: the reason is that of opening a package."""
    (package_copy / "model.skops").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"cannot be scored on the current test rows: .*model\.skops"
    ):
        gate.scored(package_copy, run.prepared / "test.parquet", version("v1.0.0"))


def test_nothing_of_the_judgement_is_left(project, tmp_path):
    """Packages and rows lie in a directory that goes away."""
    project.tag("made-up@v1.0.0", "weak")
    before = [*tmp_path.rglob("*")]
    with project.catalogue() as catalogue:
        gate.judge(catalogue, at(project, "weak"), at(project, "strong"))
    assert [*tmp_path.rglob("*")] == before

"""A stage is assigned what passes the gate, or what a person forces with a reason that is kept."""

import re
import shutil
from pathlib import Path

import gto.api
import numpy as np
import pandas as pd
import pytest

from modelkeep import ready
from modelkeep.registry import gate, promote
from modelkeep.registry.gate import Verdict
from modelkeep_core import metrics
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import CLASSIFICATION, scored_rows
from modelkeep_core.packaged import open_package
from project import FORKS, LATER, SETTINGS, UNREACHED, damage, git, killed_everywhere, refuse_pushes


@pytest.fixture
def passing(monkeypatch):
    """Let the gate pass everything at once, where it is not what is tested."""
    monkeypatch.setattr(promote, "judge", lambda *_: Verdict(True, "all is well"))


def score_on(rows, project, branch):
    """Return the macro F1 of a version's package on the test rows of a commit."""
    project.git("checkout", "--quiet", rows)
    table = pd.read_parquet(project.stored(project.objects()["prepared/test.parquet"]))
    package = project.directory.parent / f"package-{branch}"
    for path, name in project.objects(branch).items():
        if path.startswith("package/"):
            package.mkdir(exist_ok=True)
            shutil.copy(project.stored(name), package / path.removeprefix("package/"))
    project.git("checkout", "--quiet", "main")
    opened = open_package(package)
    truth = table["label"].to_numpy()
    return CLASSIFICATION["macro_f1"].score(
        scored_rows(opened.model, model_inputs(table, opened.schema), truth)
    )


# The gate


def test_the_first_version_of_a_stage_is_compared_with_the_thresholds_alone(numbered):
    """Without any, it passes; the tag is on its commit and says that it passed."""
    shown = numbered.run("promote", "v1.0.0", "prod")
    assert shown == (
        "v1.0.0 on the 30 test rows of HEAD: no thresholds, and the stage is empty.\n\n"
        "prod is assigned made-up v1.0.0 now.\n"
        "made-up#prod#1 is written here; `git push origin 'made-up#prod#1'` shares it."
    )
    assert numbered.id("made-up#prod#1") == numbered.id("weak")
    assert numbered.message("made-up#prod#1").startswith(
        "Promote v1.0.0 to prod\n\nGate: passed\n\nv1.0.0 on the 30 test rows"
    )


def test_a_threshold_that_is_not_reached_refuses_with_the_table(numbered):
    """What was wanted and what was found stand there, and what can be done."""
    numbered.change_params("promote", thresholds={"macro_f1": 0.5, "accuracy": 0.9})
    why = numbered.refusal("promote", "v1.1.0", "prod")
    assert why.startswith("v1.1.0 does not pass the gate to prod.\n\nv1.1.0 on the 30 test rows")
    assert re.search(r"macro_f1 +at least 0\.5 +0\.736 +passes\n", why)
    assert re.search(r"accuracy +at least 0\.9 +0\.8 +fails\n", why)
    assert "The thresholds are in params.yaml, section promote; --force -m 'why'" in why
    numbered.change_params("promote", thresholds={"macro_f1": 0.7, "accuracy": 0.8})
    assert "prod is assigned made-up v1.1.0 now." in numbered.run("promote", "v1.1.0", "prod")


def test_a_better_version_passes_with_the_interval_of_the_difference(numbered):
    """What was in the stage is named, and the table is kept in the tag."""
    numbered.assign("prod", "weak")
    shown = numbered.run("promote", "v1.1.0", "prod", "-m", "Better on every shop")
    row = r"macro_f1: v1\.1\.0 - v1\.0\.0 +at least 0 +\+0\.3472 \(\+0\.\d+ to \+0\.\d+\) +passes"
    assert re.search(row, shown)
    assert "prod is assigned made-up v1.1.0 now, not v1.0.0." in shown
    message = numbered.message("made-up#prod#2")
    assert message.startswith("Better on every shop\n\nGate: passed\n\n")
    assert re.search(row, message)


def test_both_are_scored_on_the_present_test_rows(numbered):
    """Not each on its own rows: the difference is that of the two packages on HEAD's."""
    numbered.assign("prod", "weak")
    here = score_on("main", numbered, "strong") - score_on("main", numbered, "weak")
    there = score_on("strong", numbered, "strong") - score_on("weak", numbered, "weak")
    shown = numbered.run("promote", "v1.1.0", "prod")
    assert f"{here:+.4g} (" in shown
    assert f"{there:+.4g} (" not in shown


def test_what_is_not_committed_does_not_count(numbered):
    """The verdict is that of HEAD, whatever lies in the work tree."""
    numbered.assign("prod", "weak")
    for path in ("prepared", "models", "package"):
        shutil.rmtree(path)
    Path("params.yaml").write_text("", encoding="utf-8")
    assert "+0.3472" in numbered.run("promote", "v1.1.0", "prod")


def test_a_worse_version_is_refused_with_the_table(numbered):
    """The message shows by how much, and nothing is written."""
    numbered.assign("prod", "strong")
    why = numbered.refusal("promote", "v1.2.0", "prod")
    assert re.search(r"macro_f1: v1\.2\.0 - v1\.1\.0 +at least 0 +-0\.033\d+ \(.*\) +fails\n", why)


@pytest.mark.parametrize(("loss", "passes"), [(0.04, True), (0.03, False)])
def test_a_loss_that_is_allowed_passes(numbered, loss, passes):
    """The present version is 0.033 worse than the strong one."""
    numbered.assign("prod", "strong")
    numbered.change_params("promote", allowed_loss=loss)
    if passes:
        assert f"at least -{loss}" in numbered.run("promote", "v1.2.0", "prod")
    else:
        assert f"at least -{loss}" in numbered.refusal("promote", "v1.2.0", "prod")


def test_only_the_stage_itself_is_compared_with(numbered):
    """What is in another stage, or is of another model, does not matter."""
    numbered.assign("staging", "strong")
    numbered.tag("other#prod#1", "strong")
    assert "prod is assigned made-up v1.0.0 now." in numbered.run("promote", "v1.0.0", "prod")


def test_a_version_in_the_stage_that_cannot_be_scored_is_told(numbered):
    """Without its package nobody knows whether the new one is better."""
    numbered.assign("prod", "weak")
    lost = numbered.objects("weak")["package/model.skops"]
    numbered.stored(lost).unlink()
    numbered.cached(lost).unlink()
    why = numbered.refusal("promote", "v1.1.0", "prod")
    assert "package/model.skops" in why
    shown = numbered.run("promote", "v1.1.0", "prod", "--force", "-m", "The old one is lost")
    assert shown.startswith(
        f"not judged: {why}\n\nprod is assigned made-up v1.1.0 now, not v1.0.0."
    )
    assert numbered.message("made-up#prod#2").startswith(
        "The old one is lost\n\nGate: forced\n\nnot judged: "
    )


def test_a_version_that_cannot_be_compared_says_how_it_is_promoted(numbered, monkeypatch):
    """Such as one of another target, or of other columns, than what is in the stage."""
    numbered.assign("prod", "weak")

    usual = gate.scored

    def scored(package, test, version):
        if version.label == "v1.0.0":
            raise gate.Unscored("they have no column 'size'.")
        return usual(package, test, version)

    monkeypatch.setattr(gate, "scored", scored)
    why = numbered.refusal("promote", "v1.1.0", "prod")
    assert why == (
        "they have no column 'size'. To promote v1.1.0 without the comparison, say why, which is "
        "kept: --force -m 'why'."
    )
    numbered.run("promote", "v1.1.0", "prod", "--force", "-m", "Another target")
    assert "not judged: they have no column 'size'.\n" in numbered.message("made-up#prod#2") + "\n"


@pytest.mark.parametrize("older", ["v1.0.0", "v1.1.0"])
def test_versions_of_other_classes_say_how_they_are_promoted(numbered, monkeypatch, older):
    """Whichever of them never saw a class; what helps while training is not told of a version."""
    numbered.assign("prod", "weak")
    usual = metrics.scored_rows

    def scored_rows(model, inputs, target):
        if opened.pop() == older:
            target = np.where(np.arange(len(target)) == 0, "huge", target)
        return usual(model, inputs, target)

    opened = ["v1.0.0", "v1.1.0"]
    monkeypatch.setattr(metrics, "scored_rows", scored_rows)
    lacking = {"v1.0.0": "the comparison", "v1.1.0": "a score"}[older]
    assert numbered.refusal("promote", "v1.1.0", "prod") == (
        f"{older} cannot be scored on the current test rows: class 'huge' is in the test rows and "
        f"not in the training rows. To promote v1.1.0 without {lacking}, say why, which is kept: "
        "--force -m 'why'."
    )
    opened[:] = ["v1.0.0", "v1.1.0"]
    numbered.run("promote", "v1.1.0", "prod", "--force", "-m", "It knows less")
    assert numbered.message("made-up#prod#2").rstrip().endswith("not in the training rows.")


# What cannot be served here


@pytest.fixture
def other_library(monkeypatch):
    """Let another scikit-learn be installed than the versions were made with."""
    monkeypatch.setattr("modelkeep_core.packaged.version", lambda _: "9.9.9")


def test_a_version_that_does_not_load_here_is_refused(numbered, other_library):
    """Both versions of the library are named, and where the lock is that brings the right one."""
    why = numbered.refusal("promote", "v1.1.0", "prod")
    assert re.fullmatch(
        r"v1\.1\.0 cannot be served here: the model was made with scikit-learn \S+, and 9\.9\.9 is "
        r"installed\. Install what it needs: (python -m|uv) pip install --require-hashes "
        r"-r DIR/requirements\.lock \(`modelkeep fetch v1\.1\.0 DIR` puts it there\)",
        why,
    )
    shown = numbered.run("promote", "v1.1.0", "prod", "--force", "-m", "It is served elsewhere")
    assert shown.startswith(f"not judged: {why}\n\nprod is assigned made-up v1.1.0 now.")
    assert f"Gate: forced\n\nnot judged: {why}" in numbered.message("made-up#prod#1")


def test_a_version_that_predicts_something_else_here_is_refused(numbered, monkeypatch):
    """However good it would be on the test rows: it would be no server of what was registered."""
    plain = ready.predictor

    def changed(opened):
        predict = plain(opened)
        return lambda rows: predict(rows)._replace(predictions=np.array(["none"] * len(rows)))

    monkeypatch.setattr(ready, "predictor", changed)
    why = numbered.refusal("promote", "v1.0.0", "prod")
    assert why.startswith(
        "v1.0.0 cannot be served here: for its example, the model predicts ['none'] here, and ['"
    )


# Force


def test_force_needs_a_reason(numbered):
    """Who overrules the gate says why."""
    for words in ([], ["-m", ""]):
        why = numbered.refusal("promote", "v1.0.0", "prod", "--force", *words)
        assert why == "--force needs a reason, which is kept with the tag: -m 'why'."


def test_what_is_forced_is_kept_with_its_reason_and_its_table(numbered):
    """History shows that the gate was overruled."""
    numbered.assign("prod", "strong")
    shown = numbered.run("promote", "v1.0.0", "prod", "--force", "-m", "The new one is too slow")
    assert "fails" in shown
    assert "prod is assigned made-up v1.0.0 now, not v1.1.0." in shown
    message = numbered.message("made-up#prod#2")
    assert message.startswith("The new one is too slow\n\nGate: forced\n\nv1.0.0 on the 30")
    assert "fails" in message
    assert "The new one is too slow [forced]" in numbered.run("history", "prod")


def test_force_where_none_is_needed_is_no_force(numbered):
    """What passes has passed."""
    numbered.run("promote", "v1.0.0", "prod", "--force", "-m", "Quick")
    assert "Gate: passed" in numbered.message("made-up#prod#1")


# Bytes


def lose(project, branch, path, *places):
    """Take an object of a version away from the cache, the remote, or both."""
    name = project.objects(branch)[path]
    for place in places:
        getattr(project, place)(name).unlink()


@pytest.mark.parametrize("words", [(), ("--force", "-m", "Hurry"), ("--local",)])
def test_a_version_whose_package_is_nowhere_is_refused_whatever_is_forced(numbered, words):
    """The gate may be forced; what is not there cannot be served."""
    lose(numbered, "strong", "package/model.skops", "cached", "stored")
    why = numbered.refusal("promote", "v1.1.0", "prod", *words)
    assert "package/model.skops" in why
    assert "not usable in the cache, and not in the remote 'storage'" in why


@pytest.mark.parametrize("words", [(), ("--force", "-m", "Hurry")])
@pytest.mark.parametrize("how", ["lost", "cut", "changed"])
def test_a_package_that_only_this_machine_has_is_refused(numbered, passing, words, how):
    """Servers elsewhere could not have it; a person may take that risk, and not by --force."""
    name = numbered.objects("weak")["package/model.skops"]
    whole = numbered.stored(name).read_bytes()
    if how == "lost":
        numbered.stored(name).unlink()
    else:
        damage(numbered.stored(name), whole[:100] if how == "cut" else whole[::-1])
    state = "does not have" if how == "lost" else "has damaged"
    assert numbered.refusal("promote", "v1.0.0", "prod", *words) == (
        f"the remote 'storage' {state} package/model.skops: nobody else can have v1.0.0. "
        "`modelkeep fsck v1.0.0 --repair` sends what this machine has; --local accepts the risk."
    )
    assert "v1.0.0 now" in numbered.run("promote", "v1.0.0", "prod", "--local", *words)


def test_a_version_without_its_data_is_refused_and_can_be_forced(numbered, passing, capsys):
    """It could not be made again, and it can be served."""
    lose(numbered, "weak", "raw/rows.csv", "stored")
    why = numbered.refusal("promote", "v1.0.0", "prod")
    assert why.startswith("the remote 'storage' does not have raw/rows.csv: ")
    numbered.run("promote", "v1.0.0", "prod", "--force", "-m", "They were deleted by law")
    printed = capsys.readouterr().err
    assert printed == "note: the remote 'storage' does not have raw/rows.csv.\n"


def test_a_remote_that_cannot_be_asked_is_refused(numbered, passing):
    """Nobody knows whether a server elsewhere could have the version."""
    Path(".dvc/config.local").write_text(SETTINGS.format(UNREACHED), encoding="utf-8")
    why = numbered.refusal("promote", "v1.0.0", "prod")
    assert why.startswith("whether others can have v1.0.0 is not known: the remote 'storage'")
    numbered.run("promote", "v1.0.0", "prod", "--local")


# What is refused before that


def test_a_commit_without_a_number_is_refused(project):
    """Only what was checked by register goes into a stage."""
    for words in ([], ["--force", "-m", "Quick"]):
        why = project.refusal("promote", "weak", "prod", *words)
        assert why.startswith(
            f"commit {project.id('weak')[:7]} has no version number: check it out"
        )
        assert "`modelkeep register` it first" in why


def test_what_is_in_the_stage_already_is_refused(numbered):
    """A second tag would say nothing; another stage may take it."""
    numbered.assign("prod", "weak")
    assert numbered.refusal("promote", "v1.0.0", "prod") == "v1.0.0 is in prod already."
    assert "staging is assigned made-up v1.0.0 now." in numbered.run("promote", "prod", "staging")


@pytest.mark.parametrize("stage", ["", "my stage", "prod!", "#prod", "prod#1", "prod-", "prod@1"])
def test_a_name_that_no_tag_can_have_is_refused(numbered, stage):
    """The message says what a stage may be called."""
    why = numbered.refusal("promote", "v1.0.0", stage)
    assert why.startswith(f"'{stage}' cannot be a stage: letters, digits")


def test_an_unknown_version_is_refused(numbered):
    """The message has the nearest one."""
    assert "did you mean 'v1.1.0'" in numbered.refusal("promote", "v1.1.1", "prod")


def test_a_person_without_an_identity_promotes_nothing(numbered, passing, monkeypatch):
    """Who decided it would not be known."""
    monkeypatch.delenv("GIT_COMMITTER_EMAIL")
    monkeypatch.delenv("GIT_AUTHOR_EMAIL")
    assert "Git does not know who you are" in numbered.refusal("promote", "v1.0.0", "prod")


# Origin


def test_the_tag_is_pushed_when_it_is_to_be(numbered, passing):
    """With --push, origin has it as well."""
    bare = numbered.add_origin()
    shown = numbered.run("promote", "v1.0.0", "prod", "--push")
    assert "made-up#prod#1 is written and pushed to origin." in shown
    assert numbered.tags(bare) == numbered.tags()


def test_a_colleagues_decision_is_told_before_anything_is_judged(numbered, monkeypatch):
    """What origin knows and we do not may change what is to be decided."""
    git(numbered.add_origin(), "tag", "-a", "-m", "mine", "made-up#prod#1", "strong")
    monkeypatch.setattr(promote, "judge", None)
    why = numbered.refusal("promote", "v1.0.0", "prod", "--push")
    assert "origin has the tag made-up#prod#1, which is not here" in why


def test_who_may_not_push_promotes_nothing(numbered, passing):
    """With --push, the tag is in both repositories or in none."""
    bare = numbered.add_origin()
    refuse_pushes(bare)
    why = numbered.refusal("promote", "v1.0.0", "prod", "--push")
    assert "made-up#prod#1 was taken back" in why


def test_a_promotion_is_later_than_that_of_a_clock_that_was_ahead(numbered, passing):
    """We and GTO agree on what is in the stage, though the date of the tag before is far ahead."""
    numbered.tag("made-up#prod#1", "strong", when=LATER)
    numbered.run("promote", "v1.0.0", "prod")
    with numbered.catalogue() as catalogue:
        assert catalogue.assignments["made-up"]["prod"].tag == "made-up#prod#2"
    assert gto.api.show(".")["made-up"]["stage"]["prod"] == "v1.0.0"


@FORKS
def test_a_promotion_that_is_killed_leaves_the_tag_or_nothing(numbered):
    """Killed at any step, it can be tried again, and the tag is whole from the first moment."""
    before = numbered.tags()
    for _ in killed_everywhere(lambda: numbered.run("promote", "v1.0.0", "prod"), stride=4):
        assert numbered.status() == ""
        if numbered.tags() != before:
            break
    assert {*numbered.tags()} - {*before} == {"made-up#prod#1"}
    assert "Gate: passed" in numbered.message("made-up#prod#1")
    assert numbered.refusal("promote", "v1.0.0", "prod") == "v1.0.0 is in prod already."


def test_a_deprecated_model_is_not_promoted(numbered):
    """GTO retires it; the message has what takes that back."""
    numbered.tag("made-up@deprecated", "main", message="Retired")
    why = numbered.refusal("promote", "v1.0.0", "prod")
    assert "made-up was deprecated by Ada (tag made-up@deprecated): Retired" in why
    assert "git tag -d made-up@deprecated" in why

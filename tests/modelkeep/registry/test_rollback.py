"""A stage goes back to what was in it, further with each rollback, and nothing is forgotten."""

from pathlib import Path

import gto.api
import pytest

from modelkeep.registry import rollback
from project import LATER, SETTINGS, UNREACHED, damage, git, refuse_pushes


@pytest.fixture
def promoted(numbered):
    """The three versions, promoted to prod one after the other."""
    for branch in ("weak", "strong", "main"):
        numbered.assign("prod", branch)
    return numbered


def back(project, *words):
    """Roll prod back and return what is in it then."""
    project.run("rollback", "prod", "-m", "Complaints", *words)
    return in_stage(project)


def in_stage(project, stage="prod"):
    """Return the version that is in a stage; the registry and GTO have to agree."""
    with project.catalogue() as catalogue:
        event = catalogue.assignments["made-up"][stage]
        number = catalogue.at("made-up", event.commit).number
    assert gto.api.show(".")["made-up"]["stage"][stage] == number
    return number


def test_a_stage_is_assigned_what_was_in_it_before(promoted):
    """The new tag is on the older commit, and says why, from what and to what."""
    assert promoted.run("rollback", "prod", "-m", "Complaints") == (
        "prod is assigned made-up v1.1.0 again, not v1.2.0.\n"
        "made-up#prod#4 is written here; `git push origin 'made-up#prod#4'` shares it."
    )
    assert promoted.id("made-up#prod#4") == promoted.id("strong")
    assert promoted.message("made-up#prod#4") == "Complaints\n\nRollback: from v1.2.0 to v1.1.0"
    assert in_stage(promoted) == "v1.1.0"


def test_each_rollback_goes_back_one_more(promoted):
    """A second one does not return to what the first one left."""
    assert back(promoted) == "v1.1.0"
    assert back(promoted) == "v1.0.0"
    why = promoted.refusal("rollback", "prod", "-m", "x")
    assert why == "no version was in prod before v1.0.0: say where to go with --to REF."


def test_history_keeps_everything(promoted):
    """What was rolled away was in the stage: when and why it went stays on record."""
    before = promoted.tags()
    back(promoted)
    assert before.items() <= promoted.tags().items()
    lines = promoted.run("history", "prod").splitlines()[3:]
    assert [line.split()[2] for line in reversed(lines)] == [
        "v1.0.0",
        "v1.1.0",
        "v1.2.0",
        "v1.1.0",
    ][:4]


def test_what_is_promoted_after_a_rollback_can_be_rolled_back(promoted):
    """The way back from there leads to what was there before, not to what was rolled away."""
    assert back(promoted) == "v1.1.0"
    promoted.run("promote", "v1.2.0", "prod", "--force", "-m", "Mended")
    assert back(promoted) == "v1.1.0"
    assert back(promoted) == "v1.0.0"


def test_a_version_that_was_promoted_twice_is_gone_back_to(numbered):
    """Weak, strong, weak: one back is strong, two back is weak."""
    for branch in ("weak", "strong", "weak"):
        numbered.assign("prod", branch)
    assert back(numbered) == "v1.1.0"
    assert back(numbered) == "v1.0.0"


def test_a_rollback_may_go_further_at_once(promoted):
    """--to takes any version that was in the stage, by any of its names."""
    assert back(promoted, "--to", "v1.0.0") == "v1.0.0"
    assert "no version was in prod before v1.0.0" in promoted.refusal("rollback", "prod", "-m", "x")
    assert back(promoted, "--to", "main") == "v1.2.0"


def test_back_to_what_was_rolled_away_is_a_way_too(promoted):
    """--to a version that was rolled away puts it on top again."""
    back(promoted)
    assert back(promoted, "--to", "v1.2.0") == "v1.2.0"
    assert back(promoted) == "v1.1.0"


def test_what_was_never_in_the_stage_is_refused(numbered):
    """A version comes into a stage through the gate."""
    numbered.assign("prod", "weak")
    numbered.assign("prod", "strong")
    numbered.assign("staging", "main")
    why = numbered.refusal("rollback", "prod", "--to", "v1.2.0", "-m", "x")
    assert why == (
        "v1.2.0 was never in prod: `modelkeep promote v1.2.0 prod` puts it there, through the gate."
    )


def test_the_present_version_is_refused(promoted):
    """There is nothing to go back to in what is there."""
    assert (
        promoted.refusal("rollback", "prod", "--to", "v1.2.0", "-m", "x")
        == "v1.2.0 is in prod now."
    )


def test_a_first_version_has_nothing_before_it(numbered):
    """The message says how to name another."""
    numbered.assign("prod", "weak")
    why = numbered.refusal("rollback", "prod", "-m", "x")
    assert why == "no version was in prod before v1.0.0: say where to go with --to REF."


def test_an_empty_stage_is_refused_with_the_nearest(promoted):
    """The message names the stages that hold something."""
    why = promoted.refusal("rollback", "pord", "-m", "x")
    assert why == (
        "no version is in 'pord' (did you mean 'prod'?). There is prod. "
        "`modelkeep promote VERSION pord` puts one there."
    )


def test_where_nothing_was_promoted_nothing_is_rolled_back(numbered):
    """Without any stage there is none to be named."""
    assert numbered.refusal("rollback", "prod", "-m", "x") == (
        "no version is in 'prod'. `modelkeep promote VERSION prod` puts one there."
    )


def test_one_of_several_models_has_to_be_named(promoted, monkeypatch):
    """Two models may use the same stage; each has its own history."""
    # The other one is a name in tags, without a package.
    monkeypatch.setattr(rollback, "check_servable", lambda *_: None)
    promoted.tag("other#prod#1", "weak")
    promoted.tag("other#prod#2", "strong")
    why = promoted.refusal("rollback", "prod", "-m", "x")
    assert why == "'prod' is assigned versions of made-up, other: say which with --model."
    promoted.run("rollback", "prod", "-m", "x", "--model", "other")
    assert promoted.id("other#prod#3") == promoted.id("weak")
    assert in_stage(promoted) == "v1.2.0"


def test_the_version_is_looked_for_among_those_of_the_model(promoted):
    """Another model that is not in the stage may have a version of the same number."""
    promoted.tag("other@v1.0.0", "strong")
    assert back(promoted, "--to", "v1.0.0") == "v1.0.0"


def test_a_version_that_cannot_be_served_here_is_refused(promoted, monkeypatch):
    """A server would go on with the version that is to go, and nobody would know."""
    monkeypatch.setattr("modelkeep_core.packaged.version", lambda _: "9.9.9")
    why = promoted.refusal("rollback", "prod", "-m", "x")
    assert why.startswith("v1.1.0 cannot be served here: the model was made with scikit-learn ")
    assert why.endswith("-r DIR/requirements.lock (`modelkeep fetch v1.1.0 DIR` puts it there)")


def test_a_version_whose_bytes_are_nowhere_is_refused(promoted):
    """It could not be served at all; another one, by its name, can be gone back to."""
    lost = promoted.objects("strong")["package/model.skops"]
    promoted.stored(lost).unlink()
    promoted.cached(lost).unlink()
    assert "package/model.skops" in promoted.refusal("rollback", "prod", "-m", "x")
    assert back(promoted, "--to", "v1.0.0") == "v1.0.0"


@pytest.mark.parametrize("cut", [True, False])
def test_a_version_whose_package_only_this_machine_has_is_refused(promoted, cut):
    """Servers elsewhere would go on with what is to go; a person may accept that."""
    lost = promoted.stored(promoted.objects("strong")["package/model.skops"])
    damage(lost, b"cut") if cut else lost.unlink()
    why = promoted.refusal("rollback", "prod", "-m", "x")
    state = "has damaged" if cut else "does not have"
    assert why.startswith(f"the remote 'storage' {state} package/model.skops: nobody else can have")
    assert back(promoted, "--local") == "v1.1.0"


def test_what_a_server_does_not_need_is_noted(promoted, capsys):
    """Data that are gone keep nobody from going back."""
    promoted.stored(promoted.objects("strong")["raw/rows.csv"]).unlink()
    assert back(promoted) == "v1.1.0"
    assert capsys.readouterr().err == "note: the remote 'storage' does not have raw/rows.csv.\n"


def test_an_outage_of_the_remote_keeps_nobody_from_going_back(promoted, capsys):
    """What is in the cache can be served here, whatever is out of reach."""
    settings = SETTINGS.format(UNREACHED)
    Path(".dvc/config.local").write_text(settings, encoding="utf-8")
    assert back(promoted) == "v1.1.0"
    assert "note: whether others can have v1.1.0 is not checked: " in capsys.readouterr().err


def test_nothing_of_the_trial_is_left(promoted):
    """The package was loaded from a directory that goes away."""
    before = {*promoted.directory.parent.rglob("*")}
    back(promoted)
    new = {*promoted.directory.parent.rglob("*")} - before
    assert {path.relative_to(promoted.directory).parts[0] for path in new} <= {".git", ".dvc"}


def test_another_stage_is_left_alone(promoted):
    """Each stage has its own way back."""
    for branch in ("main", "weak"):
        promoted.assign("staging", branch)
    assert back(promoted) == "v1.1.0"
    assert in_stage(promoted, "staging") == "v1.0.0"


def test_a_promotion_that_was_taken_back_is_not_gone_back_to(promoted):
    """What GTO unassigned was withdrawn: the way back leads past it."""
    promoted.tag("made-up#prod!#4", "main")
    assert in_stage(promoted) == "v1.1.0"
    assert back(promoted) == "v1.0.0"
    assert "no version was in prod before v1.0.0" in promoted.refusal("rollback", "prod", "-m", "x")


def test_a_version_whose_number_was_taken_back_is_not_gone_back_to(promoted):
    """It would not be in force: by default it is passed over, and by name it is refused."""
    promoted.tag("made-up@v1.1.0!", "strong")
    why = promoted.refusal("rollback", "prod", "--to", "strong", "-m", "x")
    assert (
        why == f"commit {promoted.id('strong')[:7]} has no number any more: its tag was taken back."
    )
    assert back(promoted) == "v1.0.0"


def test_a_rollback_needs_a_reason(promoted, capsys):
    """Whoever reads the history wants to know why."""
    with pytest.raises(SystemExit):
        promoted.run("rollback", "prod")
    assert "-m" in capsys.readouterr().err


def test_a_rollback_is_later_than_a_clock_that_was_ahead(numbered):
    """The date of the tag before does not keep the older version from being promoted."""
    numbered.assign("prod", "weak")
    numbered.tag("made-up#prod#2", "strong", when=LATER)
    assert back(numbered) == "v1.0.0"


def test_the_tag_is_pushed_when_it_is_to_be(promoted):
    """With --push, origin has it as well."""
    bare = promoted.add_origin()
    promoted.git("push", "--quiet", "--tags", "origin")
    assert back(promoted, "--push") == "v1.1.0"
    assert promoted.tags(bare) == promoted.tags()


def test_a_colleagues_decision_is_told(promoted):
    """Somebody may have rolled back already."""
    bare = promoted.add_origin()
    git(bare, "tag", "-a", "-m", "mine", "made-up#prod#4", "strong")
    why = promoted.refusal("rollback", "prod", "-m", "x", "--push")
    assert "origin has the tag made-up#prod#4, which is not here" in why


def test_who_may_not_push_rolls_nothing_back(promoted):
    """With --push, the tag is in both repositories or in none."""
    refuse_pushes(promoted.add_origin())
    why = promoted.refusal("rollback", "prod", "-m", "x", "--push")
    assert "made-up#prod#4 was taken back" in why

"""A stage goes back to what it held, further with each rollback, and nothing is forgotten."""

import gto.api
import pytest
from project import LATER, git
from test_publish import refuse_pushes


@pytest.fixture
def live(numbered):
    """The three versions, promoted to prod one after the other."""
    for branch in ("weak", "strong", "main"):
        numbered.assign("prod", branch)
    return numbered


def back(project, *words):
    """Roll prod back and return what it holds then."""
    project.run("rollback", "prod", "-m", "Complaints", *words)
    return held(project)


def held(project, stage="prod"):
    """Return the version that a stage holds; the registry and GTO have to agree."""
    with project.catalogue() as catalogue:
        event = catalogue.held["made-up"][stage]
        number = catalogue.at("made-up", event.commit).number
    assert gto.api.show(".")["made-up"]["stage"][stage] == number
    return number


def test_a_stage_holds_again_what_it_held_before(live):
    """The new tag is on the older commit, and says why, from what and to what."""
    assert live.run("rollback", "prod", "-m", "Complaints") == (
        "prod holds made-up v1.1.0 again, not v1.2.0.\n"
        "made-up#prod#4 is written here; `git push origin 'made-up#prod#4'` shares it."
    )
    assert live.id("made-up#prod#4") == live.id("strong")
    assert live.message("made-up#prod#4") == "Complaints\n\nRollback: from v1.2.0 to v1.1.0"
    assert held(live) == "v1.1.0"


def test_each_rollback_goes_back_one_more(live):
    """A second one does not return to what the first one left."""
    assert back(live) == "v1.1.0"
    assert back(live) == "v1.0.0"
    why = live.refusal("rollback", "prod", "-m", "x")
    assert why == "prod held nothing before v1.0.0: say where to go with --to REF."


def test_history_keeps_everything(live):
    """What was rolled away was live, and it stays known when and why it went."""
    before = live.tags()
    back(live)
    assert before.items() <= live.tags().items()
    lines = live.run("history", "prod").splitlines()[3:]
    assert [line.split()[2] for line in reversed(lines)] == [
        "v1.0.0",
        "v1.1.0",
        "v1.2.0",
        "v1.1.0",
    ][:4]


def test_what_is_promoted_after_a_rollback_can_be_rolled_back(live):
    """The way back from there leads to what was live before it, not to what was rolled away."""
    assert back(live) == "v1.1.0"
    live.run("promote", "v1.2.0", "prod", "--force", "-m", "Mended")
    assert back(live) == "v1.1.0"
    assert back(live) == "v1.0.0"


def test_a_version_that_was_promoted_twice_is_gone_back_to(numbered):
    """Weak, strong, weak: one back is strong, two back is weak."""
    for branch in ("weak", "strong", "weak"):
        numbered.assign("prod", branch)
    assert back(numbered) == "v1.1.0"
    assert back(numbered) == "v1.0.0"


def test_a_rollback_may_go_further_at_once(live):
    """--to takes any version that the stage held, by any of its names."""
    assert back(live, "--to", "v1.0.0") == "v1.0.0"
    assert "held nothing before v1.0.0" in live.refusal("rollback", "prod", "-m", "x")
    assert back(live, "--to", "main") == "v1.2.0"


def test_back_to_what_was_rolled_away_is_a_way_too(live):
    """--to a version that was rolled away puts it on top again."""
    back(live)
    assert back(live, "--to", "v1.2.0") == "v1.2.0"
    assert back(live) == "v1.1.0"


def test_what_was_never_in_the_stage_is_refused(numbered):
    """A version comes into a stage through the gate."""
    numbered.assign("prod", "weak")
    numbered.assign("prod", "strong")
    numbered.assign("staging", "main")
    why = numbered.refusal("rollback", "prod", "--to", "v1.2.0", "-m", "x")
    assert why == (
        "v1.2.0 was never in prod: `python -m registry promote v1.2.0 prod` puts it there, "
        "through the gate."
    )


def test_the_present_version_is_refused(live):
    """There is nothing to go back to in what is there."""
    assert live.refusal("rollback", "prod", "--to", "v1.2.0", "-m", "x") == "prod holds v1.2.0 now."


def test_a_first_version_has_nothing_before_it(numbered):
    """The message says how to name another."""
    numbered.assign("prod", "weak")
    why = numbered.refusal("rollback", "prod", "-m", "x")
    assert why == "prod held nothing before v1.0.0: say where to go with --to REF."


def test_an_empty_stage_is_refused_with_the_nearest(live):
    """The message names the stages that hold something."""
    why = live.refusal("rollback", "pord", "-m", "x")
    assert why == (
        "no version is in 'pord' (did you mean 'prod'?). There is prod. "
        "`python -m registry promote VERSION pord` puts one there."
    )


def test_where_nothing_was_promoted_nothing_is_rolled_back(numbered):
    """Without any stage there is none to be named."""
    assert numbered.refusal("rollback", "prod", "-m", "x") == (
        "no version is in 'prod'. `python -m registry promote VERSION prod` puts one there."
    )


def test_one_of_several_models_has_to_be_named(live):
    """Two models may use the same stage; each has its own history."""
    live.tag("other#prod#1", "weak")
    live.tag("other#prod#2", "strong")
    why = live.refusal("rollback", "prod", "-m", "x")
    assert why == "'prod' holds made-up, other: say which with --model."
    live.run("rollback", "prod", "-m", "x", "--model", "other")
    assert live.id("other#prod#3") == live.id("weak")
    assert held(live) == "v1.2.0"


def test_the_version_is_looked_for_among_those_of_the_model(live):
    """Another model that is not in the stage may have a version of the same number."""
    live.tag("other@v1.0.0", "strong")
    assert back(live, "--to", "v1.0.0") == "v1.0.0"


def test_another_stage_is_left_alone(live):
    """Each stage has its own way back."""
    for branch in ("main", "weak"):
        live.assign("staging", branch)
    assert back(live) == "v1.1.0"
    assert held(live, "staging") == "v1.0.0"


def test_a_promotion_that_was_taken_back_is_not_gone_back_to(live):
    """What GTO unassigned was withdrawn: the way back leads past it."""
    live.tag("made-up#prod!#4", "main")
    assert held(live) == "v1.1.0"
    assert back(live) == "v1.0.0"
    assert "held nothing before v1.0.0" in live.refusal("rollback", "prod", "-m", "x")


def test_a_version_whose_number_was_taken_back_is_not_gone_back_to(live):
    """It would not be in force: by default it is passed over, and by name it is refused."""
    live.tag("made-up@v1.1.0!", "strong")
    why = live.refusal("rollback", "prod", "--to", "strong", "-m", "x")
    assert why == f"commit {live.id('strong')[:7]} has no number any more: its tag was taken back."
    assert back(live) == "v1.0.0"


def test_a_rollback_needs_a_reason(live, capsys):
    """Whoever reads the history wants to know why."""
    with pytest.raises(SystemExit):
        live.run("rollback", "prod")
    assert "-m" in capsys.readouterr().err


def test_a_rollback_is_later_than_a_clock_that_was_ahead(numbered):
    """The date of the tag before does not keep the older version from being live."""
    numbered.assign("prod", "weak")
    numbered.tag("made-up#prod#2", "strong", when=LATER)
    assert back(numbered) == "v1.0.0"


def test_the_tag_is_pushed_when_it_is_to_be(live):
    """With --push, origin has it as well."""
    bare = live.add_origin()
    live.git("push", "--quiet", "--tags", "origin")
    assert back(live, "--push") == "v1.1.0"
    assert live.tags(bare) == live.tags()


def test_a_colleagues_decision_is_told(live):
    """Somebody may have rolled back already."""
    bare = live.add_origin()
    git(bare, "tag", "-a", "-m", "mine", "made-up#prod#4", "strong")
    why = live.refusal("rollback", "prod", "-m", "x", "--push")
    assert "origin has the tag made-up#prod#4, which is not here" in why


def test_who_may_not_push_rolls_nothing_back(live):
    """With --push, the tag is in both repositories or in none."""
    refuse_pushes(live.add_origin())
    why = live.refusal("rollback", "prod", "-m", "x", "--push")
    assert "made-up#prod#4 was taken back" in why

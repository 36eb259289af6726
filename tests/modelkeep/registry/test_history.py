"""`history` says what was assigned to a stage, when, by whom and why, and when nothing was."""

import pytest

from modelkeep.registry.history import spans
from modelkeep.text import columns
from modelkeep_core.errors import UserError
from repository import Model


def course(repository, *words):
    """Return stage, version, and the days of January from when until when, newest first."""
    data, _ = repository.answer("history", *words)
    return [
        (
            span["stage"],
            span["version"],
            int(span["from"][8:10]),
            span["until"] and int(span["until"][8:10]),
        )
        for span in data
    ]


def test_history_is_newest_first(released):
    """Since when, which version, by whom and why."""
    _, shown = released.answer("history", "prod")
    assert shown.splitlines() == [
        "prod",
        "",
        "SINCE             VERSION  BY            WHY",
        "2026-01-10 09:30  v1.0.0   Ada Lovelace  Complaints [no gate]",
        "2026-01-09 09:30  v1.1.0   Ada Lovelace  Better [no gate]",
        "2026-01-05 09:30  v1.0.0   Ada Lovelace  First release [no gate]",
    ]


def test_an_entry_has_all_that_a_program_needs(released):
    """Full ids, moments, the address of the person and the tag."""
    data, _ = released.answer("history", "prod")
    assert data[1] == {
        "model": "model",
        "stage": "prod",
        "version": "v1.1.0",
        "commit": released.git("rev-parse", "HEAD~1"),
        "from": "2026-01-09T09:30:00+00:00",
        "until": "2026-01-10T09:30:00+00:00",
        "author": "Ada Lovelace",
        "email": "ada@example.org",
        "message": "Better",
        "gate": None,
        "doubts": ["no gate"],
        "signature": None,
        "tag": "model#prod#3",
    }
    assert data[0]["until"] is None


def test_each_stage_has_a_table(released):
    """All stages, or the one that is asked for."""
    assert course(released) == [
        ("prod", "v1.0.0", 10, None),
        ("prod", "v1.1.0", 9, 10),
        ("staging", "v1.1.0", 8, None),
        ("prod", "v1.0.0", 5, 9),
    ]
    assert course(released, "staging") == [("staging", "v1.1.0", 8, None)]
    _, shown = released.answer("history")
    assert [line for line in shown.splitlines() if line in ("prod", "staging")] == [
        "prod",
        "staging",
    ]


def test_what_is_taken_back_ends_and_what_was_before_is_in_the_stage_again(repository):
    """Each time is told with the tag that made it so, and so is a time when the stage was empty."""
    first, second = repository.release("v1.0.0", None, "prod"), repository.release("v1.1.0")
    repository.assign("prod", second)
    for commit in (second, first):
        repository.assign("prod!", commit, message="It fails")
    repository.assign("prod", second)
    assert course(repository) == [
        ("prod", "v1.1.0", 10, None),
        ("prod", None, 9, 10),
        ("prod", "v1.0.0", 8, 9),
        ("prod", "v1.1.0", 7, 8),
        ("prod", "v1.0.0", 4, 7),
    ]
    data, shown = repository.answer("history")
    assert (data[2]["tag"], data[2]["message"]) == ("model#prod!#3", "It fails")
    assert shown.splitlines()[4] == "2026-01-09 09:30  -        Ada Lovelace  It fails"


def test_taking_back_what_is_not_in_the_stage_changes_nothing(repository):
    """What is in a stage stays in it."""
    first, second = repository.release("v1.0.0", None, "prod"), repository.release("v1.1.0")
    repository.assign("prod", second)
    repository.assign("prod!", first)
    assert course(repository) == [("prod", "v1.1.0", 7, None), ("prod", "v1.0.0", 4, 7)]


def test_a_version_that_is_taken_back_is_in_no_stage_any_more(repository):
    """From the day on which its number was taken back."""
    commit = repository.release("v1.0.0", None, "prod")
    repository.tag("model@v1.0.0!", commit, message="Wrong data")
    assert course(repository) == [("prod", None, 5, None), ("prod", None, 4, 5)]
    data, _ = repository.answer("history")
    assert [(span["commit"], span["message"]) for span in data] == [
        (None, "Wrong data"),
        (commit, "Why"),
    ]


def test_the_same_version_again_is_told_again(repository):
    """Somebody decided so."""
    commit = repository.release("v1.0.0", None, "prod")
    repository.assign("prod", commit, message="Still good")
    assert course(repository) == [("prod", "v1.0.0", 5, None), ("prod", "v1.0.0", 4, 5)]


def test_what_was_forced_is_marked(repository):
    """In the words that the gate wrote, and not in those of a person."""
    commit = repository.release("v1.0.0")
    for message in (
        "Urgent\n\nGate: forced\n\nA table",
        "Good\n\nGate: passed\n\nA table",
        "Gate: passed\n\nGate: forced",
    ):
        repository.assign("prod", commit, message=message)
    data, shown = repository.answer("history")
    assert [span["gate"] for span in data] == ["forced", "passed", "forced"]
    assert [line.split("Lovelace  ")[1] for line in shown.splitlines()[3:]] == [
        *("Gate: passed [forced]", "Good", "Urgent [forced]")
    ]


def test_a_reason_is_one_line(repository):
    """The first paragraph of the message."""
    commit = repository.release("v1.0.0")
    repository.assign("prod", commit, message="It is\nbetter\n\nSee the report.")
    data, shown = repository.answer("history")
    assert data[0]["message"] == "It is better"
    assert shown.endswith("It is better [no gate]")


def test_in_one_second_the_counter_tells_what_was_first(repository):
    """Tags of one moment are newest first too."""
    first, second = repository.release("v1.0.0"), repository.release("v1.1.0")
    for counter, commit in enumerate((first, second, first), start=9):
        repository.raw_tag(f"model#prod#{counter}", commit, "A <a@b> 1767225600 +0000")
    data, _ = repository.answer("history")
    assert [span["tag"] for span in data] == ["model#prod#11", "model#prod#10", "model#prod#9"]


def test_a_commit_without_a_number_goes_by_its_id(repository):
    """GTO can assign one."""
    commit = repository.commit(Model())
    repository.assign("prod", commit)
    data, shown = repository.answer("history")
    assert (data[0]["version"], data[0]["commit"]) == (None, commit)
    assert commit[:7] in shown


def test_models_have_tables_of_their_own(repository):
    """With their names, where there are several."""
    other = Model("b", name="other", package="other", metadata="other.json")
    commit = repository.commit(Model("a"), other)
    for name in ("model", "other"):
        repository.tag(f"{name}@v1.0.0")
        repository.assign("prod", commit, name)
    data, shown = repository.answer("history", "prod")
    assert [span["model"] for span in data] == ["other", "model"]
    assert [line for line in shown.splitlines() if line.endswith(" prod")] == [
        "other prod",
        "model prod",
    ]
    data, shown = repository.answer("history", "--model", "model")
    assert [span["model"] for span in data] == ["model"]
    assert shown.startswith("prod\n")
    with repository.catalogue() as catalogue:
        assert [span["model"] for span in spans(catalogue, "other")] == ["other"]


def test_where_nothing_was_promoted_it_is_said_how(repository):
    """A version alone is in no stage."""
    repository.release("v1.0.0")
    with pytest.raises(UserError, match="no stage is assigned a version yet: `modelkeep promote"):
        repository.answer("history")


def test_an_unknown_stage_is_refused(released):
    """The nearest name, and all that there are."""
    with pytest.raises(UserError) as refused:
        released.answer("history", "prd")
    assert str(refused.value) == (
        "nothing was ever in 'prd' (did you mean 'prod'?): there is prod, staging."
    )


@pytest.mark.usefixtures("terminal")
def test_no_line_is_wider_than_80_columns(repository):
    """Long reasons and names of any script are cut."""
    commit = repository.release("v10.20.30-alpha.12+build.5")
    for author, message in (("王小明" * 9, "So " * 60), ("Ada " * 20, "理由" * 50), ("A", "B")):
        repository.tag(f"model#prod#{len(author)}", commit, message, author)
    _, shown = repository.answer("history")
    assert max(map(columns, shown.splitlines())) <= 80

"""Tags are read as GTO reads them, and what is no such tag says nothing."""

import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from gto.constants import ACTION, Action
from gto.tag import parse_name
from gto.versions import SemVer

from modelkeep.registry.tags import Event, Name, of_model, order, parse, read_events
from repository import MISSING, PERSON, START, Model

pytestmark = pytest.mark.slow

WHO = "Ada <ada@example.org> 1767225600 +0000"
GTO = Path(sys.executable).with_name("gto")
VALID = [
    *("model@v1.0.0", "model@v0.0.0", "model@v10.20.30", "m@v1.0.0", "a-b_c/d@v1.0.0"),
    *("model@v1.0.0-alpha.1", "model@v1.0.0-0a.-", "model@v1.0.0+b.01", "model@v1.0.0-rc.1+5-x"),
    *("model@v1.0.0!", "model@v1.0.0#4", "model@v1.0.0!#4", "model@v1.0.0#007"),
    *("model#prod", "model#prod#1", "model#prod!", "model#prod!#12", "model#a/b-c_d#3", "1#2#3"),
    *("sub=model@v1.0.0", "some/sub.d-i_r=model#prod#1", "./../=model@v1.0.0", "a=b#c!#0"),
]
INVALID = [
    *("", "v1.0.0", "model", "model@1.0.0", "model@v1.0", "model@v01.0.0", "model@v1.0.0.0"),
    *("model@v1.0.0-", "model@v1.0.0-01", "model@v1.0.0-a..b", "model@v1.0.0+", "model@v1.0.0-ü"),
    *("model@latest", "model@", "@v1.0.0", "-model@v1.0.0", "model-@v1.0.0", "mo del@v1.0.0"),
    *("model#", "#prod", "model#-prod", "model#prod-", "model#prod#", "model#prod#-1", "model##1"),
    *("model#prod!!", "model#!prod", "model#prod#1!", "model#prod@v1.0.0", "model@v1.0.0@v1.0.0"),
    *(
        "sub:model@v1.0.0",
        "a=b=model@v1.0.0",
        "=model@v1.0.0",
        "modèle@v1.0.0",
        "model#prod#\u0661",
    ),
    *("model.x@v1.0.0", "model#pr.od#1", "xmodel@v1.0.0 ", "refs/tags/model@v1.0.0x y"),
]
# What GTO says about models themselves
OF_MODELS = ["model@deprecated", "model@created", "model@deprecated#2", "sub=model@created#1"]
SIGNS = "abzAZ019.-_/=:@#!+v~ ü"


def corpus():
    """Return names, good and bad, and such that differ from a good one in a few signs."""
    rng = random.Random(7)
    names = [*VALID, *INVALID, *OF_MODELS]
    for name in VALID * 100:
        signs = list(name)
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(signs) + 1)
            change = rng.choice(
                [[], [rng.choice(SIGNS)], [rng.choice(SIGNS), *signs[place : place + 1]]]
            )
            signs[place : place + 1] = change
        names.append("".join(signs))
    return names


def of_gto(name):
    """Return what GTO reads in the name of a tag, in our words; None where it is of a model."""
    read = parse_name(name, raise_on_fail=False)
    if not read or read.get(ACTION) is None:
        return None
    return {
        "model": read["name"],
        "stage": read.get("stage"),
        "version": read.get("version"),
        "back": "!" if read[ACTION] in (Action.UNASSIGN, Action.DEREGISTER) else "",
        "counter": read.get("counter"),
    }


def ours(name):
    """Return what we read in it, in the same form."""
    name = parse(name)
    return name and vars(name) | {"back": "!" if name.back else ""}


def test_names_are_read_as_gto_reads_them():
    """Of thousands of names, good, bad and nearly good, GTO and we accept the same, and read it."""
    names = corpus()
    assert {name: ours(name) for name in names} == {name: of_gto(name) for name in names}
    assert sum(parse(name) is not None for name in names[len(VALID) :]) > 500


def test_digits_of_other_scripts_make_no_version():
    """GTO takes them for digits, Semantic Versioning does not."""
    assert parse("model@v1\u0660.0.0") is None


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("model@v1.0.0", Name("model", "v1.0.0", None, False, None)),
        ("model@v1.0.0-rc.1+5!#3", Name("model", "v1.0.0-rc.1+5", None, True, 3)),
        ("model#prod", Name("model", None, "prod", False, None)),
        ("some/sub=model#prod!#12", Name("some/sub:model", None, "prod", True, 12)),
    ],
)
def test_a_name_says_model_version_or_stage(tag, name):
    """Each part of the grammar arrives in its place."""
    assert parse(tag) == name


def test_versions_are_in_the_order_of_semantic_versioning():
    """The example of its specification, numbers as numbers, and releases above what led to them."""
    increasing = [
        *("v0.9.10", "v1.0.0-0", "v1.0.0-2", "v1.0.0-11", "v1.0.0-alpha", "v1.0.0-alpha.1"),
        *("v1.0.0-alpha.beta", "v1.0.0-beta", "v1.0.0-beta.2", "v1.0.0-beta.11", "v1.0.0-rc.1"),
        *("v1.0.0", "v1.0.9", "v1.0.10", "v1.2.0", "v1.10.0", "v2.0.0"),
    ]
    mixed = random.Random(7).sample(increasing, len(increasing))
    assert sorted(mixed, key=order) == increasing == sorted(mixed, key=SemVer)


def test_what_follows_a_plus_does_not_count():
    """Two builds of a version are equally old."""
    assert order("v1.0.0+a") == order("v1.0.0+b") == order("v1.0.0")


def events(repository):
    """Return what the tags of a repository say."""
    with repository.catalogue() as catalogue:
        return read_events(catalogue.git)


def test_an_annotated_tag_says_who_when_why(repository):
    """Everything that a tag object holds is there, under the full id of its commit."""
    commit = repository.commit(Model())
    repository.tag("sub=model#prod!#3", message="It fails\nat night\n\nSee the log.")
    (event,) = events(repository)
    assert event == Event(
        tag="sub=model#prod!#3",
        oid=repository.git("rev-parse", "sub=model#prod!#3"),
        model="sub:model",
        version=None,
        stage="prod",
        back=True,
        counter=3,
        commit=commit,
        author=PERSON,
        email="ada@example.org",
        when=START + timedelta(days=2),
        message="It fails\nat night\n\nSee the log.",
    )
    assert event.reason == "It fails at night"


def test_what_is_no_tag_of_a_registry_says_nothing(repository):
    """Lightweight tags, names of another grammar, and tags of a tag, a tree or a file."""
    commit = repository.commit(Model())
    for name in ("model@v1.0.0", "model#prod#1"):
        repository.point(f"tags/{name}", commit)
    for name in ("v1.0.0", "model-v1.0.0", "model@1.0", "release/1", "model@created"):
        repository.tag(name)
    for name, at in (("2", "v1.0.0"), ("3", "HEAD^{tree}"), ("4", "HEAD:model.json")):
        repository.git("tag", "-a", "-m", "x", f"model#prod#{name}", at)
        repository.git("tag", f"model@v{name}.0.0", at)
    assert events(repository) == []
    repository.tag("model#prod#5", commit)
    assert [event.tag for event in events(repository)] == ["model#prod#5"]


@pytest.mark.parametrize(
    "tagger",
    [
        *("", "Ada", "Ada <ada@example.org>", "Ada <ada@example.org> noon +0000"),
        *("A <a> 1767225600", "A <a> 1767225600 UTC", "A <a 1767225600 +0000", "<" * 50_000),
    ],
)
def test_a_tag_without_a_person_and_a_date_says_nothing(repository, tagger):
    """A tag object that Git would not write does not keep the others from being read."""
    commit = repository.commit(Model())
    repository.raw_tag("model@v2.0.0", commit, tagger)
    repository.tag("model@v1.0.0")
    assert [event.version for event in events(repository)] == ["v1.0.0"]


def test_a_tag_whose_object_is_lost_or_damaged_says_nothing(repository):
    """Those before and behind it are read."""
    commit = repository.commit(Model())
    long = "".join(random.Random(7).choices("abcdefgh \n", k=30_000))
    damaged = [
        repository.raw_tag("model#prod#2", commit, WHO, long),
        repository.raw_tag("model@v2.0.0", commit, WHO, long + "again"),
    ]
    assert len(events(repository)) == 2
    for oid in damaged:
        repository.damage(oid)
    repository.point("tags/model@v3.0.0", MISSING)
    for name in ("model#prod#1", "model#prod#3", "model@v1.0.0", "model@v4.0.0"):
        repository.tag(name, commit)
    read = [event.tag for event in events(repository)]
    assert read == ["model#prod#1", "model#prod#3", "model@v1.0.0", "model@v4.0.0"]


def test_a_tag_of_a_lost_commit_still_speaks(repository):
    """What was registered is known, though the commit is not here."""
    repository.commit(Model())
    repository.raw_tag("model@v1.0.0", MISSING, WHO)
    assert [event.commit for event in events(repository)] == [MISSING]


def test_tags_of_any_name_can_lie_beside(repository):
    """A name with signs that other programs take for the end of a line is no obstacle."""
    commit = repository.commit(Model())
    for name in ("a\u2028b", "c\x85d", "größe", "--x", "a b".replace(" ", "\u3000")):
        repository.point(f"tags/{name}", commit)
    repository.tag("model@v1.0.0")
    assert len(events(repository)) == 1


def test_tags_are_in_the_order_of_time_then_of_their_counters(repository):
    """Assignments of a model are in the order of their counters, whatever their dates."""
    commit = repository.commit(Model())
    for name, second in (("a#s#10", 5), ("a#s#9", 5), ("a#s#1", 9), ("a@v1.0.0", 7), ("b#s#2", 1)):
        repository.raw_tag(name, commit, f"A <a@b> 17672256{second:02} +0000")
    read = events(repository)
    assert [event.tag for event in read] == ["b#s#2", "a@v1.0.0", "a#s#1", "a#s#9", "a#s#10"]
    assert [event.tag for event in of_model(read, "b")] == ["b#s#2"]


@pytest.mark.parametrize(
    ("zone", "iso"),
    [
        ("+0000", "2026-01-01T00:00:00+00:00"),
        ("+0530", "2026-01-01T05:30:00+05:30"),
        ("-0330", "2025-12-31T20:30:00-03:30"),
    ],
)
def test_a_date_keeps_the_time_zone_of_its_author(repository, zone, iso):
    """The moment is exact, and so is the hour that the author's clock showed."""
    commit = repository.commit(Model())
    repository.raw_tag("model@v1.0.0", commit, f"A <a@b> 1767225600 {zone}")
    assert [event.when.isoformat() for event in events(repository)] == [iso]


@pytest.mark.parametrize(
    ("tagger", "author", "email"),
    [
        ("Ada Lovelace <a@b>", "Ada Lovelace", "a@b"),
        ("<a@b>", "", "a@b"),
        ("王 小明 <>", "王 小明", ""),
        ('A "B" C. <"x y"@b>', 'A "B" C.', '"x y"@b'),
    ],
)
def test_an_author_is_who_the_tag_names(repository, tagger, author, email):
    """A name may be of any script, a name or an address may be missing."""
    commit = repository.commit(Model())
    repository.raw_tag("model@v1.0.0", commit, f"{tagger} 1767225600 +0000")
    assert [(event.author, event.email) for event in events(repository)] == [(author, email)]


@pytest.mark.parametrize("kind", ["PGP SIGNATURE", "SSH SIGNATURE", "SIGNED MESSAGE"])
def test_a_signature_is_no_part_of_the_message(repository, kind):
    """A signed tag reads like any other."""
    commit = repository.commit(Model())
    signature = f"-----BEGIN {kind}-----\n\nabc\n-----END {kind}-----\n"
    repository.raw_tag("model@v1.0.0", commit, WHO, f"Why\n\nMore\n{signature}")
    assert [event.message for event in events(repository)] == ["Why\n\nMore"]


def test_a_message_that_is_not_utf8_is_read_as_far_as_it_goes(repository):
    """One odd letter hides neither the tag nor the rest of the message."""
    commit = repository.commit(Model())
    repository.raw_tag("model@v1.0.0", commit, WHO, "Gr\udcf6\udcdfe\n")
    assert [event.message for event in events(repository)] == ["Gr\ufffd\ufffde"]


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("Why\n\nGate: passed\n\nA table", "passed"),
        ("Why\n\nGate: passed\n\nGate: forced\n\nA table", "forced"),
        ("Gate: passed\n\nGate: forced", "forced"),
        ("Gate: passed", None),
        ("Why\n\nThe Gate: passed\nGate : passed\nGates: passed", None),
        ("Why", None),
    ],
)
def test_a_trailer_is_written_below_the_reason(repository, message, value):
    """What a person gives as a reason cannot pass for what the command writes below it."""
    repository.commit(Model())
    repository.tag("model#prod#1", message=message)
    assert [event.trailer("Gate") for event in events(repository)] == [value]


def gto(repository, *words):
    """Run GTO a day later."""
    repository.days += 1
    date = (START + timedelta(days=repository.days)).isoformat()
    person = {
        "GIT_COMMITTER_NAME": PERSON,
        "GIT_COMMITTER_EMAIL": "a@b",
        "GIT_COMMITTER_DATE": date,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in person.items():
            patch.setenv(name, value)
        subprocess.run([GTO, *words], cwd=repository.directory, check=True, capture_output=True)


def test_what_gto_writes_is_read(repository):
    """Versions and stages that GTO registers, assigns and takes back are those that we see."""
    commit = repository.commit(Model())
    gto(repository, "register", "model", "--version", "v1.0.0", "--message", "The first")
    gto(repository, "assign", "model", "--version", "v1.0.0", "--stage", "prod")
    with repository.catalogue() as catalogue:
        assert catalogue.numbered["model"]["v1.0.0"].commit == commit
        assert catalogue.assignments["model"]["prod"].commit == commit
        assert catalogue.events[0].message == "The first"
    gto(repository, "deprecate", "model", "v1.0.0", "prod")
    with repository.catalogue() as catalogue:
        assert catalogue.assignments["model"] == {}
    gto(repository, "deprecate", "model", "v1.0.0")
    with repository.catalogue() as catalogue:
        assert catalogue.numbered["model"] == {}

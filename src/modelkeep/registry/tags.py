"""The tags that make a registry, in the grammar of GTO, read from Git's tag objects.

`model@v1.2.0` on a commit is a version, `model#prod#3` assigns a commit to a stage, and either with
"!" takes that back; `model@deprecated` retires a model. Lightweight tags and tags in another
grammar are none of these.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from modelkeep.registry.git import Git

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9-/_]*[a-zA-Z0-9])?"
_NUMBER = r"(?:0|[1-9]\d*)"
_PRE = rf"(?:{_NUMBER}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
VERSION = re.compile(
    rf"v({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PRE}(?:\.{_PRE})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
_TAG = re.compile(
    rf"(?P<model>(?:[a-zA-Z0-9-_./]+=)?{_NAME})"
    rf"(?:(?:#(?P<stage>{_NAME})|@(?P<version>{VERSION.pattern}))(?P<back>!?)|@(?P<old>deprecated))"
    r"(?:#(?P<counter>[0-9]{1,18}))?",
    re.ASCII,
)
STAGE = re.compile(_NAME, re.ASCII)
LONGEST_VERSION = 200
_TARGET = re.compile(r"object ([0-9a-f]{40,64})\ntype commit\ntag (.*)\n")
_SIGNATURE = re.compile(r"^-----BEGIN [A-Z ]+-----$.*", re.MULTILINE | re.DOTALL)
_TAGGER = re.compile(r"^tagger ([^<\n]*?) ?<([^>\n]*)> (\d+) ([+-])(\d\d)(\d\d)", re.MULTILINE)
# What is read of a tag object, and how far its clock may be ahead of ours
MOST_OF_A_TAG = 2**20
AHEAD = timedelta(days=1)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
# Git began on that day; what is older has another clock's date.
GIT = datetime(2005, 4, 7, tzinfo=UTC)
LAST_YEAR = 9000


@dataclass(frozen=True)
class Event:
    """What one tag says.

    Attributes:
        tag: its name.
        oid: the id of the tag object.
        model: the model's name in GTO's grammar: "model", or "some/directory:model".
        version, stage: one of them: what was registered, or the stage that was assigned; neither
            where the model was deprecated.
        back: whether the tag takes it back.
        counter: the running number of an assignment; 0 where there is none.
        commit: the full id of the commit that the tag points to.
        author, email, when, message: who wrote the tag, when and why.
        odd: what is wrong with its date, or None.
        signed: whether there is a signature on it; what it is worth, is another question.
        moment: from when on it counts, among the events of the model.
    """

    tag: str
    oid: str
    model: str
    version: str | None
    stage: str | None
    back: bool
    counter: int
    commit: str
    author: str
    email: str
    when: datetime
    message: str
    odd: str | None = None
    signed: bool = False
    moment: datetime = field(default=FIRST, compare=False)

    @property
    def deprecates(self) -> bool:
        """Whether it retires the model."""
        return self.version is None and self.stage is None

    @property
    def reason(self) -> str:
        """The first paragraph of the message, in one line."""
        return " ".join(self.message.split("\n\n")[0].split())

    def trailer(self, key: str) -> str | None:
        """Return the value of the last "Key: value" line below the reason, which people write."""
        return self._trailers.get(key)

    @cached_property
    def _trailers(self) -> dict[str, str]:
        _, _, below = self.message.partition("\n\n")
        lines = (line.partition(": ") for line in below.splitlines())
        return {key: value for key, colon, value in lines if key and colon}


@dataclass(frozen=True)
class Name:
    """What the name of a tag says.

    Attributes:
        model: the model's name in GTO's grammar.
        version, stage: one of them; neither where the model is deprecated.
        back: whether the tag takes back.
        counter: the running number, or None where there is none.
    """

    model: str
    version: str | None
    stage: str | None
    back: bool
    counter: int | None


def parse(tag: str) -> Name | None:
    """Return what the name of a tag says; None for one in another grammar."""
    match = _TAG.fullmatch(tag)
    if not match:
        return None
    model, stage, version, back, counter = match.group(
        "model", "stage", "version", "back", "counter"
    )
    number = None if counter is None else int(counter)
    # Python takes digits of numbers only up to some thousands.
    if version and len(version) > LONGEST_VERSION:
        return None
    return Name(model.replace("=", ":"), version, stage, back == "!", number)


def order(version: str) -> tuple[Any, ...]:
    """Return a key that sorts version numbers by the rules of Semantic Versioning 2.0.0.

    Raises:
        ValueError: it is no version number.
    """
    match = VERSION.fullmatch(version)
    if match is None:
        raise ValueError(version)
    major, minor, patch = (int(match.group(part)) for part in (1, 2, 3))
    parts = [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in (match.group(4) or "").split(".")
        if part
    ]
    return major, minor, patch, not parts, parts


def read_events(git: Git) -> list[Event]:
    """Return what all tags of the repository say, oldest first.

    A tag whose object is missing or damaged says nothing. Assignments of a model are in the order
    of their counters, whatever their dates; all else is in the order of time. A date that cannot
    be right makes a tag the oldest of those without a counter.
    """
    tags = [(tag.removeprefix("refs/tags/"), oid) for tag, oid in git.refs("refs/tags")]
    wanted = [(tag, oid, name) for tag, oid in tags if (name := parse(tag))]
    events = [
        event
        for (tag, oid, name), content in zip(
            wanted, git.read(oid for _, oid, _ in wanted), strict=True
        )
        if content is not None and (event := _event(tag, oid, name, content))
    ]
    return sorted(_placed(events), key=lambda event: (event.moment, event.counter))


def _placed(events: list[Event]) -> Iterator[Event]:
    """Yield events with the moment from which each counts: no assignment before the last one."""
    latest: dict[str, datetime] = {}
    for event in sorted(events, key=lambda event: (event.counter, event.when)):
        moment = event.moment
        if event.stage and event.counter:
            moment = latest[event.model] = max(moment, latest.get(event.model, FIRST))
        yield event if moment is event.moment else replace(event, moment=moment)


def _event(tag: str, oid: str, name: Name, content: bytes) -> Event | None:
    """Return what a tag object says; None for a broken one, and for what is no tag object.

    A lightweight tag is a commit's, or another tag's, whose name is in the object.
    """
    whole = content[:MOST_OF_A_TAG].decode("utf-8", errors="replace")
    header, _, message = whole.partition("\n\n")
    target, tagger = _TARGET.match(header), _TAGGER.search(header)
    if not target or not tagger or target.group(2) != tag:
        return None
    author, email, *date = tagger.groups()
    when, odd = _date(*date)
    signature = _SIGNATURE.search(message) if "-----BEGIN " in message else None
    return Event(
        tag=tag,
        oid=oid,
        model=name.model,
        version=name.version,
        stage=name.stage,
        back=name.back,
        counter=name.counter or 0,
        commit=target.group(1),
        author=author,
        email=email,
        when=when,
        message=message[: signature.start() if signature else None].strip(),
        odd=odd,
        signed=signature is not None,
        moment=FIRST if odd else when,
    )


def _date(seconds: str, sign: str, hours: str, minutes: str) -> tuple[datetime, str | None]:
    """Return the date of a tag, and what is wrong with it, or None."""
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    zone = timezone(offset) if offset and abs(offset) < timedelta(days=1) else UTC
    try:
        when = datetime.fromtimestamp(int(seconds), zone)
    except (OSError, OverflowError, ValueError):
        return FIRST, "has a date that is in no calendar"
    if when.year > LAST_YEAR:
        return FIRST, "has a date that is in no calendar"
    if when > datetime.now(UTC) + AHEAD:
        return when, f"is dated {when:%Y-%m-%d}, which is still to come"
    if when < GIT:
        return when, f"is dated {when:%Y-%m-%d}, before there was Git"
    return when, None


def of_model(events: list[Event], model: str) -> Iterator[Event]:
    """Yield the events of one model."""
    return (event for event in events if event.model == model)


def removal(tag: str) -> str:
    """Return the commands that take a tag away, here and at origin."""
    return f"`git tag -d '{tag}'` and `git push origin ':refs/tags/{tag}'`"

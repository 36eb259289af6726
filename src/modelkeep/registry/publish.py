"""Write one annotated tag, whole or not at all, and send it where it is asked for."""

import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import Git, GitError
from modelkeep.registry.tags import parse, read_events
from modelkeep.registry.trust import SETUP
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

REMOTE = "origin"
# Git writes no date of another century.
LAST_OF_GIT = datetime(2099, 1, 1, tzinfo=UTC)


def registration(catalogue: Catalogue, model: str, version: str) -> str:
    """Return the name of the tag that registers a version, as GTO names it."""
    from gto.constants import Action
    from gto.tag import name_tag

    _check(catalogue, model)
    return name_tag(Action.REGISTER, model, version=version, simple=True)


def assignment(catalogue: Catalogue, model: str, stage: str) -> str:
    """Return the name of the tag that assigns a stage, as GTO names it: with the next counter."""
    from gto.constants import Action
    from gto.tag import name_tag

    _check(catalogue, model)

    class Tags:
        @staticmethod
        def list_tags() -> list[str]:
            names = (name.removeprefix("refs/tags/") for name, _ in catalogue.git.refs("refs/tags"))
            return [name for name in names if parse(name)]

    tags: Any = Tags
    return name_tag(Action.ASSIGN, model, stage=stage, scm=tags)


def _check(catalogue: Catalogue, model: str) -> None:
    from gto.constants import assert_fullname_is_valid
    from gto.exceptions import ValidationError

    try:
        assert_fullname_is_valid(model)
    except ValidationError as error:
        raise UserError(
            f"'{model}' cannot be the name of a model in a tag: {error} Rename the artifact in "
            "dvc.yaml, or the directory that the project is in."
        ) from None


def check_remote(catalogue: Catalogue, model: str) -> None:
    """Make sure that the tags of a model are the same here and in the remote repository.

    Raises:
        UserError: the remote cannot be reached, or has tags that are not here.
    """
    git = catalogue.git
    listed = _sent(git, "ls-remote", "--tags", "--refs", REMOTE)
    here = dict(git.refs("refs/tags"))
    for line in listed.splitlines():
        oid, name = line.split("\t")
        tag = name.removeprefix("refs/tags/")
        if re.match(rf"{re.escape(model.replace(':', '='))}[@#]", tag) and here.get(name) != oid:
            raise UserError(
                f"{REMOTE} has the tag {tag}, which is {'another one' if name in here else 'not'} "
                f"here: somebody was faster. `git fetch {REMOTE} 'refs/tags/*:refs/tags/*'` brings "
                "it; then decide again."
            )


def write(catalogue: Catalogue, tag: str, commit: str, message: str, push: bool) -> str:
    """Write an annotated tag and, if it is to be pushed, send it; nothing is left if that fails.

    Git itself writes it: with the person's identity and signature, and never over another tag.
    A tag is dated after those that the model has, as GTO goes by the date.

    Returns:
        One sentence on what was done.

    Raises:
        UserError: Git did not write or send it.
    """
    git = catalogue.git
    try:
        git.run("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
    except GitError:
        raise UserError(
            "Git does not know who you are: `git config user.name` and `git config user.email` "
            "say it."
        ) from None
    name = parse(tag)
    policy = catalogue.trust.policy(Version(name.model, "").directory) if name else None
    asked = name is not None and policy is not None and policy.asks(name.stage)
    dates = (event.when for event in catalogue.events if event.when < LAST_OF_GIT)
    last = max(dates, default=None)
    now = datetime.now().astimezone()
    when = now if last is None else max(now, last + timedelta(seconds=1))
    date = f"{int(when.timestamp())} {now.strftime('%z')}"
    try:
        git.run(
            *("tag", "--sign" if asked else "--annotate"),
            *("--cleanup=verbatim", "--file=-", tag, commit),
            input=f"{message.strip()}\n",
            GIT_COMMITTER_DATE=date,
        )
    except GitError as error:
        setup = f" The tag has to be signed. {SETUP}" if asked else ""
        raise UserError(f"the tag {tag} was not written: {error}{setup}") from None
    if asked and name is not None:
        _check_signed(catalogue, tag, name.stage)
    elif _signs(git):
        _check_has_signature(git, tag)
    if not push:
        return f"{tag} is written here; `git push {REMOTE} {_quoted(tag)}` shares it."
    written = git.run("rev-parse", f"refs/tags/{tag}").strip()
    try:
        # What else leads to the same commits is not sent, whatever a person has set.
        _sent(
            git, "push", "--quiet", "--no-follow-tags", REMOTE, f"refs/tags/{tag}:refs/tags/{tag}"
        )
    except (UserError, KeyboardInterrupt) as error:
        _settle(git, tag, written, str(error) or "Interrupted.")
    return f"{tag} is written and pushed to {REMOTE}."


def _signs(git: Git) -> bool:
    """Say whether a person lets Git sign all tags."""
    asked = ("config", "--type=bool", "--default=false", "--get", "tag.gpgSign")
    return git.run(*asked).strip() == "true"


def _check_has_signature(git: Git, tag: str) -> None:
    """Make sure that Git has signed a new tag: for want of a key, it writes one without.

    Raises:
        UserError: it has not; the tag was taken back.
    """
    if any(event.tag == tag and event.signed for event in read_events(git)):
        return
    git.run("update-ref", "-d", f"refs/tags/{tag}")
    raise UserError(
        f"the tag {tag} was not written: tag.gpgSign lets Git sign tags, and Git did not. `git tag "
        "--sign -m test test` shows why, and `git tag -d test` takes that away."
    )


def _check_signed(catalogue: Catalogue, tag: str, stage: str | None) -> None:
    """Make sure that the signature of a new tag counts; it is taken back where it does not.

    Raises:
        UserError: it does not.
    """
    git = catalogue.git
    events = read_events(git)
    try:
        event = next(event for event in events if event.tag == tag)
        catalogue.trust.check(event, stage, f"{SETUP} The tag was taken back: nothing has changed.")
    except UserError:
        git.run("update-ref", "-d", f"refs/tags/{tag}")
        raise


def _settle(git: Git, tag: str, written: str, reason: str) -> None:
    """After a push without a good answer, ask the remote repository what it has, and go by that.

    Raises:
        UserError: it does not have the tag, or cannot be asked; then the tag is taken back here.
    """
    there: str | None = None
    answer = None
    with suppress(UserError):
        answer = _sent(git, "ls-remote", "--tags", "--refs", REMOTE, f"refs/tags/{tag}")
        there = answer.partition("\t")[0] or None
    if there == written:
        return
    git.run("update-ref", "-d", f"refs/tags/{tag}", written)
    if answer is None:
        raise UserError(
            f"{reason} Whether {REMOTE} has the tag {tag} is not known, since it cannot be asked "
            f"either. The tag was taken back here; `git fetch {REMOTE} 'refs/tags/*:refs/tags/*'` "
            "brings it if it is there. Look, then decide again."
        )
    raise UserError(
        f"{reason} The tag {tag} was taken back: nothing has changed. If somebody was faster, "
        f"`git fetch {REMOTE} 'refs/tags/*:refs/tags/*'` brings what they decided."
    )


def _sent(git: Git, *arguments: str) -> str:
    if REMOTE not in git.run("remote").split():
        raise UserError(f"there is no remote repository '{REMOTE}': `git remote add {REMOTE} URL`.")
    try:
        return git.run(*arguments)
    except GitError as error:
        raise UserError(f"{REMOTE} did not take part: {error}.") from None


def _quoted(tag: str) -> str:
    return f"'{tag}'" if os.name == "posix" else f'"{tag}"'

"""Whose signature a tag needs, and whether it has it: what stands between a tag and its use.

The default branch says who may sign (`.modelkeep/allowed_signers`) and where it is asked for
(`require_signed` of `[tool.modelkeep]`); a file that a person names says both, for every stage.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from modelkeep.registry.git import Git
from modelkeep.registry.tags import Event, removal
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

# Every command has a Trust, and most repositories have no signature: what judges one is imported
# where there is one.
if TYPE_CHECKING:
    from modelkeep.registry.allowed_signers import Signer
    from modelkeep.registry.judgements import Judgements
    from modelkeep.registry.signing_policy import Policy
    from modelkeep.registry.ssh_signature import Judgement

# In a table, of a signer who may release to other stages only
OTHER = "not for this stage"
SETUP = (
    "Let Git sign for you in this repository: `git config --local gpg.format ssh` and "
    "`git config --local user.signingkey FILE.pub`; your key must be in "
    ".modelkeep/allowed_signers of the default branch."
)


class Trust:
    """What the signatures of a repository's tags are worth."""

    def __init__(self, git: Git, signers: Path | None = None) -> None:
        """Prepare to judge.

        Args:
            git: the repository.
            signers: a file of allowed signers that a person names; then every stage and version
                that is used needs a signature, and the repository's own file does not count.

        Raises:
            UserError: the file cannot be read, or allows nobody.
        """
        self.git = git
        self._named = signers
        self._policies: dict[str, Policy] = {}
        if signers is not None:
            from modelkeep.registry.signing_policy import named_policy

            self._policies[""] = named_policy(signers)

    @cached_property
    def _judgements(self) -> "Judgements":
        from modelkeep.registry.judgements import Judgements

        return Judgements(self.git)

    def policy(self, directory: str) -> "Policy":
        """Return what holds for the models of the project in a directory: "" or "some/directory/".

        Raises:
            UserError: what the default branch says cannot be used, or which one it is, is not known
                and makes a difference.
        """
        if self._named is not None:
            return self._policies[""]
        if directory not in self._policies:
            from modelkeep.registry.signing_policy import read_policy

            self._policies[directory] = read_policy(self.git, directory)
        return self._policies[directory]

    @property
    def fingerprint(self) -> str:
        """What changes whenever somebody changes whose signatures count.

        Raises:
            UserError: the file that a person names cannot be read any more.
        """
        from hashlib import sha256

        from modelkeep.registry.default_branch import default_branches
        from modelkeep.registry.signing_policy import named_policy

        named = named_policy(self._named).signers if self._named else b""
        commits = self.git.ids(default_branches(self.git))
        return " ".join([sha256(named or b"").hexdigest(), *map(str, commits)])

    def judgements(self, events: Sequence[Event]) -> "dict[str, Judgement]":
        """Return what the signatures of tags are worth, by the names of the tags.

        Where a project has no allowed signers, its tags are left out.

        Raises:
            UserError: ssh-keygen cannot be run, or it is not known whose signatures count.
        """
        by_signers: dict[bytes, list[Event]] = {}
        for event in events:
            signers = self.policy(Version(event.model, "").directory).signers
            if signers is not None:
                by_signers.setdefault(signers, []).append(event)
        return {
            event.tag: judgement
            for signers, own in by_signers.items()
            for event, judgement in zip(own, self._judgements.of(own, signers), strict=True)
        }

    def shown(self, events: Sequence[Event]) -> dict[str, dict[str, str]]:
        """Return who signed tags ("by"), or what is wrong ("problem"), by the names of the tags.

        Where no tag is signed, or it is not known whose signatures count, none is there.
        """
        if not any(event.signed for event in events):
            return {}
        try:
            judgements = self.judgements(events)
        except UserError:
            return {}
        shown = {}
        for event in events:
            if judgement := judgements.get(event.tag):
                able = [part for part in judgement.signers if part.may_release_to(event.stage)]
                by, problem = able[0].name if able else "", judgement.word
                shown[event.tag] = {"by": by, "problem": problem if able or problem else OTHER}
        return shown

    def check(self, event: Event, stage: str | None, remedy: str, now: bool = False) -> None:
        """Make sure that a tag is signed by somebody whose word counts.

        Args:
            event: the tag.
            stage: the stage that it is about; None for a version.
            remedy: the last sentence of the message.
            now: whether the key must be valid today too, and not on the date of the tag alone:
                whoever has an old key can write an old date.

        Raises:
            UserError: it is not.
        """
        policy = self.policy(Version(event.model, "").directory)
        if reason := self._doubt(event, stage, policy, now):
            about = f"what is in '{stage}'" if stage else "a version"
            raise UserError(
                f"the tag {event.tag} {reason}, and {about} counts only with the signature of "
                f"somebody whom {policy.where} allows to sign it. {remedy}"
            )

    def _doubt(self, event: Event, stage: str | None, policy: "Policy", now: bool) -> str:
        """Return why a tag does not count, as the end of a sentence, or ""."""
        if event.odd:
            return event.odd
        if policy.signers is None:
            return "cannot be checked, as there are no allowed signers"
        (judgement,) = self._judgements.of([event], policy.signers)
        if not judgement.signers:
            return judgement.reason
        able = [signer for signer in judgement.signers if signer.may_release_to(stage)]
        if not able:
            return f"is signed by {judgement.signers[0].name}, who may not release to '{stage}'"
        if now and not any(
            signer.line == signer.undated or self._valid_now(event, signer) for signer in able
        ):
            return f"is signed by {able[0].name}, whose key is not valid any more"
        return ""

    def _valid_now(self, event: Event, signer: "Signer") -> bool:
        from modelkeep.registry.ssh_signature import valid_at

        content = self.git.read_one(event.oid)
        return content is not None and valid_at(signer, content, datetime.now(UTC))

    def check_number(self, version: Version) -> None:
        """Make sure that the number of a version is signed, where signatures are asked for.

        Raises:
            UserError: it is not.
        """
        if not self.policy(version.directory).asks(None):
            return
        remedy = f"If you vouch for it yourself, name the commit: {version.commit[:12]}."
        if version.registered is None:
            raise UserError(
                f"commit {version.commit[:7]} has no version number that somebody has signed, and "
                f"signatures are asked for here. {remedy}"
            )
        self.check(version.registered, None, remedy)

    def check_stage(self, events: Iterable[Event], assigned: Event, version: Version) -> None:
        """Make sure that what is in a stage is there by signed tags, where they are asked for.

        Beside the assignment, all that keeps a later one from being in force must be signed.

        Args:
            events: what the tags of the model say, oldest first.
            assigned: the assignment that is in force.
            version: what it assigns.

        Raises:
            UserError: it is not.
        """
        stage = assigned.stage
        if stage is None or not self.policy(version.directory).asks(stage):
            return
        remedy = (
            f"`modelkeep promote {version.number or 'VERSION'} {stage}` assigns it with your "
            "signature"
        )
        remedy += f"; {removal(assigned.tag)} take the tag away."
        self.check(assigned, stage, remedy, now=True)
        for event in deciding([*events], assigned):
            self.check(event, stage if event.back else None, f"{removal(event.tag)} take it away.")


def deciding(events: list[Event], assigned: Event) -> list[Event]:
    """Return the tags but for which another assignment than the one in force would be in force.

    They are those that took back a later assignment, or the number of what it assigned; the number
    of the present one, if it had another that was taken back; and what revived the model after it
    was deprecated.
    """
    place = (assigned.moment, assigned.counter)
    later = {
        event.commit
        for event in events
        if event.stage == assigned.stage
        and not event.back
        and (event.moment, event.counter) > place
    }
    tags = [
        event
        for event in events
        if event.back and event.stage in (None, assigned.stage) and event.commit in later
    ]
    if any(event.back and event.version and event.commit == assigned.commit for event in events):
        numbers = [event for event in events if event.version and event.commit == assigned.commit]
        tags += [event for event in numbers if not event.back][-1:]
    retired = [place for place, event in enumerate(events) if event.deprecates]
    if retired and events.index(assigned) < retired[-1]:
        tags += events[retired[-1] + 1 :][:1]
    return tags

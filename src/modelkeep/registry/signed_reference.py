"""What a reference is worth where signatures are asked for: a commit id speaks for itself."""

import re

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import GitError
from modelkeep.registry.version import Version

# Fewer digits could be those of another commit, which somebody looked for.
SHORTEST = 7
_COMMIT = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")
_TAGS = "refs/tags/"


def check_named(catalogue: Catalogue, version: Version, reference: str) -> None:
    """Make sure that what a number or a stage names is signed, where that is asked for.

    Raises:
        UserError: it is not.
    """
    by_number = (version.number or "").removeprefix("v") == reference.removeprefix("v")
    # A stage that needs signatures was checked when it was looked for.
    if by_number or not catalogue.trust.policy(version.directory).asks(reference):
        catalogue.trust.check_number(version)


def check_revision(catalogue: Catalogue, version: Version, reference: str) -> None:
    """Make sure that a Git revision or a recipe id leads to a version past no unsigned tag.

    Raises:
        UserError: it does not, where signatures are asked for.
    """
    trust = catalogue.trust
    if not trust.policy(version.directory).asks(None):
        return
    if _COMMIT.fullmatch(reference) and version.commit.startswith(reference):
        return
    name = _tag(catalogue, reference)
    commit = catalogue.git.commit(reference)
    if commit == version.commit and name is None:
        return
    for event in catalogue.events:
        if event.tag == name and event.commit == version.commit and event.stage:
            catalogue.check_signed(event)
            if trust.policy(version.directory).asks(event.stage):
                return
    trust.check_number(version)


def _tag(catalogue: Catalogue, reference: str) -> str | None:
    """Return the name of the tag that a Git revision starts from, or None."""
    start = re.split(r"[~^]|@{", reference, maxsplit=1)[0]
    if start.startswith("-"):
        return None
    try:
        full = catalogue.git.run("rev-parse", "--symbolic-full-name", "--verify", "--quiet", start)
    except GitError:
        return None
    return full.strip().removeprefix(_TAGS) if full.startswith(_TAGS) else None

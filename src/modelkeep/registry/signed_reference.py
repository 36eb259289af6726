"""What a reference is worth where signatures are asked for: a commit id speaks for itself."""

import re

from modelkeep.registry.believed import BRANCHES
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import Git
from modelkeep.registry.version import Version

# Fewer digits could be those of another commit, which somebody looked for.
SHORTEST = 7
_COMMIT = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")


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
    start = re.split(r"[~^]|@{", reference, maxsplit=1)[0]
    if catalogue.git.commit(reference) == version.commit and _is_own(catalogue.git, start):
        return
    name = start.removeprefix("refs/").removeprefix("tags/")
    for event in catalogue.events:
        if event.tag == name and event.commit == version.commit and event.stage:
            catalogue.check_signed(event)
            if trust.policy(version.directory).asks(event.stage):
                return
    trust.check_number(version)


def _is_own(git: Git, start: str) -> bool:
    """Say whether a Git revision starts from a commit id, a branch or what is checked out.

    A tag of the same name comes first for Git, also where the name looks like the beginning of an
    id.
    """
    if start in ("HEAD", "@", ""):
        return True
    if f"refs/tags/{start}" in {name for name, _ in git.refs("refs/tags")}:
        return False
    if _COMMIT.fullmatch(start):
        return (git.commit(start) or "").startswith(start)
    branches = {name for name, _ in git.refs(*BRANCHES)}
    named = {start, f"refs/{start}", f"refs/heads/{start}", f"refs/remotes/{start}"}
    return bool(named & branches)

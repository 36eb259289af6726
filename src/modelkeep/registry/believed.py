"""Whether what the tags say of a stage can be believed: the answer, or the reason why not.

A tag says what somebody wrote who may push tags. It is believed as far as this clone has all tags
that there are, the commit has a version number, and the commit is on a branch.
"""

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import ASK_NOBODY, Git, GitError
from modelkeep.registry.tags import Event, parse, removal
from modelkeep_core.errors import UserError

ORIGIN = "origin"
BRANCHES = ("refs/heads", "refs/remotes")
# Seconds within which origin must have said which tags it has
PATIENCE = 10
# How many tags a message names
NAMED = 3


SHALLOW = (
    "this clone is shallow: it lacks commits and tags, so what is in a stage is not known here. "
    "`git fetch --unshallow --tags` brings the rest (in a workflow: fetch-depth: 0)."
)


def check_history(git: Git) -> None:
    """Make sure that this clone can know what is in a stage.

    Raises:
        UserError: it is shallow: it has the tags of some commits only.
    """
    if git.shallow:
        raise UserError(SHALLOW)


def check_assignment(catalogue: Catalogue, event: Event) -> None:
    """Make sure that what a tag assigns to a stage was registered, and lies on a branch.

    Whoever may push tags, and no branches, could else put anything into a stage.

    Raises:
        UserError: it was not, or does not; the message names the tag.
    """
    if catalogue.at(event.model, event.commit).number is None:
        raise UserError(
            f"the tag {event.tag} assigns commit {event.commit[:7]} to '{event.stage}', which has "
            "no version number: it was never registered, and did not pass the gate. "
            f"{_remedy(event)}"
        )
    branches = [*catalogue.git.refs(*BRANCHES)]
    if branches and not on_a_branch(catalogue.git, event.commit):
        raise UserError(
            f"the tag {event.tag} assigns commit {event.commit[:7]} to '{event.stage}', which is "
            f"on no branch here: nobody but the author of the tag may have seen it. "
            f"`git fetch {ORIGIN}` brings branches that are new. {_remedy(event)}"
        )


def on_a_branch(git: Git, commit: str) -> bool:
    """Say whether a branch of the repository, or of one that it was cloned from, has a commit."""
    try:
        listed = git.run("for-each-ref", "--count=1", f"--contains={commit}", *BRANCHES)
    except GitError:
        # There is no such commit.
        return False
    return bool(listed)


def doubts(catalogue: Catalogue) -> list[str]:
    """Return what is to be told of the tags of a catalogue whatever is asked of them."""
    shallow, replaced = catalogue.git.shallow_and_replaced()
    lines = [SHALLOW] if shallow else []
    if replaced:
        lines.append(
            f"another object stands for {replaced[0][:7]} in this clone, so what is told here may "
            "not be what was registered, and is not fetched. "
            f"`git replace -d {replaced[0]}` takes that away."
        )
    odd = [event for event in catalogue.events if event.odd]
    if odd:
        more = f" (and {len(odd) - 1} more tag{'s have' if len(odd) > 2 else ' has'} such a date)"
        rest = more if len(odd) > 1 else ""
        lines.append(
            f"the tag {odd[0].tag} {odd[0].odd}{rest}. Assignments count by their counters, and "
            "other tags as the oldest; GTO goes by the date. If it is a mistake, "
            f"{removal(odd[0].tag)} take the tag away."
        )
    for assignments in catalogue.assignments.values():
        for event in assignments.values():
            if catalogue.at(event.model, event.commit).number is None:
                lines.append(
                    f"the tag {event.tag} assigns commit {event.commit[:7]} to '{event.stage}', "
                    "which has no version number: it is neither fetched nor served by that name."
                )
    return lines


def check_origin(catalogue: Catalogue, model: str) -> list[str]:
    """Compare the tags of a model with those of the repository that this one was cloned from.

    Returns:
        What is to be told: tags that only this clone has, or that origin could not be asked.

    Raises:
        UserError: origin has tags that this clone has not, or other ones: an answer from here could
            be an old one.
    """
    git = catalogue.git
    # What is behind the origin of a directory that somebody else wrote is theirs to choose.
    if git.foreign or git.fresh or ORIGIN not in git.run("remote").split():
        return []
    try:
        theirs = tags_of_origin(git, model)
    except GitError as error:
        return [f"{ORIGIN} could not be asked for its tags, so this is what is known here: {error}"]
    ours = {name: oid for name, oid in git.refs("refs/tags") if _is_of(name, model)}
    missing = [name for name in theirs if name not in ours]
    other = [name for name in theirs if ours.get(name, theirs[name]) != theirs[name]]
    if missing or other:
        raise UserError(
            f"{ORIGIN} has tags that are {'not' if missing else 'others'} here "
            f"({_names(missing or other)}), so this clone may not know what is in a stage. "
            f"`git fetch --force {ORIGIN} 'refs/tags/*:refs/tags/*'` brings them."
        )
    extra = [name for name in ours if name not in theirs]
    if not extra:
        return []
    return [
        f"{ORIGIN} does not have {_names(extra)}, which this clone has: not pushed yet, or deleted "
        f"there. `git push {ORIGIN} TAG` sends a tag, `git tag -d TAG` deletes it here."
    ]


def tags_of_origin(git: Git, model: str) -> dict[str, str]:
    """Return the ids of the tag objects of a model that origin has, by the names of the refs.

    Raises:
        GitError: it cannot be asked.
    """
    listed = git.run("ls-remote", "--tags", "--refs", ORIGIN, timeout=PATIENCE, **ASK_NOBODY)
    pairs = (line.split("\t") for line in listed.splitlines() if "\t" in line)
    return {name: oid for oid, name in pairs if _is_of(name, model)}


def _is_of(ref: str, model: str) -> bool:
    name = parse(ref.removeprefix("refs/tags/"))
    return name is not None and name.model == model


def _names(refs: list[str]) -> str:
    names = [ref.removeprefix("refs/tags/") for ref in refs]
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest


def _remedy(event: Event) -> str:
    return (
        f"`modelkeep promote VERSION {event.stage}` assigns a version; {removal(event.tag)} take "
        "the tag away."
    )

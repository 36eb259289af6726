"""The branch whose word counts: the default one of origin, as it was fetched, or of this clone."""

from modelkeep.registry.git import Git, GitError
from modelkeep_core.errors import UserError

REMOTE = "refs/remotes/origin/"
HEAD = f"{REMOTE}HEAD"
# What is the default branch of a repository without an origin
USUAL = ("refs/heads/main", "refs/heads/master")


def default_branches(git: Git) -> list[str]:
    """Return the ref of the default branch; all that it may be, where this clone does not know.

    What is checked out does not count where there is an origin: a tag may have brought it.
    `git remote set-head origin --auto` lets a clone know.

    Raises:
        UserError: there is no branch at all.
    """
    branches = [name for name, _ in git.refs(REMOTE.rstrip("/"))]
    if HEAD in branches:
        return [HEAD]
    if branches:
        return branches
    own = [name for name, _ in git.refs("refs/heads")]
    if git.fresh or git.bare:
        return ["HEAD"] if git.commit("HEAD") else own
    if not own:
        raise UserError(
            "this clone has no branch, so whose signatures count is not known: "
            "`git fetch origin '+refs/heads/*:refs/remotes/origin/*'` brings the branches."
        )
    if usual := [name for name in USUAL if name in own]:
        return usual[:1]
    try:
        return [git.run("symbolic-ref", "--quiet", "HEAD").strip()]
    except GitError:
        return own


def shown(refs: list[str]) -> str:
    """Return how a message names the default branch."""
    if refs[:1] == ["HEAD"]:
        return "HEAD"
    if refs == [HEAD]:
        return "origin's default branch"
    return " and ".join(ref.split("/", 2)[2] for ref in refs)

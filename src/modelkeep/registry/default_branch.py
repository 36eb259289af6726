"""The branch whose word counts: the default one of origin, as it was fetched, or of this clone."""

from modelkeep.registry.git import Git

REMOTE = "refs/remotes/origin/"
HEAD = f"{REMOTE}HEAD"
# What is the default branch of a repository without an origin, before that which is checked out
USUAL = ("refs/heads/main", "refs/heads/master")


def default_branches(git: Git) -> list[str]:
    """Return the ref of the default branch; all that it may be, where this clone does not know.

    What is checked out does not count where there is an origin: a tag may have brought it.
    `git remote set-head origin --auto` lets a clone know.
    """
    branches = [name for name, _ in git.refs(REMOTE.rstrip("/"))]
    if HEAD in branches:
        return [HEAD]
    if branches:
        return branches
    if not (git.fresh or git.bare):
        own = {name for name, _ in git.refs("refs/heads")}
        return [next((name for name in USUAL if name in own), "HEAD")]
    return ["HEAD"]


def shown(refs: list[str]) -> str:
    """Return how a message names the default branch."""
    if refs == ["HEAD"]:
        return "HEAD"
    if refs == [HEAD]:
        return "origin's default branch"
    return " and ".join(ref.split("/", 2)[2] for ref in refs)

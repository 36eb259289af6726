"""The tags of a clone as its origin has them now, kept in refs of their own.

A plain `git fetch --tags` refuses a tag that was made anew at origin, for ever, and keeps one that
was deleted there. So the tags of origin are kept apart, and those of the clone stay as they are.
"""

import logging
from collections.abc import Iterator
from typing import Self

from modelkeep.registry.git import Git
from modelkeep.registry.tags import parse

LOG = logging.getLogger("uvicorn.error")
TAGS = "refs/tags/"
# The tags that origin has, and those that it has or had, as they were when they were last seen
HAS, HAD = "refs/follow/tags/", "refs/follow/seen/"
# Nobody is there to type a password.
ASK_NOBODY = {"GIT_TERMINAL_PROMPT": "0"}


class OriginGit(Git):
    """A clone; its tags are those of its origin, and those that were made here since."""

    @classmethod
    def of(cls, git: Git) -> Self:
        """Return a repository that was opened, with the tags of its origin."""
        clone = cls(git.directory, git.prefix)
        # It is the same in all else, but for the process that reads its objects.
        vars(clone).update((name, value) for name, value in vars(git).items() if name != "_reader")
        return clone

    def update(self, patience: float, branches: bool = False) -> None:
        """Learn which tags origin has now; those that are new are the clone's as well.

        Args:
            patience: how many seconds it may take.
            branches: whether branches are fetched even where no tag has changed.

        Raises:
            GitError: origin cannot be reached.
        """
        fetch = ("fetch", "--no-tags", "--no-write-fetch-head")
        before = self._under(HAS)
        self.run(*fetch, "--prune", "origin", f"+{TAGS}*:{HAS}*", timeout=patience, **ASK_NOBODY)
        has, had, here = self._under(HAS), self._under(HAD), self._under(TAGS)
        if branches or has != before:
            self.run(*fetch, "origin", timeout=patience, **ASK_NOBODY)
        updates = [
            *(f"update {HAD}{name} {oid}" for name, oid in has.items() if had.get(name) != oid),
            *(f"create {TAGS}{name} {oid}" for name, oid in has.items() if name not in here),
        ]
        if updates:
            self.run("update-ref", "--stdin", input="".join(f"{line}\n" for line in updates))
        own = [name for name in self._own(has, had | has, here) if parse(name)]
        if own and has != before:
            LOG.warning("origin does not have these tags of this clone: %s", ", ".join(own))

    def refs(self, *under: str) -> Iterator[tuple[str, str]]:
        """Yield name and object id of refs; among those of tags, origin's come before the clone's.

        A tag that was once seen at origin, and is there no more, is left out.
        """
        if under != (TAGS.rstrip("/"),):
            yield from super().refs(*under)
            return
        has, had, here = self._under(HAS), self._under(HAD), self._under(TAGS)
        tags = {name: here[name] for name in self._own(has, had, here)} | has
        yield from ((f"{TAGS}{name}", tags[name]) for name in sorted(tags))

    def _under(self, prefix: str) -> dict[str, str]:
        return {name.removeprefix(prefix): oid for name, oid in super().refs(prefix.rstrip("/"))}

    @staticmethod
    def _own(has: dict[str, str], had: dict[str, str], here: dict[str, str]) -> list[str]:
        """Return the names of the clone's tags that origin never had."""
        return [name for name, oid in here.items() if name not in has and had.get(name) != oid]

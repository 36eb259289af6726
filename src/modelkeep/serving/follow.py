"""From a stage or a version to its package on disk, and to the next when the stage changes.

It runs in the process that started the workers; they read of a change in a small file.
"""

import logging
import threading
from dataclasses import replace
from pathlib import Path

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.fetch import fetch, fetched
from modelkeep.registry.git import Git, opened
from modelkeep.registry.reference import find, version_in
from modelkeep.registry.version import Version
from modelkeep.serving.current import Current
from modelkeep_core.errors import UserError

LOG = logging.getLogger("uvicorn.error")
# Seconds within which the repository that this one was cloned from must have sent what is new
PATIENCE = 300
# Nobody is there to type a password.
ASK_NOBODY = {"GIT_TERMINAL_PROMPT": "0"}


class Source:
    """Where packages come from: the versions of a Git repository."""

    def __init__(
        self, repo: str, model: str | None, stage: str | None, reference: str | None, into: Path
    ) -> None:
        """Name what is to be served.

        Args:
            repo: a directory, or the URL of a repository.
            model: the model, or None where there is one only.
            stage: the stage whose version is wanted, or None.
            reference: else, the version; HEAD where neither is given.
            into: where packages are put, each in a directory of its own.
        """
        self._repo = repo
        self._model = model
        self._stage = stage
        self._reference = reference
        self._into = into

    def current(self) -> Current:
        """Put the package that is wanted now on disk, verified, and return which one it is.

        Raises:
            UserError: there is no such version, or its package cannot be had.
        """
        with opened(self._repo) as git:
            catalogue = Catalogue(git, self._model)
            version = self._wanted(catalogue)
            # Two versions of one commit are the same package.
            directory = self._into / f"{version.name}-{version.commit[:12]}"
            self._into.mkdir(parents=True, exist_ok=True)
            if not directory.exists():
                fetch(catalogue, version, directory)
            elif not fetched(catalogue, version, directory):
                raise UserError(f"{directory} is not the package of {version.label}: remove it.")
        # Git vouches for its bytes, so its code may run.
        return Current(str(directory), version.number or "", self._stage or "", trust_code=True)

    def update(self) -> None:
        """Learn of new tags, where the repository is a clone.

        Raises:
            UserError: the repository that it was cloned from cannot be reached.
        """
        if not Path(self._repo).is_dir():
            return
        with opened(self._repo) as git:
            if "origin" in git.run("remote").split():
                git.run("fetch", "--quiet", "--tags", "origin", timeout=PATIENCE, **ASK_NOBODY)

    def tags(self) -> str:
        """Return what all tags name, to see whether anything has changed.

        Raises:
            UserError: the repository cannot be reached.
        """
        question = ("ls-remote", "--tags", "--quiet", "--", self._repo)
        return Git(Path()).run(*question, timeout=PATIENCE, **ASK_NOBODY)

    def _wanted(self, catalogue: Catalogue) -> Version:
        if not self._stage:
            return find(catalogue, self._reference or "HEAD")
        return version_in(catalogue, self._stage)


class Follower(threading.Thread):
    """Looks for a new assignment again and again, and tells the workers."""

    def __init__(self, source: Source, current: Current, path: Path, every: float) -> None:
        """Prepare to look.

        Args:
            source: where packages come from.
            current: the one that is served.
            path: the file that tells the workers.
            every: seconds between two looks.
        """
        super().__init__(name="follower", daemon=True)
        self._source = source
        self._current = current
        self._path = path
        self._every = every
        self._tags = ""
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look, until `stopped` is set or the process ends."""
        while not self.stopped.wait(self._every):
            try:
                self.look()
            except OSError as error:
                LOG.warning("%s cannot be written now: %s", self._path, error)

    def look(self) -> None:
        """Look once.

        Raises:
            OSError: the workers cannot be told; the next look tells them.
        """
        tags = self._tags
        try:
            self._source.update()
            tags = self._source.tags()
            if tags == self._tags and not self._current.failure:
                return
            current = self._source.current()
        except UserError as error:
            current = replace(self._current, failure=str(error))
        except Exception as error:
            # Whatever is wrong this time, the next look may find it mended.
            LOG.exception("a look for another version failed")
            current = replace(self._current, failure=repr(error))
        if current.failure and current.failure != self._current.failure:
            LOG.warning("no newer version can be had: %s", current.failure)
        if current != self._current:
            current.write(self._path)
        self._current, self._tags = current, tags

"""From a stage or a version to its package on disk, and to the next when the stage changes.

It runs in the process that started the workers; they read of a change in a small file.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.fetch import fetch, is_package_of
from modelkeep.registry.git import Git, opened
from modelkeep.registry.reference import find, version_in
from modelkeep.registry.signing_policy import named_policy
from modelkeep.registry.tags import of_model
from modelkeep.registry.trust import Trust, deciding
from modelkeep.registry.version import Version
from modelkeep.registry.vouching import is_whole
from modelkeep.serving.current import Current
from modelkeep.serving.origin import ASK_NOBODY, OriginGit
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.packaged import MANIFEST
from modelkeep_core.visible import in_line

LOG = logging.getLogger("uvicorn.error")
# Seconds within which another repository must have sent what is new, and at the start of a server
PATIENCE, AT_START = 300.0, 20.0
# Seconds for which a look waits for another repository before it goes on with what is here
WAIT = 2.0
# Seconds after which a repository that has not answered yet is said not to answer
SILENCE = 30.0
# What lets Git give up a connection on which nothing moves
IMPATIENT = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "60"}


class Source:
    """Where packages come from: the versions of a Git repository.

    Attributes:
        asked: what is wanted of which repository, as one line.
    """

    def __init__(
        self,
        repo: str,
        model: str | None,
        stage: str | None,
        reference: str | None,
        into: Path,
        signers: Path | None = None,
    ) -> None:
        """Name what is to be served.

        Args:
            repo: a directory, or the URL of a repository.
            model: the model, or None where there is one only.
            stage: the stage whose version is wanted, or None.
            reference: else, the version; HEAD where neither is given.
            into: where packages are put, each in a directory of its own.
            signers: a file with those whose signatures count; None for what the repository says.
        """
        self._repo = repo
        self._model = model
        self._stage = stage
        self._reference = reference
        self._into = into
        self._signers = signers
        # Whether what is served needs a signature: then who may sign is watched as well
        self._signed = True
        self._counter = 0
        named = [str(signers)] if signers else []
        self.asked = json.dumps([repo, model, stage, reference, *named])
        for name, value in (ASK_NOBODY | IMPATIENT).items():
            os.environ.setdefault(name, value)

    def current(self) -> Current:
        """Put the package that is wanted now on disk, verified, and return which one it is.

        Raises:
            UserError: there is no such version, or its package cannot be had.
        """
        with self._opened() as git:
            catalogue = Catalogue(git, self._model, Trust(git, self._signers))
            version = self._wanted(catalogue)
            self._signed = catalogue.trust.policy(version.directory).asks(self._stage)
            counter = self._last_counter(catalogue, version)
            # Two versions of one commit are the same package.
            directory = self._into / f"{version.name}-{version.commit[:12]}"
            self._into.mkdir(parents=True, exist_ok=True)
            if not directory.exists():
                try:
                    fetch(catalogue, version, directory)
                except UserError:
                    # Another server that keeps its packages here may have been faster.
                    if not directory.exists():
                        raise
            # What Git has suffices: the remote may be away.
            if not (is_package_of(catalogue, version, directory) and is_whole(directory)):
                raise UserError(f"{directory} is not the package of {version.label}: remove it.")
            self._counter = counter
        return Current(
            str(directory),
            version.number or "",
            self._stage or "",
            # Git vouches for its bytes, so its code may run.
            trust_code=True,
            asked=self.asked,
            manifest=sha256(directory / MANIFEST),
            counter=counter,
        )

    def _last_counter(self, catalogue: Catalogue, version: Version) -> int:
        """Return the number of the last signed tag of the stage; 0 where none has to be signed.

        A signature does not show that a later tag was deleted; that this server has seen it does.

        Raises:
            UserError: it is a smaller one than before.
        """
        if not (self._stage and self._signed):
            return 0
        events = [*of_model(catalogue.events, version.model)]
        event = catalogue.assignments[version.model][self._stage]
        counter = max(tag.counter for tag in [event, *deciding(events, event)])
        if counter < self._counter:
            raise UserError(
                f"the last signed tag of '{self._stage}' was number {self._counter}, and is number "
                f"{counter} now: somebody has deleted a later one. `modelkeep rollback` or "
                "`modelkeep promote` says by a new tag what is to be served."
            )
        return counter

    def at_start(self, path: Path, patience: float = PATIENCE) -> Current:
        """Return what is to be served when a server starts, even if it cannot be looked for.

        Args:
            path: the file that says what was served here last.
            patience: for how many seconds it is looked for where something was.

        Raises:
            UserError: nothing can be had, and nothing that was asked for was served here before.
        """
        failure = ""
        try:
            if self._stage:
                self.update(AT_START, branches=True)
        except UserError as error:
            failure = str(error)
        last = self._last(path)
        self._counter = last.counter if last else 0
        try:
            current = self.current() if last is None else self._current_within(patience)
        except UserError as error:
            if last is None:
                raise
            shown = last.version or last.package
            LOG.error("%s What was served last is served: %s", in_line(str(error)), shown)
            return replace(last, failure=str(error))
        return replace(current, failure=failure)

    def _current_within(self, seconds: float) -> Current:
        """Return `current()`, if it is known in time.

        Raises:
            UserError: it is not, or there is none.
        """
        waiting: Future[Current] = Future()

        def look() -> None:
            try:
                waiting.set_result(self.current())
            except BaseException as error:
                waiting.set_exception(error)

        # A thread that hangs must not keep this process from ending.
        threading.Thread(target=look, name="start", daemon=True).start()
        try:
            return waiting.result(seconds)
        except TimeoutError:
            raise UserError(f"{self._repo} has not answered for {seconds:g} s.") from None

    def update(self, patience: float, branches: bool | None = None) -> None:
        """Learn of the tags of origin, where the repository is a clone.

        Args:
            patience: how many seconds it may take.
            branches: whether branches are fetched even where no tag has changed; by default, where
                what is served needs a signature, as they say whose signatures count.

        Raises:
            UserError: the repository that it was cloned from cannot be reached.
        """
        if Path(self._repo).is_dir():
            with self._opened() as git:
                if isinstance(git, OriginGit):
                    branches = self._signed if branches is None else branches
                    git.update(patience, branches)

    def tags(self) -> str:
        """Return what all tags name and who may sign them, to see whether anything has changed.

        Raises:
            UserError: the repository cannot be reached.
        """
        if Path(self._repo).is_dir():
            with self._opened() as git:
                tags = "\n".join(f"{oid} {name}" for name, oid in git.refs("refs/tags"))
                return f"{tags}\n{Trust(git, self._signers).fingerprint if self._signed else ''}"
        question = ["ls-remote", "--quiet", "--", self._repo, "refs/tags/*"]
        tags = Git(Path()).run(
            *(question + ["HEAD"] * self._signed), timeout=PATIENCE, **ASK_NOBODY
        )
        return f"{tags}{named_policy(self._signers).signers!r}" if self._signers else tags

    @contextmanager
    def _opened(self) -> Iterator[Git]:
        """Open the repository; the tags of a clone are those of its origin, and its own new ones.

        Raises:
            UserError: there is no such repository.
        """
        with opened(self._repo) as git:
            if Path(self._repo).is_dir() and "origin" in git.run("remote").split():
                with OriginGit.of(git) as clone:
                    yield clone
            else:
                yield git

    def _wanted(self, catalogue: Catalogue) -> Version:
        if not self._stage:
            return find(catalogue, self._reference or "HEAD", signed=True)
        return version_in(catalogue, self._stage)

    def _last(self, path: Path) -> Current | None:
        """Return what was served last for the same question, if its bytes are still the same."""
        try:
            last = Current.read(path)
            vouched = last.manifest and sha256(Path(last.package, MANIFEST)) == last.manifest
        except (OSError, UserError):
            return None
        return last if vouched and last.asked == self.asked else None


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
        self._failed = True
        self._updating: threading.Thread | None = None
        self._update_began = 0.0
        self._update_failure = ""
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look, until `stopped` is set or the process ends; each look touches the file."""
        while not self.stopped.wait(self._every):
            try:
                self.look()
                self._touch()
            except OSError as error:
                LOG.warning("%s cannot be written now: %s", self._path, error)
            except Exception:
                LOG.exception("a look for another version failed")

    def look(self) -> None:
        """Look once.

        Raises:
            OSError: the workers cannot be told; the next look tells them.
        """
        tags, current, failed = self._tags, self._current, True
        failure = self._updated()
        try:
            tags = self._source.tags()
            if tags != self._tags or self._failed:
                current = self._source.current()
            failed = False
        except UserError as error:
            failure = str(error)
        except Exception as error:
            # Whatever is wrong this time, the next look may find it mended.
            LOG.exception("a look for another version failed")
            failure = repr(error)
        if failure and failure != self._current.failure:
            LOG.warning("no newer version can be had: %s", in_line(failure))
        current = replace(current, failure=failure, every=self._current.every)
        if current != self._current:
            current.write(self._path)
        self._current, self._tags, self._failed = current, tags, failed

    def _updated(self) -> str:
        """Learn of what is new at origin; say why that fails, or "".

        It is waited for a short while: what this clone has does not wait for origin.
        """
        if self._updating is None or not self._updating.is_alive():
            self._update_began = time.monotonic()
            self._updating = threading.Thread(target=self._update, name="update", daemon=True)
            self._updating.start()
        self._updating.join(WAIT)
        waited = time.monotonic() - self._update_began
        if self._updating.is_alive() and waited > SILENCE:
            return f"origin has not answered for {SILENCE:g} s"
        return self._update_failure

    def _update(self) -> None:
        try:
            self._source.update(PATIENCE)
        except UserError as error:
            self._update_failure = str(error)
        except Exception as error:
            LOG.exception("origin cannot be asked")
            self._update_failure = repr(error)
        else:
            self._update_failure = ""

    def _touch(self) -> None:
        """Let the workers know that somebody looks.

        Raises:
            OSError: the file cannot be touched, or written anew where it was removed.
        """
        try:
            os.utime(self._path)
        except FileNotFoundError:
            self._current.write(self._path)

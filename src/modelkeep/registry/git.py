"""A Git repository read through Git's own plumbing: objects only, never the work tree."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import IO, Self

from modelkeep_core.errors import UserError

# Objects asked for at once, and the bytes of their names: a pipe holds them, so that neither side
# waits for the other
CHUNK, PIPE = 64, 8192
# What Git tells a hook of its repository; it is true of the current directory only.
OF_A_HOOK = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
}


class GitError(UserError):
    """Git did not do what it was asked to; its own words are in the message."""


class Git:
    """A repository, and the directory of the project in it.

    Attributes:
        directory: where Git is run: the project, or a bare repository.
        prefix: the project's path in the repository: "" at its top, else "some/directory/".
    """

    def __init__(self, directory: Path, prefix: str = "") -> None:
        self.directory = directory
        self.prefix = prefix

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process that reads objects."""
        if reader := self.__dict__.pop("_reader", None):
            reader.communicate()

    def run(
        self,
        *arguments: str,
        input: str | None = None,
        timeout: float | None = None,
        **variables: str,
    ) -> str:
        """Run a Git command and return what it printed.

        Args:
            arguments: the command.
            input: what it reads.
            timeout: seconds after which it is given up.
            variables: what is added to the environment.

        Raises:
            GitError: it failed or took too long, or Git is not installed.
        """
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.directory,
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=self._environment | variables,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise GitError("Git is not installed.") from None
        except subprocess.TimeoutExpired:
            raise GitError(f"`git {arguments[0]}` had no answer in {timeout:g} s.") from None
        if done.returncode:
            raise GitError(f"`git {arguments[0]}` failed: {_reason(done.stderr)}")
        return done.stdout

    def commit(self, revision: str) -> str | None:
        """Return the full id of the commit that a revision names, or None."""
        if revision.startswith(("-", "^")) or "\n" in revision:
            return None
        try:
            return self.run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
        except GitError:
            return None

    def read(self, names: Iterable[str]) -> Iterator[bytes | None]:
        """Yield the content of each object, in the order of the names; None where there is none.

        A name is an id, or a commit and a path: "<commit>:<path>". One process answers all
        questions; a chunk of answers at a time is in memory.
        """
        waiting = iter(names)
        while chunk := list(islice(waiting, CHUNK)):
            while chunk:
                answered = self._answers(chunk)
                yield from answered
                chunk = chunk[len(answered) :]

    def _answers(self, names: list[str]) -> list[bytes | None]:
        """Ask for the first of some objects, as many as can be asked for at once.

        Where one is damaged, Git ends, and the answers end with None for it.
        """
        asked, answers = self._reader.stdin, self._reader.stdout
        assert asked is not None
        assert answers is not None
        lines = [_line(name).encode(errors="surrogateescape") for name in names]
        fitting = sum(size <= PIPE for size in accumulate(map(len, lines)))
        lines = lines[: max(fitting, 1)]
        with suppress(BrokenPipeError):
            asked.writelines(lines)
            asked.flush()
        contents: list[bytes | None] = []
        try:
            for _ in lines:
                contents.append(_object(answers))
        except EOFError:
            contents.append(None)
            self.__exit__()
        return contents

    def read_one(self, name: str) -> bytes | None:
        """Return the content of one object, or None."""
        (content,) = self.read([name])
        return content

    def ids(self, names: Iterable[str]) -> Iterator[str | None]:
        """Yield the id of each object, in the order of the names; None where there is none."""
        asked = "".join(map(_line, names))
        listed = self.run("cat-file", "--batch-check=%(objectname)", input=asked)
        for line in listed.split("\n")[:-1]:
            yield line if " " not in line else None

    def commit_has(self, commit: str, path: str) -> bool:
        """Say whether a commit has a file."""
        return self.read_one(f"{commit}:{path}") is not None

    @cached_property
    def _reader(self) -> subprocess.Popen[bytes]:
        # It ends with this process, which holds the other end of its standard input.
        return subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    @property
    def _environment(self) -> dict[str, str]:
        left_out = set() if self.directory == Path(".") else OF_A_HOOK
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        return kept | {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}

    def refs(self, *under: str) -> Iterator[tuple[str, str]]:
        """Yield name and object id of each ref under prefixes such as "refs/tags"."""
        # Asked for more than name and id, Git stops at the first ref whose object is missing.
        listed = self.run("for-each-ref", "--format=%(objectname) %(refname)", *under)
        for line in listed.split("\n")[:-1]:
            oid, name = line.split(" ", 1)
            yield name, oid

    @property
    def bare(self) -> bool:
        """Whether there is no work tree."""
        return self.run("rev-parse", "--is-inside-work-tree").strip() != "true"

    @property
    def shallow(self) -> bool:
        """Whether a part of the history was left out when this was cloned."""
        return self.run("rev-parse", "--is-shallow-repository").strip() == "true"


@contextmanager
def repository_at(directory: Path) -> Iterator[Git]:
    """Open the repository that `directory` is, or lies in.

    Raises:
        UserError: there is none, or Git is not installed.
    """
    git = Git(directory)
    try:
        git.prefix = git.run("rev-parse", "--show-prefix").strip()
    except GitError as error:
        raise UserError(f"{directory.resolve()} is not in a Git repository: {error}") from None
    with git:
        yield git


@contextmanager
def opened(repository: str) -> Iterator[Git]:
    """Open a repository by its directory, or by a URL through a clone that is removed afterwards.

    Raises:
        UserError: there is no such repository.
    """
    if Path(repository).is_dir():
        with repository_at(Path(repository)) as git:
            yield git
        return
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        git = Git(Path(directory))
        try:
            git.run("clone", "--quiet", "--bare", "--filter=blob:none", "--", repository, ".")
        except GitError as error:
            raise UserError(f"{repository} cannot be read: {error}") from None
        with git:
            yield git


def _line(name: str) -> str:
    """Return the name of an object as one line of questions; the name of none stays that."""
    return name.replace("\n", " ") + "\n"


def _object(stream: IO[bytes]) -> bytes | None:
    """Read one answer of `git cat-file --batch`: an object, or None where there is none.

    Raises:
        EOFError: Git ended before, or in the middle of it.
    """
    line = stream.readline()
    if not line:
        raise EOFError
    header = line.split()
    if len(header) != 3 or not header[2].isdigit():
        return None
    size = int(header[2])
    content = stream.read(size + 1)
    if len(content) <= size:
        raise EOFError
    return content[:-1]


def _reason(text: str) -> str:
    """Return the line of an error message that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("!", "fatal:", "error:"))]
    line = (telling or lines or ["no reason given"])[0]
    return line.removeprefix("fatal: ").removeprefix("error: ").removeprefix("! ")

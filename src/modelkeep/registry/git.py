"""A Git repository read through Git's own plumbing: objects only, never the work tree.

Reading starts no program that the repository names: its settings that could are switched off here,
for every command but those with which a person writes.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import IO, Any, Self

from modelkeep.registry.ordinary import check_ordinary
from modelkeep_core.errors import UserError

# Refs that let another object stand for the one that they are named after
REPLACE = "refs/replace/"
# Objects asked for at once, and the bytes of their names: a pipe holds them, so that neither side
# waits for the other
CHUNK, PIPE = 64, 8192
# What Git tells a hook of its repository; it is true of the current directory only.
OF_A_HOOK = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
}
# What a person writes is written with their own settings: signature, hooks, credentials.
WRITING = ("tag", "push")
# Settings by which reading could start a program that the repository names
SWITCHED_OFF = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "log.showSignature": "false",
    "protocol.ext.allow": "never",
}
# Commands that ask another machine; settings of any of these names could start a program on the way
ASKING = ("clone", "fetch", "ls-remote", "push")
PROGRAMS = re.compile(
    r"core\.(sshcommand|gitproxy|askpass|alternaterefscommand)|credential\.(.*\.)?helper"
    r"|remote\..*\.(uploadpack|receivepack|vcs)|protocol\..*|url\..*|includeif\..*|include\..*"
)
_CREDENTIALS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
PROTOCOLS = "file:git:http:https:ssh"
# Nobody is there to type a password, and nobody should for a repository that another one names.
ASK_NOBODY = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
# Seconds after which a repository of somebody else is given up
PATIENCE = 300
# Bytes of an object that are read; what is in Git of a model is far smaller.
MOST = 256 * 2**20
SKIPPED = 2**20


class GitError(UserError):
    """Git did not do what it was asked to; its own words are in the message."""


class Git:
    """A repository, and the directory of the project in it.

    Attributes:
        directory: where Git is run: the project, or a bare repository.
        prefix: the project's path in the repository: "" at its top, else "some/directory/".
        foreign: whether it is somebody else's, who may have chosen its settings.
        fresh: whether it was cloned just now.
    """

    def __init__(self, directory: Path, prefix: str = "", foreign: bool = False) -> None:
        self.directory = directory
        self.prefix = prefix
        self.foreign = foreign
        self.fresh = False

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
        if self.foreign and timeout is None:
            timeout = PATIENCE
        try:
            done = subprocess.run(
                self._command(*arguments),
                cwd=self.directory,
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=self._environment | self._protocols(arguments[0]) | variables,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise GitError("Git is not installed.") from None
        except (UnicodeError, ValueError) as error:
            raise GitError(f"`git {arguments[0]}` cannot be asked that: {error}.") from None
        except subprocess.TimeoutExpired:
            raise GitError(f"`git {arguments[0]}` had no answer in {timeout:g} s.") from None
        if done.returncode:
            raise GitError(f"`git {arguments[0]}` failed: {_reason(done.stderr)}")
        return done.stdout

    def commit(self, revision: str) -> str | None:
        """Return the full id of the commit that a revision names, or None."""
        if revision.startswith(("-", "^")) or {"\n", "\0"} & {*revision}:
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

    def no_file(self, commit: str, path: str) -> UserError:
        """Return what to say where a file of a commit cannot be read: there is none, or it is lost.

        A partial clone has the directories of a commit, and asks origin for its files.
        """
        with suppress(GitError):
            if self.run("ls-tree", "--full-tree", "--name-only", commit, "--", path):
                return UserError(
                    f"{path} of commit {commit[:7]} cannot be read: this clone lacks it, and "
                    "origin did not give it, or it is damaged. A whole clone has it."
                )
        return UserError(f"commit {commit[:7]} has no {path}.")

    def ids(self, names: Iterable[str]) -> Iterator[str | None]:
        """Yield the id of each object, in the order of the names; None where there is none."""
        asked = "".join(map(_line, names))
        listed = self.run("cat-file", "--batch-check=%(objectname)", "--buffer", input=asked)
        for line in listed.split("\n")[:-1]:
            yield line if " " not in line else None

    def commit_has(self, commit: str, path: str) -> bool:
        """Say whether a commit has a file."""
        return self.read_one(f"{commit}:{path}") is not None

    @cached_property
    def _reader(self) -> subprocess.Popen[bytes]:
        # It ends with this process, which holds the other end of its standard input.
        return subprocess.Popen(
            self._command("cat-file", "--batch"),
            cwd=self.directory,
            env=self._environment | self._protocols("cat-file"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    @property
    def _environment(self) -> dict[str, str]:
        left_out = set() if self.directory == Path(".") else OF_A_HOOK
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        return kept | {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}

    def _command(self, *arguments: str) -> list[str]:
        """Return a command of Git that starts no program which the repository names.

        Raises:
            GitError: it would have to ask another machine by settings of somebody else.
        """
        if arguments[0] in WRITING:
            return ["git", *arguments]
        if self.foreign and arguments[0] in ASKING:
            self._check_settings(arguments[0])
        settings = [f"{name}={value}" for name, value in SWITCHED_OFF.items()]
        return ["git", *(word for setting in settings for word in ("-c", setting)), *arguments]

    def _protocols(self, command: str) -> dict[str, str]:
        """Return what keeps a repository of somebody else from asking others while it is read.

        It may say that objects are to be fetched when they are missed, and with which program.
        """
        if not self.foreign:
            return {}
        if command in ASKING:
            return {"GIT_ALLOW_PROTOCOL": PROTOCOLS, **ASK_NOBODY}
        return {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}

    def _check_settings(self, command: str) -> None:
        listed = self.run("config", "--local", "--no-includes", "--name-only", "--null", "--list")
        for name in listed.split("\0"):
            if PROGRAMS.fullmatch(name.lower()):
                raise GitError(
                    f"{self.directory} has a setting of its own, {name}, that could start a "
                    f"program: `git {command}` is not run. Remove it, or work in that directory."
                )

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
        return self.shallow_and_replaced()[0]

    def shallow_and_replaced(self) -> tuple[bool, list[str]]:
        """Say whether history was left out, and return the ids for which other objects stand."""
        asked = ("--is-shallow-repository", "--symbolic", f"--glob={REPLACE}*")
        shallow, *refs = self.run("rev-parse", *asked).split()
        return shallow == "true", [ref.removeprefix(REPLACE) for ref in refs]


@contextmanager
def repository_at(directory: Path, foreign: bool = False) -> Iterator[Git]:
    """Open the repository that `directory` is, or lies in.

    Args:
        directory: the directory.
        foreign: whether it is somebody else's.

    Raises:
        UserError: there is none, it is another user's, or Git is not installed.
    """
    git = Git(directory, foreign=foreign)
    try:
        git.prefix = git.run("rev-parse", "--show-prefix").strip()
    except GitError as error:
        if "dubious ownership" in str(error):
            raise UserError(
                f"{directory.resolve()} belongs to somebody else, so Git does not open it. If you "
                "trust it, `git config --global --add safe.directory "
                f"{directory.resolve()}` says so."
            ) from None
        raise UserError(
            f"{directory.resolve()} is not in a Git repository. Run it inside of one, or let "
            f"`git init` make one there. Git says: {error}"
        ) from None
    with git:
        yield git


@contextmanager
def opened(repository: str, named_by_another: bool = False) -> Iterator[Git]:
    """Open a repository by its directory, or by a URL through a clone that is removed afterwards.

    A directory in which the command does not work is taken for somebody else's.

    Args:
        repository: a directory or a URL.
        named_by_another: whether another repository names it, and no person: then nobody is asked
            for a password, and it is given up after PATIENCE seconds.

    Raises:
        UserError: there is no such repository.
    """
    # Git opens that as a directory, whoever's it is.
    local = Path(repository.removeprefix("file://"))
    if local.is_dir() and not Path.cwd().is_relative_to(local.resolve()):
        check_ordinary(local)
    if os.path.isdir(repository):
        foreign = not Path.cwd().is_relative_to(Path(repository).resolve())
        with repository_at(Path(repository), foreign) as git:
            yield git
        return
    # A repository of this machine does without.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        git = Git(Path(directory))
        limits: dict[str, Any] = {}
        if named_by_another:
            limits = {"timeout": PATIENCE, "GIT_ALLOW_PROTOCOL": PROTOCOLS, **ASK_NOBODY}
        try:
            git.run(
                *("clone", "--quiet", "--bare", "--filter=blob:none", "--", repository, "."),
                **limits,
            )
        except GitError as error:
            raise UserError(f"{without_password(repository)} cannot be read: {error}") from None
        git.fresh = True
        with git:
            yield git


def without_password(url: str) -> str:
    """Return a URL as it may be shown: who asks, and with which password, is left out."""
    return _CREDENTIALS.sub(r"\1", url)


def _line(name: str) -> str:
    """Return the name of an object as one line of questions; the name of none stays that."""
    return name.replace("\n", " ") + "\n"


def _object(stream: IO[bytes]) -> bytes | None:
    """Read one answer of `git cat-file --batch`: an object; None for none, or for a huge one.

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
    if size > MOST:
        for start in range(0, size + 1, SKIPPED):
            if not stream.read(min(SKIPPED, size + 1 - start)):
                raise EOFError
        return None
    content = stream.read(size + 1)
    if len(content) <= size:
        raise EOFError
    return content[:-1]


def _reason(text: str) -> str:
    """Return the line of an error message that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("!", "fatal:", "error:"))]
    line = (telling or lines or ["no reason given"])[0]
    if "promisor remote" in line:
        return "this clone is partial, and nobody gave what it lacks. A whole clone has it."
    return line.removeprefix("fatal: ").removeprefix("error: ").removeprefix("! ")

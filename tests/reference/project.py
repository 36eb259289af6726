"""A small project with Git, DVC and a remote that has versions of a model; changes to it."""

import hashlib
import importlib
import itertools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from installed import site
from modelkeep.cli import COMMANDS, arguments
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import opened
from modelkeep.registry.trust import Trust
from modelkeep_core.errors import UserError

# What Git and DVC would take from the person who runs the tests
FOREIGN = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"),
    *("EMAIL", "XDG_CONFIG_HOME", "DVC_REMOTE", "DVC_CACHE_DIR"),
)
SETTINGS = """\
[core]
    analytics = false
    remote = storage
['remote "storage"']
    url = {}
"""
IGNORED = (
    "/.dvc/cache\n/.dvc/tmp\n/.dvc/config.local\n/raw\n/prepared\n/models\n/package\n__pycache__/\n"
)
# What a killed process may have been about to do, as Python tells its audit hooks
STEPS = {
    *("subprocess.Popen", "os.mkdir", "os.rename", "os.remove", "os.rmdir"),
    *("shutil.rmtree", "shutil.copyfile"),
}
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
# A remote that DVC can do nothing with, for want of a plugin that no project here has
UNREACHED = "hdfs://nowhere/at/all"
# A moment that no tag of a test is before
THEN = 1_700_000_000
# What a clock may show that is far ahead
LATER = 4_000_000_000


def set_aside(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Let Git and DVC find nothing of this machine but a person and the libraries, installed."""
    for name in FOREIGN:
        patch.delenv(name, raising=False)
    own = {
        "HOME": home,
        "USERPROFILE": home,
        "GIT_CONFIG_GLOBAL": home / "gitconfig",
        "GIT_CONFIG_NOSYSTEM": 1,
        "DVC_NO_ANALYTICS": 1,
        "DVC_GLOBAL_CONFIG_DIR": home / "dvc",
        "DVC_SYSTEM_CONFIG_DIR": home / "dvc-system",
        "DVC_SITE_CACHE_DIR": home / "dvc-site",
        "PYTHONPATH": site(),
    }
    for role in ("AUTHOR", "COMMITTER"):
        own |= {f"GIT_{role}_NAME": "Ada", f"GIT_{role}_EMAIL": "ada@example.org"}
    for name, value in own.items():
        patch.setenv(name, str(value))
    home.mkdir(parents=True, exist_ok=True)
    # This process has imported the sources; the stages ask which library is installed.
    patch.setattr(sys, "path", [*sys.path, str(site())])
    patch.setattr(tempfile, "tempdir", str(home))


@dataclass(frozen=True)
class Project:
    """A project in Git, its DVC remote, and a way to run the registry's commands in it.

    The branches "weak", "strong" and "main" are three versions of the same model; main is checked
    out. Their pipelines have other parameters, and main has other test rows too.
    """

    directory: Path
    storage: Path

    def git(self, *words: str, **variables: str) -> str:
        """Run Git and return what it printed."""
        return git(self.directory, *words, **variables)

    def commit(self, message: str = "Change") -> str:
        """Commit everything and return the id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.id("HEAD")

    def id(self, revision: str) -> str:
        """Return the id of a commit."""
        return self.git("rev-parse", f"{revision}^{{commit}}").strip()

    def tag(self, name: str, revision: str, message: str = "why", when: int | None = None) -> None:
        """Write an annotated tag, later than those before it."""
        when = THEN + len(self.tags()) if when is None else when
        self.git("tag", "-a", "-m", message, name, revision, GIT_COMMITTER_DATE=f"{when} +0000")

    def assign(self, stage: str, revision: str, message: str = "why") -> None:
        """Assign a version to a stage, as the next tag says it."""
        count = sum(name.startswith("made-up#") for name in self.tags())
        self.tag(f"made-up#{stage}#{count + 1}", revision, message)

    def tags(self, directory: Path | None = None) -> dict[str, str]:
        """Return the ids of all tags, here or in another repository, by their names."""
        listed = git(directory or self.directory, "show-ref", "--tags", check=False)
        pairs = (line.split(" refs/tags/") for line in listed.splitlines())
        return {name: oid for oid, name in pairs}

    def message(self, tag: str) -> str:
        """Return the message of a tag."""
        return self.git("for-each-ref", "--format=%(contents)", f"refs/tags/{tag}").strip()

    def add_origin(self) -> Path:
        """Make a bare repository, and let it be the origin."""
        bare = self.directory.with_name("origin.git")
        git(self.directory.parent, "clone", "--quiet", "--bare", self.directory, bare)
        self.git("remote", "add", "origin", str(bare))
        return bare

    def status(self) -> str:
        """Return what Git sees changed in the work tree."""
        return self.git("status", "--porcelain", "--untracked-files=all")

    @contextmanager
    def catalogue(self, model: str | None = None) -> Iterator[Catalogue]:
        """Open the registry."""
        with opened(str(self.directory)) as repository:
            yield Catalogue(repository, model)

    def run(self, *words: str) -> str:
        """Run a command of the registry in this process and return what it prints."""
        return self.data(*words)[1]

    def data(self, *words: str) -> tuple[Any, str]:
        """Run a command of the registry and return its data and its text."""
        args = arguments([*words])
        with warnings.catch_warnings(), opened(getattr(args, "repo", None) or ".") as repository:
            # DVC's own
            warnings.simplefilter("ignore", DeprecationWarning)
            command = importlib.import_module(COMMANDS[args.command].module)
            trust = Trust(repository, getattr(args, "allowed_signers", None))
            return command.run(Catalogue(repository, args.model, trust), args)

    def refusal(self, *words: str) -> str:
        """Run a command that is refused, and return why; no tag and no file was written."""
        before = self.tags(), self.status()
        with pytest.raises(UserError) as refused:
            self.run(*words)
        assert (self.tags(), self.status()) == before
        return str(refused.value)

    def kept(self, revision: str = "HEAD") -> dict[str, str]:
        """Return DVC's hash of each output that is not in Git, and of the data, by their paths."""
        read = YAML(typ="safe").load
        stages = read(self.git("show", f"{revision}:dvc.lock"))["stages"].values()
        outs = read(self.git("show", f"{revision}:raw.dvc"))["outs"]
        outs += [out for stage in stages for out in stage["outs"]]
        return {out["path"]: out["md5"] for out in outs if f"/{out['path']}\n" in IGNORED}

    def objects(self, revision: str = "HEAD") -> dict[str, str]:
        """Return the object of each file that DVC keeps, and of each directory, by their paths."""
        objects = self.kept(revision)
        for path, name in [*objects.items()]:
            listed = json.loads(self.stored(name).read_bytes())
            objects |= {f"{path}/{entry['relpath']}": entry["md5"] for entry in listed}
        return objects

    def cached(self, name: str) -> Path:
        """Return where the cache has an object."""
        return object_in(self.directory / ".dvc" / "cache", name)

    def stored(self, name: str) -> Path:
        """Return where the remote has an object."""
        return object_in(self.storage, name)

    def record(self) -> None:
        """Let DVC take the files of the project as they are for what the pipeline made."""
        assert dvc(self.directory, "add", "raw") == 0
        assert dvc(self.directory, "commit", "--force") == 0

    def lose_cache(self) -> None:
        """Take the cache away, as in a new clone."""
        shutil.rmtree(self.directory / ".dvc" / "cache")

    def change_params(self, section: str, **values: Any) -> None:
        """Change a section of params.yaml and commit it."""
        path = self.directory / "params.yaml"
        params = YAML(typ="safe").load(path)
        params[section] |= values
        YAML().dump(params, path)
        self.commit()


def git(directory: Path, *words: object, check: bool = True, **variables: str) -> str:
    """Run Git in a directory and return what it printed."""
    done = subprocess.run(
        ["git", *map(str, words)],
        cwd=directory,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **variables},
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def dvc(directory: Path, *words: object) -> int:
    """Run DVC in this process, which saves the start of another, and return its exit status."""
    from dvc.cli import main

    command = [*map(str, words), "--quiet"]
    with chdir(directory), warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        # DVC's own
        warnings.simplefilter("ignore", DeprecationWarning)
        # DVC looks there for some options, whatever it is given
        patch.setattr(sys, "argv", ["dvc", *command])
        return main(command)


def object_in(place: Path, name: str) -> Path:
    """Return the path of an object in a cache or remote of DVC."""
    return place / "files" / "md5" / name[:2] / name[2:]


def damage(path: Path, content: bytes | None = None) -> None:
    """Change the bytes of an object as a failing disk would: it stays read-only."""
    content = path.read_bytes() + b"!" if content is None else content
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


def contents(directory: Path) -> dict[str, bytes]:
    """Return the bytes of all files in a directory by their paths."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def refuse_pushes(bare: Path) -> None:
    """Let nobody push to a repository."""
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not you' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)


def relist(project: Project, change: Callable[[list[dict[str, str]]], object]) -> str:
    """Commit a package whose list of files was changed, and return the list's name."""
    old = project.kept()["package"]
    listed = json.loads(project.stored(old).read_bytes())
    change(listed)
    content = json.dumps(listed).encode()
    name = f"{hashlib.md5(content).hexdigest()}.dir"
    for path in (project.stored(name), project.cached(name)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    lock = project.directory / "dvc.lock"
    lock.write_text(lock.read_text(encoding="utf-8").replace(old, name), encoding="utf-8")
    project.commit()
    return name


def nothing_left() -> bool:
    """Say whether there is nothing new beside the project, in which the test runs."""
    names = {path.name for path in Path("..").iterdir()}
    return names <= {"project", "storage", "home", "origin.git"}


def lay(run: Path, project: Path) -> None:
    """Put the files of a finished run into a project, in place of what it had."""
    for source in run.iterdir():
        if source.is_dir():
            shutil.rmtree(project / source.name, ignore_errors=True)
            shutil.copytree(
                source, project / source.name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(source, project / source.name)


def make_project(place: Path, runs: dict[str, Path]) -> Project:
    """Make a project with a commit and a branch for each run, all in the remote."""
    made = Project(place / "project", place / "storage")
    made.directory.mkdir(parents=True)
    made.git("init", "--quiet", "--template=")
    for name, text in (
        (".gitignore", IGNORED),
        *((".dvcignore", "__pycache__\n"), (".dvc/config", SETTINGS.format(made.storage))),
    ):
        (made.directory / name).parent.mkdir(exist_ok=True)
        (made.directory / name).write_text(text, encoding="utf-8")
    for branch, run in runs.items():
        made.git("checkout", "--quiet", "-b", branch)
        lay(run, made.directory)
        made.record()
        made.commit(f"Train the {branch} model")
        assert dvc(made.directory, "push") == 0
    # Fewer files to be copied for each test
    made.git("gc", "--quiet")
    return made


def copy_project(made: Project, place: Path) -> Project:
    """Copy a project and its remote, so that both may be changed."""
    copy = Project(place / "project", place / "storage")
    shutil.copytree(made.directory, copy.directory, symlinks=True)
    shutil.copytree(made.storage, copy.storage)
    settings = SETTINGS.format(copy.storage)
    (copy.directory / ".dvc" / "config.local").write_text(settings, encoding="utf-8")
    return copy


def forked(action: Callable[[], object], moment: int = 0) -> int:
    """Start an action in a process of its own, to be killed before its step of that number.

    A step starts another process, or makes, moves or removes a file.
    """
    process = os.fork()
    if process:
        return process
    os.setpgid(0, 0)
    seen = itertools.count(1)

    def hook(event: str, _: object) -> None:
        if event in STEPS and next(seen) == moment:
            os.killpg(0, signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        action()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def ended(process: int) -> int:
    """Wait for a process and return its exit status, or minus the signal that killed it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(process, signal.SIGKILL)
    raise AssertionError("the process hangs")


def killed_everywhere(action: Callable[[], object], stride: int = 1) -> Iterator[int]:
    """Kill an action at one step after the other, until it gets to its end; yield each step."""
    for moment in itertools.count(1, stride):
        status = ended(forked(action, moment))
        yield moment
        if status != -signal.SIGKILL:
            assert status == 0
            return

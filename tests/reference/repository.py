"""Git repositories that tests write by hand: models as commits have them, and tags upon them."""

import hashlib
import importlib
import json
import os
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from modelkeep.cli import COMMANDS, arguments
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import opened
from modelkeep.registry.trust import Trust
from signing import signature

START = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
PERSON = "Ada Lovelace"
RAW = "f204db2c"
# The id of no object
MISSING = "1" * 40


def digest(word: str, length: int = 64) -> str:
    """Return the hexadecimal digits that stand for a word in these tests."""
    is_digest = set(word) <= set("0123456789abcdef")
    return (word if is_digest else word.encode().hex()).ljust(length, "0")[:length]


@dataclass(frozen=True)
class Model:
    """A trained model, as dvc.yaml, dvc.lock and its metadata in a commit say.

    Attributes:
        recipe: the beginning of its recipe id.
        name, package, metadata: its name, and where package and metadata are.
        value: its headline metric.
        deps: what the stage reads that makes it.
        unusual: parts of the metadata that are not as usual.
    """

    recipe: str = "a"
    name: str = "model"
    package: str = "package"
    metadata: str = "model.json"
    value: float = 0.9
    deps: tuple[str, ...] = ("data/raw", "pipeline/train.py")
    unusual: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """DVC's hash of the package."""
        return f"{hashlib.md5(f'{self.name}{self.recipe}'.encode()).hexdigest()}.dir"

    @property
    def facts(self) -> dict[str, Any]:
        """The content of the metadata."""
        headline = {"metric": "macro_f1", "higher_is_better": True, "value": self.value}
        return {
            "recipe_id": digest(self.recipe),
            "name": self.name,
            "title": "My Model",
            "task": "classification",
            "target": "species",
            "metrics": {
                "headline": headline | {"low": self.value - 0.05, "high": 1.0, "confidence": 0.95},
                "test": {"accuracy": 0.5, "macro_f1": self.value},
            },
            "training": {"estimator": "Ridge", "parameters": {"alpha": 1.0}, "preprocessing": []},
            "data": {
                "files": [{"path": "data/raw/rows.csv", "sha256": digest(RAW), "rows": 344}],
                "rows": {"read": 344, "train": 258, "test": 86},
            },
            "schema": {"target": "species", "columns": {"size": {"type": "number", "max": 9.0}}},
            "recipe": {
                "parameters": {"train": {"seed": 7, "Ridge": {"alpha": 1.0}}},
                "data": {"data/raw/rows.csv": digest(RAW)},
                "code": {"pipeline/train.py": digest("c0de")},
                "schema": {"schema.yaml": digest("5c4e")},
                "environment": {"requirements.lock": digest("10c4")},
                "files": {},
                "commands": {"train": "python -m pipeline.train"},
            },
            "libraries": {"numpy": "2.4.6", "scikit-learn": "1.9.0"},
        } | self.unusual

    @property
    def stage(self) -> dict[str, Any]:
        """What dvc.lock says of the stage that makes it."""
        outs = [(self.metadata, digest(self.recipe, 32)), (self.package, self.content)]
        return {
            "cmd": f"python -m modelkeep_core.package --out {self.package}",
            "deps": [{"path": path, "hash": "md5", "md5": digest(path, 32)} for path in self.deps],
            "params": {"params.yaml": {"train": {"seed": 7}}},
            "outs": [{"path": path, "hash": "md5", "md5": md5} for path, md5 in outs],
        }


def files(*models: Model, under: str = "") -> dict[str, str]:
    """Return the files that a commit has of models, in a directory; JSON is YAML too."""
    artifacts = {model.name: {"path": model.package, "type": "model"} for model in models}
    stages = {f"package-{model.name}": model.stage for model in models}
    contents = {
        "dvc.yaml": {"artifacts": artifacts},
        "dvc.lock": {"schema": "2.0", "stages": stages},
        **{model.metadata: model.facts for model in models},
    }
    return {f"{under}{path}": json.dumps(content, indent=1) for path, content in contents.items()}


class Repository:
    """A Git repository in which each commit and tag is a day younger than the one before.

    Its objects and refs are written as Git writes them, but without Git, which would take seconds
    for all tests together; there is no index, and no work tree but for the directory.

    Attributes:
        directory: where its work tree would be.
        days: how many days have gone since the first day of 2026.
    """

    def __init__(self, directory: Path, algorithm: str = "sha1"):
        self.directory = directory
        self.days = 0
        self._git = directory / ".git"
        self._algorithm = algorithm
        self._contents: dict[str, dict[str, bytes]] = {}
        self._branches: dict[str, str] = {}
        self._tags: list[str] = []
        for name in ("objects", "refs/heads", "refs/tags"):
            (self._git / name).mkdir(parents=True)
        version = f"[core]\nrepositoryformatversion = {int(algorithm != 'sha1')}\nbare = false\n"
        extension = "" if algorithm == "sha1" else f"[extensions]\nobjectformat = {algorithm}\n"
        (self._git / "config").write_text(version + extension, encoding="utf-8")
        (self._git / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")

    def git(self, *words: str, **variables: str) -> str:
        """Run Git here, on the present day, and return what it prints."""
        who_when = {f"GIT_{role}_NAME": PERSON for role in ("AUTHOR", "COMMITTER")}
        who_when |= {f"GIT_{role}_DATE": self._now for role in ("AUTHOR", "COMMITTER")}
        done = subprocess.run(
            ["git", *words],
            cwd=self.directory,
            env=os.environ | who_when | variables,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def head(self) -> str:
        """The id of the last commit of the main branch."""
        return self._branches["main"]

    @property
    def _now(self) -> str:
        return f"{int((START + timedelta(days=self.days)).timestamp())} +0000"

    def store(self, kind: str, content: bytes) -> str:
        """Write an object and return its id."""
        whole = f"{kind} {len(content)}\0".encode() + content
        oid = hashlib.new(self._algorithm, whole).hexdigest()
        path = self.object(oid)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(whole))
        return oid

    def object(self, oid: str) -> Path:
        """Return where an object is."""
        return self._git / "objects" / oid[:2] / oid[2:]

    def damage(self, oid: str) -> None:
        """Cut an object short."""
        path = self.object(oid)
        path.write_bytes(path.read_bytes()[:200])

    def point(self, ref: str, oid: str) -> None:
        """Let a ref point to an object, be it there or not."""
        path = self._git / "refs" / ref
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{oid}\n", encoding="utf-8")

    def _tree(self, contents: dict[str, bytes]) -> str:
        """Write files by their paths as a tree and return its id."""
        files = {path: content for path, content in contents.items() if "/" not in path}
        entries = [(name, "100644", self.store("blob", files[name])) for name in files]
        for name in {path.partition("/")[0] for path in contents if "/" in path}:
            below = {
                path.removeprefix(f"{name}/"): content
                for path, content in contents.items()
                if path.startswith(f"{name}/")
            }
            entries.append((f"{name}/", "40000", self._tree(below)))
        lines = (
            f"{mode} {name.rstrip('/')}\0".encode() + bytes.fromhex(oid)
            for name, mode, oid in sorted(entries, key=lambda entry: entry[0].encode())
        )
        return self.store("tree", b"".join(lines))

    def commit(
        self,
        *models: Model,
        under: str = "",
        others: dict[str, str | bytes | None] | None = None,
        branch: str = "main",
        parents: Sequence[str] | None = None,
        author: str = PERSON,
        date: str | None = None,
    ) -> str:
        """Commit models and other changes of files; return the id of the commit.

        Args:
            models: the models that the commit has, or none to leave them as they are.
            under: the directory of their project: "" or "some/directory/".
            others: the new content of other files; None removes one.
            branch: the branch that grows.
            parents: the commits that it continues, if not the last one of the branch.
            author: who wrote it.
            date: when, if not a day later.
        """
        self.days += 1
        (self.directory / under).mkdir(parents=True, exist_ok=True)
        if parents is None:
            parents = [self._branches[branch]] if branch in self._branches else []
        contents = dict(self._contents[parents[0]]) if parents else {}
        new = (files(*models, under=under) if models else {}) | (others or {})
        for path, content in new.items():
            contents[path] = content.encode() if isinstance(content, str) else content or b""
            if content is None:
                del contents[path]
        lines = [f"tree {self._tree(contents)}", *(f"parent {parent}" for parent in parents)]
        lines.append(f"author {author} <ada@example.org> {date or self._now}")
        lines.append(f"committer {PERSON} <ada@example.org> {self._now}")
        commit = self.store("commit", "\n".join([*lines, "", "Change", ""]).encode())
        self._contents[commit] = contents
        self._branches[branch] = commit
        self.point(f"heads/{branch}", commit)
        return commit

    def tag(
        self,
        name: str,
        at: str | None = None,
        message: str = "Why",
        author: str = PERSON,
        key: Path | None = None,
    ) -> None:
        """Put an annotated tag on a commit: the last one of the main branch, if not said."""
        self.days += 1
        tagger = f"{author} <ada@example.org> {self._now}"
        self.raw_tag(name, at or self.head, tagger, message, key)

    def raw_tag(
        self, name: str, commit: str, tagger: str, message: str = "Why", key: Path | None = None
    ) -> str:
        """Make a tag of any tagger, signed with a key if one is given; return its object's id."""
        header = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n"
        content = f"{header}{message}\n".encode(errors="surrogateescape")
        oid = self.store("tag", content + (signature(content, key) if key else b""))
        self.point(f"tags/{name}", oid)
        self._tags.append(name)
        return oid

    def release(
        self, number: str, model: Model | None = None, *stages: str, key: Path | None = None
    ) -> str:
        """Commit a model, register it, assign it to stages; return the id of the commit."""
        model = model or Model(recipe=digest(number))
        commit = self.commit(model)
        self.tag(f"{model.name}@{number}", message=f"About {number}", key=key)
        for stage in stages:
            self.assign(stage, commit, model.name, key=key)
        return commit

    def assign(
        self,
        stage: str,
        at: str,
        name: str = "model",
        message: str = "Why",
        key: Path | None = None,
    ) -> str:
        """Assign a commit to a stage, or with "!" take that back; return the name of the tag."""
        before = [tag for tag in self._tags if tag.startswith(f"{name}#")]
        tag = f"{name}#{stage}#{len(before) + 1}"
        self.tag(tag, at, message, key=key)
        return tag

    @contextmanager
    def catalogue(self, model: str | None = None, under: str = "") -> Iterator[Catalogue]:
        """Read the repository."""
        with opened(str(self.directory / under)) as git:
            yield Catalogue(git, model)

    def answer(self, *words: str, under: str = "") -> tuple[Any, str]:
        """Return what a command gives here, as data and as text."""
        return answer(*words, "--repo", str(self.directory / under))


def answer(*words: str) -> tuple[Any, str]:
    """Return what a command gives, as data and as text."""
    args = arguments(list(words))
    with opened(args.repo or ".") as git:
        trust = Trust(git, getattr(args, "allowed_signers", None))
        catalogue = Catalogue(git, args.model, trust)
        command = importlib.import_module(COMMANDS[args.command].module)
        return command.run(catalogue, args)


def make_released(directory: Path) -> Repository:
    """Make a repository in which prod had v1.0.0, then v1.1.0, and has v1.0.0 again."""
    made = Repository(directory)
    made.commit(others={"README.md": "A model.\n"})
    first = made.release("v1.0.0", Model("aaaa", value=0.9))
    made.assign("prod", first, message="First release")
    second = made.release("v1.1.0", Model("bbbb", value=0.95), "staging")
    made.assign("prod", second, message="Better")
    made.assign("prod", first, message="Complaints")
    made.commit(Model("cccc", value=0.8))
    return made

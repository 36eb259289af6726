"""Write a synthetic history: `python history.py PROJECT OUT --commits 10000 --versions 1000`.

PROJECT is a generated project after `dvc repro`. OUT becomes a Git repository with its files and
with two models more, churn and price, made by the same stages under names of their own. Versions
of the three models are registered by turns and evenly over the commits: such a commit changes
parameters, a module and sometimes the raw data, and with them dvc.lock, metrics and metadata as
the stages would write them. All other commits change a note. Tags are annotated, have the names
that GTO gives, and the messages of `modelkeep register` or, with --messages gto, those of
`gto register`. OUT.jsonl tells what was registered, one version a line.

The same arguments give the same bytes. All goes through one `git fast-import`; refs and objects
are then packed as in a fresh clone.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import yaml

MODELS = ("model", "churn", "price")
PEOPLE = ("Ada Lovelace", "Emmy Noether", "Grace Hopper", "Alan Turing", "Mary Somerville")
START = 1_600_000_000
MEAN_STEP = 5_000
NOTES = 200
DATA_EVERY = 10
STAGED_EVERY = {"prod": 5, "staging": 50}
METADATA, METRICS, LOCK, PARAMS, RAW = (
    "model.json",
    "reports/metrics.json",
    "dvc.lock",
    "params.yaml",
    "data/raw.dvc",
)
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MessageOf = Callable[[str, str, dict[str, Any], str, str, tuple[str, str]], str]


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
    """Writes YAML as DVC does, without anchors of values that repeat."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value where it stands."""
        return True


@dataclass
class Tree:
    """The files of a commit, and which of them the next commit changes."""

    files: dict[str, bytes] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def write(self, path: str, content: str | bytes) -> None:
        """Change a file."""
        self.files[path] = content.encode() if isinstance(content, str) else content
        self.changed.add(path)


class Stream:
    """The input of `git fast-import`."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.rng = random.Random(7)
        self.time = START
        self.commits = 0

    def person(self) -> str:
        """Return someone's name, address and the present time, which goes on."""
        self.time += self.rng.randrange(1, 2 * MEAN_STEP)
        name = self.rng.choice(PEOPLE)
        return f"{name} <{name.split()[0].lower()}@example.org> {self.time} +0000"

    def commit(self, tree: Tree, message: str) -> None:
        """Commit what has changed in the tree."""
        self.commits += 1
        self._line(f"commit refs/heads/main\nmark :{self.commits}\ncommitter {self.person()}")
        self._data(message.encode())
        for path in sorted(tree.changed):
            self._line(f"M 100644 inline {path}")
            self._data(tree.files[path])
        tree.changed.clear()

    def tag(self, name: str, message: str) -> None:
        """Put an annotated tag on the last commit."""
        self._line(f"tag {name}\nfrom :{self.commits}\ntagger {self.person()}")
        self._data(message.encode())

    def _line(self, text: str) -> None:
        self.file.write(f"{text}\n".encode())

    def _data(self, content: bytes) -> None:
        self._line(f"data {len(content)}")
        self.file.write(content + b"\n")


class Models:
    """The three models in a tree, and the stages that dvc.lock has for each."""

    def __init__(self, tree: Tree, rng: random.Random):
        self.tree = tree
        self.rng = rng
        self.pipeline = yaml.load(tree.files["dvc.yaml"], Loader)
        self.locked = yaml.load(tree.files[LOCK], Loader)["stages"]
        self.metadata = json.loads(tree.files[METADATA])
        self.params = yaml.load(tree.files[PARAMS], Loader)
        self.raw = tree.files[RAW]
        self.modules = sorted(self.metadata["recipe"]["code"])
        self.sources = {path: tree.files[path] for path in self.modules}
        self.own = {PARAMS} | {
            out["path"] for stage in self.locked.values() for out in stage["outs"]
        }
        self.locks: dict[str, str] = {}
        self.counts = dict.fromkeys(MODELS, 0)
        self.generation = 0
        self._add_models()

    def change(self, number: int) -> tuple[str, str, dict[str, Any]]:
        """Train the model whose turn it is; return its name, version and metadata."""
        model = MODELS[number % len(MODELS)]
        self.counts[model] += 1
        if number and number % DATA_EVERY == 0:
            self.generation += 1
            md5 = yaml.load(self.raw, Loader)["outs"][0]["md5"]
            self.tree.write(RAW, self.raw.replace(md5.encode(), self._raw_md5().encode()))
        if number:
            module = self.rng.choice(self.modules)
            self.tree.write(module, self.sources[module] + f"# revision {number}\n".encode())
        self.params["package"]["name"] = model
        train = self.params["train"]
        train[train["estimator"]]["C"] = self.rng.randrange(1, 10_000) / 1000
        metadata = self._write(model)
        return model, f"v1.{self.counts[model] - 1}.0", metadata

    def _write(self, model: str) -> dict[str, Any]:
        metadata = self._metadata_of(model)
        for path, content in (
            (METADATA, metadata),
            (METRICS, metadata["metrics"]["test"]),
        ):
            self.tree.write(self.path(path, model), json.dumps(content, indent=2) + "\n")
        params = yaml.dump(self.params, Dumper=Dumper, sort_keys=False)
        self.tree.write(self.path(PARAMS, model), params)
        self.locks[model] = yaml.dump(self._lock_of(model), Dumper=Dumper, sort_keys=False)
        self.tree.write(
            LOCK, "".join(["schema: '2.0'\nstages:\n", *map(indented, self.locks.values())])
        )
        return metadata

    def _metadata_of(self, model: str) -> dict[str, Any]:
        metadata = deepcopy(self.metadata)
        metadata["name"] = model
        metrics = metadata["metrics"] = drifted(metadata["metrics"], self.rng)
        headline = metrics["headline"]
        headline["value"] = value = metrics["test"][headline["metric"]]
        headline |= {"low": value * 0.95, "high": min(value * 1.05, 1.0)}
        recipe, training = metadata["recipe"], metadata["training"]
        training["parameters"]["C"] = self.params["train"][training["estimator"]]["C"]
        recipe["parameters"] = {stage: self.params[stage] for stage in recipe["parameters"]}
        recipe["code"] = {path: sha256(self.tree.files[path]) for path in recipe["code"]}
        for file in metadata["data"]["files"]:
            file["sha256"] = sha256(f"{file['path']} {self.generation}".encode())
            recipe["data"][file["path"]] = file["sha256"]
        canonical = json.dumps(
            recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        metadata["recipe_id"] = sha256(canonical.encode())
        return metadata

    def _lock_of(self, model: str) -> dict[str, Any]:
        stages = {}
        for name, locked in deepcopy(self.locked).items():
            locked["cmd"] = self._command(locked["cmd"], model)
            for entry in [*locked["deps"], *locked["outs"]]:
                entry["path"] = self.path(entry["path"], model)
                self._hash(entry, model)
            values = locked["params"].pop(PARAMS)
            current = {section: self.params[section] for section in values}
            locked["params"][self.path(PARAMS, model)] = current
            stages[self._stage(name, model)] = locked
        return stages

    def _hash(self, entry: dict[str, Any], model: str) -> None:
        """Set size and MD5 of an entry: those of a file in Git, or made up for what DVC keeps."""
        content = self.tree.files.get(entry["path"])
        if content is not None:
            entry |= {"md5": md5_of(content), "size": len(content)}
        elif entry["path"] == "data/raw":
            entry["md5"] = self._raw_md5()
        else:
            text = f"{entry['path']} {model} {self.counts[model]}"
            entry["md5"] = f"{md5_of(text.encode())}.dir"

    def _raw_md5(self) -> str:
        return f"{md5_of(f'raw {self.generation}'.encode())}.dir"

    def _add_models(self) -> None:
        """Write what all versions share: stages, parameters and reports of three models."""
        pipeline = {"stages": {}, "metrics": [], "plots": self.pipeline["plots"], "artifacts": {}}
        [artifact] = self.pipeline["artifacts"].values()
        for model in MODELS:
            for name, stage in self.pipeline["stages"].items():
                pipeline["stages"][self._stage(name, model)] = self._stage_of(stage, model)
            pipeline["metrics"].append(self.path(METRICS, model))
            pipeline["artifacts"][model] = artifact | {"path": self.path(artifact["path"], model)}
            for path in [path for path in self.tree.files if path.startswith(("reports/", PARAMS))]:
                self.tree.write(self.path(path, model), self.tree.files[path])
        self.tree.write("dvc.yaml", yaml.dump(pipeline, Dumper=Dumper, sort_keys=False))
        kept = {self.path(path, model) for path in self.own for model in MODELS}
        ignored = sorted(
            f"/{path}\n" for path in kept if path.startswith(("data", "models", "pack"))
        )
        self.tree.write(".gitignore", self.tree.files[".gitignore"] + "".join(ignored).encode())

    def _stage_of(self, stage: dict[str, Any], model: str) -> dict[str, Any]:
        stage = deepcopy(stage)
        stage["cmd"] = self._command(stage["cmd"], model)
        stage["deps"] = [self.path(path, model) for path in stage["deps"]]
        stage["outs"] = [
            self.path(out, model)
            if isinstance(out, str)
            else {self.path(path, model): options for path, options in out.items()}
            for out in stage["outs"]
        ]
        if model != MODELS[0]:
            stage["params"] = [{self.path(PARAMS, model): stage["params"]}]
        return stage

    def _command(self, command: str, model: str) -> str:
        return " ".join(self.path(word, model) for word in command.split())

    def package(self, model: str) -> tuple[str, str]:
        """Return path and DVC's hash of the package of a model, as it is now."""
        path = self.path("package", model)
        return path, f"{md5_of(f'{path} {model} {self.counts[model]}'.encode())}.dir"

    def _stage(self, name: str, model: str) -> str:
        return name if model == MODELS[0] else f"{name}-{model}"

    def path(self, path: str, model: str) -> str:
        """Return a model's own path for one that belongs to the first model alone."""
        if model == MODELS[0]:
            return path
        for own in self.own:
            if path == own or path.startswith(f"{own}/"):
                start, dot, suffix = own.partition(".")
                return f"{start}-{model}{dot}{suffix}{path[len(own) :]}"
        return path


def drifted(value: Any, rng: random.Random) -> Any:
    """Return JSON whose fractions have each gone down a little."""
    if isinstance(value, dict):
        return {
            key: inner if key == "confidence" else drifted(inner, rng)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [drifted(inner, rng) for inner in value]
    return value * rng.uniform(0.8, 1) if isinstance(value, float) else value


def indented(text: str) -> str:
    """Return lines moved in by two spaces."""
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))


def sha256(content: bytes) -> str:
    """Return a SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def md5_of(content: bytes) -> str:
    """Return an MD5 in hexadecimal."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def git(directory: Path, *arguments: str) -> bytes:
    """Run Git and return what it prints."""
    command = ["git", "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def tree_of(project: Path) -> Tree:
    """Return the files of a project that are in Git or could be."""
    listed = git(project, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    tree = Tree()
    for path in listed.decode().split("\0")[:-1]:
        tree.write(path, (project / path).read_bytes())
    return tree


def write(
    stream: Stream, tree: Tree, commits: int, versions: int, message_of: MessageOf
) -> list[dict[str, Any]]:
    """Write all commits and tags, and return what was registered."""
    models = Models(tree, stream.rng)
    counters = dict.fromkeys(MODELS, 0)
    registered = []
    every = commits // versions
    for number in range(commits):
        place, rest = divmod(number, every)
        if rest or place >= versions:
            tree.write(f"notes/{number % NOTES:03}.md", f"# Note {number}\n\nSeen and thought.\n")
            stream.commit(tree, f"Write note {number}\n")
            continue
        model, version, metadata = models.change(place)
        stream.commit(tree, f"Train {model} {version}\n")
        path = models.path(METADATA, model)
        blob = blob_id(tree.files[path])
        message = message_of(model, version, metadata, path, blob, models.package(model))
        stream.tag(f"{model}@{version}", message)
        stages = [stage for stage, share in STAGED_EVERY.items() if place % share == 0]
        for stage in stages:
            counters[model] += 1
            message = f"Assigning stage {stage} to artifact {model} version {version}\n"
            stream.tag(f"{model}#{stage}#{counters[model]}", message)
        registered.append(
            {"model": model, "version": version, "stages": stages, "metadata": metadata}
        )
    return registered


def blob_id(content: bytes) -> str:
    """Return Git's id of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def by_gto(model: str, version: str, *_: object) -> str:
    """Return the message of a version that `gto register` tags."""
    return f"Registering artifact {model} version {version}\n"


def by_modelkeep() -> MessageOf:
    """Return what gives the message of a version that `modelkeep register` tags."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    from modelkeep.registry.summary import trailers

    def message_of(
        _: str, __: str, metadata: dict[str, Any], path: str, blob: str, package: tuple[str, str]
    ) -> str:
        return f"A better one\n\n{trailers(metadata, path, blob, package)}\n"

    return message_of


def main() -> None:
    """Read the command line and write the repository."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("project", "out"):
        parser.add_argument(name, type=Path)
    for name in ("commits", "versions"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--messages", choices=("modelkeep", "gto"), default="modelkeep")
    args = parser.parse_args()
    message_of = by_gto if args.messages == "gto" else by_modelkeep()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", args.out], check=True)
    command = ["git", "-C", str(args.out), "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        tree = tree_of(args.project)
        registered = write(Stream(importer.stdin), tree, args.commits, args.versions, message_of)
    if importer.returncode:
        raise subprocess.CalledProcessError(importer.returncode, command)
    git(args.out, "repack", "-a", "-d", "--quiet")
    git(args.out, "pack-refs", "--all")
    git(args.out, "reset", "--quiet", "--hard", "main")
    with args.out.with_suffix(".jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(version)}\n" for version in registered)


if __name__ == "__main__":
    main()

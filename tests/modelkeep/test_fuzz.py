"""Mutated packages, locks, tags, lists of files and metadata: a sentence or success, never more.

A few of each here; `MODELKEEP_FUZZ=10000 pytest tests/modelkeep/test_fuzz.py` tries so many.
"""

import io
import json
import tempfile
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from fuzzing import broken, confined, damaged, fuzzed
from modelkeep.ready import try_package
from modelkeep.registry import diff, history, lineage, listing, show
from modelkeep.registry.ancestry import NONE, trace
from modelkeep.registry.believed import check_assignment, doubts
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.dvc_lock import parse_pipeline
from modelkeep.registry.git import GitError
from modelkeep.text import as_json
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import inside, read_listing
from repository import PERSON, Model, digest, files

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0"
PACKAGES = {
    name: {path.name: path.read_bytes() for path in sorted((GOLDEN / name / "package").iterdir())}
    for name in ("dates", "logistic-regression")
}
MANIFEST, MODEL = "manifest.json", "model.skops"
MD5 = "0123456789abcdef" * 2


def sealed(contents: dict[str, bytes]) -> bytes:
    """Return a manifest that fits the files of a package."""
    hashes = {name: sha256(content).hexdigest() for name, content in contents.items()}
    hashes.pop(MANIFEST, None)
    return json.dumps({"format": 1, "files": hashes}).encode()


def model_of(content: bytes, draw: Any) -> bytes:
    """Return a model file of which a member is another one, in an archive that is whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from([*sorted(members), "schema.json", "schema.json"]))
    if name == "schema.json":
        members[name] = broken(json.loads(members[name]), draw)
    else:
        members[name] = damaged(members[name], draw)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return buffer.getvalue()


@fuzzed
@given(st.data())
def test_fuzzed_packages_are_opened_or_refused(data: Any) -> None:
    """Whatever file is another one, in its bytes or in its meaning, under a manifest that fits."""
    contents = dict(PACKAGES[data.draw(st.sampled_from(sorted(PACKAGES)))])
    name = data.draw(st.sampled_from([*sorted(contents), MODEL, MODEL, "model.json"]))
    if name == MODEL and data.draw(st.booleans()):
        contents[name] = model_of(contents[name], data.draw)
    elif name.endswith(".json") and data.draw(st.booleans()):
        contents[name] = broken(json.loads(contents[name]), data.draw)
    elif name == "schema.yaml" and data.draw(st.booleans()):
        schema = YAML(typ="safe", pure=True).load(contents[name].decode())
        contents[name] = broken(schema, data.draw)
    else:
        contents[name] = damaged(contents[name], data.draw)
    if name != MANIFEST:
        contents[MANIFEST] = sealed(contents)
    with tempfile.TemporaryDirectory() as directory:
        for file, content in contents.items():
            Path(directory, file).write_bytes(content)
        with confined(Path(directory)), warnings.catch_warnings(), suppress(UserError):
            warnings.simplefilter("ignore")
            try_package(Path(directory))


LISTING = [{"md5": MD5, "relpath": "a/b.csv"}, {"md5": MD5[::-1], "relpath": "c"}]


@fuzzed
@given(st.data())
def test_fuzzed_lists_of_files_name_objects_inside_or_are_refused(data: Any) -> None:
    """What comes through has names of objects, and paths that stay inside."""
    content = broken(LISTING, data.draw)
    with confined(), suppress(UserError):
        listed = read_listing(content, "package")
        assert all(inside(path, "package") == path for path in listed)
        assert all(set(name) <= set("0123456789abcdef") for name in listed.values())


LOCK = {
    "schema": "2.0",
    "stages": {"package": Model().stage, "other": Model("b", package="other").stage},
}


@fuzzed
@given(st.data())
def test_fuzzed_locks_are_read_or_refused(data: Any) -> None:
    """Each path of an output stays inside, and each hash is one."""
    content = broken(LOCK, data.draw)
    with confined(), suppress(UserError):
        for stage in parse_pipeline(content, {"model": "package"}).stages:
            assert all(inside(out.path, "x") for out in stage.outs)
            assert all(isinstance(value, str) for value in (stage.name, stage.command))


class Commits:
    """What stands for a repository: its tags, and the files of its commits.

    Attributes:
        prefix, foreign, shallow, directory: as of a repository at the top of a clone.
        tags: the content of each tag object, by the name of the tag.
        objects: the content of each object, by its name.
    """

    prefix, foreign, shallow, fresh, directory = "", False, False, False, Path()

    def __init__(self, tags: dict[str, bytes], commits: dict[str, dict[str, bytes]]) -> None:
        self.tags = tags
        self.objects = {
            f"{commit}:{path}": content
            for commit, contents in commits.items()
            for path, content in contents.items()
        }
        self.commits = dict.fromkeys(commits)
        self.objects |= {f"tag {name}": content for name, content in tags.items()}

    def refs(self, *under: str) -> Iterator[tuple[str, str]]:
        """Yield the tags, each with the name of its object."""
        for name in self.tags if under == ("refs/tags",) else ():
            yield f"refs/tags/{name}", f"tag {name}"

    def shallow_and_replaced(self) -> tuple[bool, list[str]]:
        """Say that it is whole, and that no object stands for another."""
        return self.shallow, []

    def read(self, names: Iterable[str]) -> Iterator[bytes | None]:
        """Yield the content of each object."""
        return (self.objects.get(name) for name in names)

    def read_one(self, name: str) -> bytes | None:
        """Return the content of one object."""
        return self.objects.get(name)

    def no_file(self, commit: str, path: str) -> UserError:
        """Return what to say where a commit has no such file."""
        return UserError(f"commit {commit[:7]} has no {path}.")

    def ids(self, names: Iterable[str]) -> Iterator[str | None]:
        """Yield an id of each object."""
        return (digest("1d", 40) if name in self.objects else None for name in names)

    def commit(self, revision: str) -> str | None:
        """Return the commit that has this id."""
        return revision if revision in self.commits else None

    def commit_has(self, commit: str, path: str) -> bool:
        """Say whether a commit has a file."""
        return f"{commit}:{path}" in self.objects

    def run(self, command: str, *_: str, **__: Any) -> str:
        """Return what Git says of the author of a commit; it has no remote."""
        if command == "log":
            return f"{PERSON}\0a@b\0002026-01-01T00:00:00+00:00\0Change\n"
        if command == "remote":
            return ""
        raise GitError(command)


FIRST, SECOND = digest("f1", 40), digest("5e", 40)
CONTENTS = {
    commit: {name: content.encode() for name, content in files(Model(recipe)).items()}
    for commit, recipe in ((FIRST, "a"), (SECOND, "b"))
}
NAMES = [
    *("model@v1.0.0", "model@v1.1.0", "model#prod#1", "model#prod#2", "model#dev#3"),
    *("model#prod!#4", "model@v1.0.0!", "model@deprecated", "model#prod", "sub=model@v2.0.0"),
]


def tag(name: str, commit: str, second: int) -> bytes:
    """Return the content of a tag object."""
    claim = f'Recipe: {digest("a")}\nHeadline: {{"metric": "f1"}}\nMetadata: 1d model.json'
    return (
        f"object {commit}\ntype commit\ntag {name}\ntagger {PERSON} <a@b> {second} +0000\n\n"
        f"Why\n\nGate: passed\n{claim}\n"
    ).encode()


def commands(catalogue: Catalogue) -> Iterator[Any]:
    """Run what reads a catalogue, as far as it can be read."""
    everything = Namespace(all=False, stage=None, repo="x", follow_imports=False, mermaid=True)
    yield doubts(catalogue)
    for command in (listing, history):
        with suppress(UserError):
            yield command.run(catalogue, everything)
    with suppress(UserError):
        yield lineage.of_data(catalogue, digest("f204db2c")[:8])
    for model in catalogue.models:
        for event in catalogue.assignments[model].values():
            with suppress(UserError):
                check_assignment(catalogue, event)
        for version in catalogue.registered(model)[:2]:
            with suppress(UserError):
                graph = trace(catalogue, version, NONE)
                yield graph.data(), lineage.mermaid(graph), lineage.tree(graph)
            with suppress(UserError):
                facts = show.facts(catalogue, version)
                yield facts, show.rendered(facts)
    with suppress(UserError):
        between = Namespace(before="v1.0.0", after="v1.1.0", md=True)
        data, shown = diff.run(catalogue, between)
        yield data, shown, diff.rendered(data)


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look for the bytes of a package."""
    places = {"cache": False, "remote": None, "problem": "not looked for"}
    monkeypatch.setattr(show, "where", lambda *_: places)


DATES = ["0", "5680281600", "253402300800", "9" * 20, "9" * 5000, "-5", "1e9", ""]


@fuzzed
@given(st.data())
def test_fuzzed_tags_are_read_or_say_nothing(data: Any) -> None:
    """Every command that reads goes on, and each assignment is of a commit."""
    tags = {}
    for place, name in enumerate(data.draw(st.lists(st.sampled_from(NAMES), unique=True))):
        content = tag(name, data.draw(st.sampled_from([FIRST, SECOND])), 1767225600 + place)
        if data.draw(st.booleans()):
            content = damaged(content, data.draw)
        else:
            content = content.replace(b"17672256", data.draw(st.sampled_from(DATES)).encode())
        tags[name] = content
        if data.draw(st.integers(0, 3)) == 0:
            tags[data.draw(st.text("model@v1.0#prd!=/-:9", max_size=30))] = content
    with confined():
        catalogue = Catalogue(Commits(tags, CONTENTS))  # type: ignore[arg-type]
        for command in commands(catalogue):
            as_json(command).encode()


@fuzzed
@given(st.data())
def test_fuzzed_metadata_are_shown_or_refused(data: Any) -> None:
    """model.json, dvc.yaml and dvc.lock of a commit, through every command that reads."""
    commits = {commit: dict(contents) for commit, contents in CONTENTS.items()}
    name = data.draw(st.sampled_from(["model.json", "model.json", "dvc.lock", "dvc.yaml"]))
    commits[SECOND][name] = broken(json.loads(commits[SECOND][name]), data.draw)
    if data.draw(st.integers(0, 2)) == 0:
        commits[SECOND]["data/raw.dvc"] = broken(POINTER, data.draw)
    tags = {name: tag(name, FIRST, 1767225600 + len(name)) for name in NAMES[:1]}
    tags |= {name: tag(name, SECOND, 1767226600 + len(name)) for name in NAMES[1:3]}
    with confined():
        catalogue = Catalogue(Commits(tags, commits))  # type: ignore[arg-type]
        for command in commands(catalogue):
            as_json(command).encode()


POINTER = {
    "outs": [{"md5": f"{MD5}.dir", "path": "raw"}],
    "deps": [{"path": "x", "repo": {"url": "file:///x", "rev_lock": FIRST}}],
}

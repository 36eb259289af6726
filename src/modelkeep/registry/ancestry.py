"""Follow a pipeline backwards: from a package to raw data, through imports and other models."""

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.dvc_lock import Pipeline, Stage, read_pipeline, read_yaml
from modelkeep.registry.git import Git, opened, without_password
from modelkeep.registry.graph import Graph, Node
from modelkeep.registry.version import Version, full_name
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import check_tree

# Why a repository that a .dvc file names is not opened
UNASKED = "not opened, since another repository names it; --follow-imports opens it"
# How many repositories may name the next: none, those that the first one names, or all
NONE, OWN, ALL = 0, 1, 1_000


def trace(catalogue: Catalogue, version: Version, opens: int = OWN) -> Graph:
    """Return what a version was made from; its package is the first node.

    Args:
        catalogue: the versions.
        version: the version.
        opens: how far imports are followed into the repositories that they name.

    Raises:
        UserError: its commit has no package or no metadata, or its pipeline is too deep.
    """
    graph, pipeline = Graph(), catalogue.pipeline(version)
    with ExitStack() as stack:
        project = Project(
            graph, stack, catalogue, version.commit, version.directory, pipeline, opens=opens
        )
        try:
            project.add(package_of(pipeline, version)[0])
        except RecursionError:
            raise UserError(
                f"dvc.lock of commit {version.commit[:7]} is too deep to be followed."
            ) from None
    for path, digest in catalogue.records.of(version)["recipe"]["data"].items():
        raw = Node("data", f"{version.directory}{path}", digest)
        for whole in [*graph.nodes.values()]:
            if whole.kind == "data" and raw.name.startswith(f"{whole.name}/"):
                graph.add(raw)
                graph.join(whole, raw)
    return graph


@dataclass
class Project:
    """The project of one commit, whose part of the graph is added.

    Attributes:
        graph: what was seen so far.
        stack: closes other repositories when the work is done.
        catalogue: the versions of its repository.
        commit: the commit.
        directory: its path in the repository: "" or "some/directory/".
        pipeline: what dvc.lock of the commit says.
        source: what stands before its names: the URL of its repository and ":", or nothing.
        opens: how far imports are followed from here.
    """

    graph: Graph
    stack: ExitStack
    catalogue: Catalogue
    commit: str
    directory: str
    pipeline: Pipeline
    source: str = ""
    opens: int = OWN

    def add(self, path: str, md5: str | None = None) -> Node:
        """Add what is at a path, and all that it was made from."""
        made = self.pipeline.producing_stage(path)
        if made is None:
            return self._add_source(path, md5)
        stage, out = made
        packages = {where: name for name, where in self.pipeline.artifacts.items()}
        model, version = packages.get(out.path), None
        if model:
            full = full_name(self.directory, model)
            version = f"{self.source}{full} {self._label(full, out.md5)}"
        kind = "package" if model else "file"
        node = Node(kind, self._name(out.path), out.md5, version, stage.name)
        if self.graph.add(node):
            self._add_inputs(stage, node)
        return node

    def _name(self, path: str) -> str:
        return f"{self.source}{self.directory}{path}"

    def _label(self, model: str, content: str | None) -> str:
        """Return the number of the version at this commit, or of one with the same package."""
        here = self.catalogue.at(model, self.commit)
        if here.number or not content:
            return here.label
        versions = self.catalogue.registered(model)
        locks = self.catalogue.git.read(
            f"{version.commit}:{version.directory}dvc.lock" for version in versions
        )
        for version, lock in zip(versions, locks, strict=True):
            # Reading a lock as YAML takes a hundred times as long as looking for the hash in it.
            if lock is None or content.encode() not in lock:
                continue
            try:
                if package_of(self.catalogue.pipeline(version), version)[1] == content:
                    return version.label
            except UserError:
                continue
        return here.label

    def _add_inputs(self, stage: Stage, node: Node) -> None:
        for dep in stage.deps:
            self.graph.join(node, self.add(dep.path, dep.md5))
        for file, values in stage.params.items():
            for section, value in values.items():
                digest, remark = _digest(value)
                name = self._name(f"{file}:{section}")
                parent = Node("parameters", name, digest, stage=remark)
                self.graph.add(parent)
                self.graph.join(node, parent)

    def _add_source(self, path: str, md5: str | None) -> Node:
        """Add what no stage makes: code, or data, which may be imported from elsewhere."""
        git = self.catalogue.git
        try:
            pointer = read_yaml(git, self.commit, f"{self.directory}{path}.dvc")
        except UserError:
            pointer = None
        if not isinstance(pointer, dict):
            node = Node("code", self._name(path), md5)
            self.graph.add(node)
            return node
        out, *_ = _mappings(pointer.get("outs")) or [{}]
        node = Node("data", self._name(path), _text(out.get("md5")) or md5)
        if self.graph.add(node):
            for dep in _mappings(pointer.get("deps")):
                self.graph.join(node, self._add_import(dep))
        return node

    def _add_import(self, dep: dict[str, Any]) -> Node:
        """Add what `dvc import` or `dvc import-url` brought, with its own lineage."""
        repository, path = dep.get("repo"), _text(dep.get("path")) or "?"
        url = _text(repository.get("url")) if isinstance(repository, dict) else None
        if not isinstance(repository, dict) or url is None:
            digest = _text(dep.get("md5")) or _text(dep.get("etag"))
            node = Node("elsewhere", without_password(path), digest)
            self.graph.add(node)
            return node
        commit = _text(repository.get("rev_lock")) or "HEAD"
        shown = without_password(url)
        if not self.opens:
            node = Node("elsewhere", f"{shown}:{path}", commit, stage=UNASKED)
            self.graph.add(node)
            return node
        try:
            git = self.stack.enter_context(opened(url, named_by_another=True))
            if git.commit(commit) is None:
                raise UserError(f"it has no commit {commit[:7]}.")
            directory = _project_of(git, commit, path)
            has_lock = git.commit_has(commit, f"{directory}dvc.lock")
            pipeline = read_pipeline(git, commit, directory) if has_lock else Pipeline((), {})
            catalogue, source = Catalogue(git), f"{shown}:"
            other = Project(
                *(self.graph, self.stack, catalogue, commit, directory, pipeline, source),
                opens=self.opens - 1,
            )
            return other.add(path.removeprefix(directory))
        except UserError as error:
            node = Node("elsewhere", f"{shown}:{path}", commit, stage=f"not read: {error}")
            self.graph.add(node)
            return node


def _digest(value: Any) -> tuple[str | None, str | None]:
    """Return the hash of the value of a parameter; None, and why, where it is too large."""
    try:
        check_tree(value, "the value")
    except UserError as error:
        return None, f"not read: {error}"
    return hashlib.sha256(repr(value).encode(errors="surrogatepass")).hexdigest(), None


def _mappings(part: Any) -> list[dict[str, Any]]:
    """Return the mappings in a list of a .dvc file; none where there is no such list."""
    return [entry for entry in part if isinstance(entry, dict)] if isinstance(part, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _project_of(git: Git, commit: str, path: str) -> str:
    """Return the directory of the project that a path lies in: the nearest with a dvc.lock."""
    parts = path.split("/")[:-1]
    for end in range(len(parts), 0, -1):
        directory = "".join(f"{part}/" for part in parts[:end])
        if git.commit_has(commit, f"{directory}dvc.lock"):
            return directory
    return ""

"""The graph of what was made from what, and its pictures: a tree and a Mermaid diagram."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from modelkeep import text


@dataclass(frozen=True)
class Node:
    """Something that a model was made from, or the model.

    Attributes:
        kind: "package", "data", "file", "code", "parameters", or "elsewhere" for what is not
            followed.
        name: its path, with the repository in front if that is another one.
        digest: a hash of its content, or None.
        version: the version of a model that it is, or None.
        stage: the stage that made it, or None.
    """

    kind: str
    name: str
    digest: str | None
    version: str | None = None
    stage: str | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.name}@{self.digest}"


@dataclass
class Graph:
    """A directed acyclic graph: each node, and the keys of the nodes that it was made from."""

    nodes: dict[str, Node] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)

    def add(self, node: Node) -> bool:
        """Add a node; say whether it is new."""
        new = node.key not in self.nodes
        self.nodes.setdefault(node.key, node)
        self.parents.setdefault(node.key, [])
        return new

    def join(self, child: Node, parent: Node) -> None:
        """Say that `child` was made from `parent`."""
        if parent.key not in self.parents[child.key]:
            self.parents[child.key].append(parent.key)

    def data(self) -> dict[str, Any]:
        """Return nodes, edges, and the version set: the models, the youngest first."""
        number = {key: place for place, key in enumerate(self.nodes)}
        return {
            "nodes": [{"id": number[key], **vars(node)} for key, node in self.nodes.items()],
            "edges": [
                {"from": number[parent], "to": number[child]}
                for child, parents in self.parents.items()
                for parent in parents
            ],
            "versions": [node.version for node in self.nodes.values() if node.version],
        }


def tree(graph: Graph) -> str:
    """Return the graph as a tree from the package down; what was shown above is only named."""
    lines: list[str] = []
    shown: set[str] = set()

    def branch(key: str, before: str, here: str, below: str) -> None:
        again = key in shown and bool(graph.parents[key])
        lines.append(f"{before}{here}{_line(graph.nodes[key])}{' (above)' if again else ''}")
        if again:
            return
        shown.add(key)
        groups = [*_grouped(graph, graph.parents[key])]
        for place, parents in enumerate(groups):
            last = place == len(groups) - 1
            here_, below_ = ("└─ ", "   ") if last else ("├─ ", "│  ")
            if len(parents) > 1:
                first = graph.nodes[parents[0]]
                lines.append(f"{before}{below}{here_}{_many(first, len(parents))}")
            else:
                branch(parents[0], before + below, here_, below_)

    branch(next(iter(graph.nodes)), "", "", "")
    return "\n".join(lines)


def _grouped(graph: Graph, parents: list[str]) -> Iterator[list[str]]:
    """Yield parents one by one, modules of one directory together."""
    modules: dict[str, list[str]] = {}
    for key in parents:
        node = graph.nodes[key]
        if directory := _directory(node):
            modules.setdefault(directory, []).append(key)
        else:
            yield [key]
    yield from modules.values()


def _directory(node: Node) -> str:
    """Return the directory of a module, with its repository in front; nothing for what is none."""
    repository, colon, path = node.name.rpartition(":")
    above, slash, file = path.rpartition("/")
    is_module = node.kind == "code" and file.endswith(".py")
    return f"{repository}{colon}{above}{slash}" if slash and is_module else ""


def _line(node: Node) -> str:
    stage = f"  ← {node.stage}" if node.stage else ""
    return f"{node.version or node.name}  {text.short(node.digest)}{stage}"


def _many(first: Node, count: int) -> str:
    return f"{_directory(first)}  {count} modules"


def mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart, from data to package."""
    number = {key: f"n{place}" for place, key in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for key, node in graph.nodes.items():
        label = f"{node.version or node.name}<br/>{text.short(node.digest)}".replace('"', "#quot;")
        lines.append(f'    {number[key]}["{label}"]')
    for child, parents in graph.parents.items():
        for parent in parents:
            stage = graph.nodes[child].stage
            arrow = f"-->|{stage}|" if stage else "-->"
            lines.append(f"    {number[parent]} {arrow} {number[child]}")
    return "\n".join(lines)

"""The graph of what was made from what is acyclic, and its pictures show all of it."""

import pytest

from modelkeep.registry.graph import Graph, Node, mermaid, tree


def node(name, kind="file", digest="0123456789", version=None, stage=None):
    """Return a node."""
    return Node(kind, name, digest, version, stage)


def made(*edges):
    """Return a graph of edges from what was made to what it was made from."""
    graph = Graph()
    for child, parent in edges:
        graph.add(child)
        graph.add(parent)
        graph.join(child, parent)
    return graph


PACKAGE = node("package", "package", "f" * 32, "model v1.0.0", "package")
MODELS = node("models", stage="train")
DATA = node("data/raw", "data", None)


def test_a_node_is_added_once():
    """The same path with the same content is the same; with other content it is not."""
    graph = Graph()
    assert graph.add(MODELS)
    assert not graph.add(node("models", kind="data"))
    assert graph.nodes[MODELS.key] is MODELS
    assert graph.add(node("models", digest="other"))
    assert graph.add(node("other"))


def test_an_edge_is_added_once():
    """However often something is read."""
    graph = made((PACKAGE, DATA), (PACKAGE, MODELS), (PACKAGE, DATA))
    assert graph.parents[PACKAGE.key] == [DATA.key, MODELS.key]
    assert graph.parents[DATA.key] == []


def test_data_has_nodes_edges_and_versions():
    """Edges lead from what was read to what was made of it."""
    base = node("base", "package", version="base v2.0.0", stage="base")
    data = made((PACKAGE, MODELS), (MODELS, DATA), (MODELS, base)).data()
    assert data["nodes"][0] == {
        "id": 0,
        "kind": "package",
        "name": "package",
        "digest": "f" * 32,
        "version": "model v1.0.0",
        "stage": "package",
    }
    assert [node["name"] for node in data["nodes"]] == ["package", "models", "data/raw", "base"]
    assert data["edges"] == [
        *({"from": 1, "to": 0}, {"from": 2, "to": 1}, {"from": 3, "to": 1}),
    ]
    assert data["versions"] == ["model v1.0.0", "base v2.0.0"]


def test_a_tree_shows_what_was_read_below_what_was_made():
    """With the stage that made it; a package goes by its version."""
    graph = made((PACKAGE, MODELS), (MODELS, DATA), (MODELS, node("b", "code")), (PACKAGE, DATA))
    assert tree(graph).splitlines() == [
        "model v1.0.0  fffffff  ← package",
        "├─ models  0123456  ← train",
        "│  ├─ data/raw  -",
        "│  └─ b  0123456",
        "└─ data/raw  -",
    ]


def test_what_was_shown_above_is_only_named():
    """What it was made from is shown once."""
    other = node("other", stage="other")
    graph = made((PACKAGE, MODELS), (MODELS, DATA), (PACKAGE, other), (other, MODELS))
    assert tree(graph).splitlines() == [
        "model v1.0.0  fffffff  ← package",
        "├─ models  0123456  ← train",
        "│  └─ data/raw  -",
        "└─ other  0123456  ← other",
        "   └─ models  0123456  ← train (above)",
    ]


@pytest.mark.parametrize("source", ["", "https://host/some/where:", "sub/", "file:///a/b:sub/"])
def test_modules_of_a_directory_are_counted(source):
    """Several modules are one line, a single one and what is no module have their own."""
    names = ["room/a.py", "schema.yaml", "room/b.py", "other/c.py", "lock/x.lock", "lock/y.lock"]
    graph = made(*((PACKAGE, node(f"{source}{name}", "code")) for name in names))
    assert [line[3:] for line in tree(graph).splitlines()[1:]] == [
        *(f"{source}{name}  0123456" for name in ("schema.yaml", "lock/x.lock", "lock/y.lock")),
        f"{source}room/  2 modules",
        f"{source}other/c.py  0123456",
    ]


@pytest.mark.parametrize("source", ["", "https://host/some/where:"])
def test_modules_at_the_top_are_not_counted(source):
    """They have no directory."""
    graph = made(*((PACKAGE, node(f"{source}{name}.py", "code")) for name in "ab"))
    assert tree(graph).splitlines()[1:] == [
        f"├─ {source}a.py  0123456",
        f"└─ {source}b.py  0123456",
    ]


def test_outputs_and_data_are_not_counted():
    """Only code is so much that it would hide the rest."""
    graph = made(*((PACKAGE, node(f"out/{name}.py", kind)) for name in "ab" for kind in ("data",)))
    assert len(tree(graph).splitlines()) == 3


def test_mermaid_draws_from_data_to_package():
    """Every node and every edge, with the stage that made what the arrow points to."""
    graph = made((PACKAGE, MODELS), (MODELS, DATA), (PACKAGE, DATA), (DATA, node('s3://a/"b"')))
    assert mermaid(graph).splitlines() == [
        "flowchart LR",
        '    n0["model v1.0.0<br/>fffffff"]',
        '    n1["models<br/>0123456"]',
        '    n2["data/raw<br/>-"]',
        '    n3["s3://a/#quot;b#quot;<br/>0123456"]',
        "    n1 -->|package| n0",
        "    n2 -->|package| n0",
        "    n2 -->|train| n1",
        "    n3 --> n2",
    ]

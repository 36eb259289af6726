"""YAML read with the line of each key, and TOML by the line of a text."""

from collections.abc import Iterator
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

NULL = "tag:yaml.org,2002:null"
Step = str | int


class Unreadable(Exception):
    """A file that is not what its name says."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(reason)
        self.file, self.line, self.reason = file, line, reason


class Document:
    """A YAML file: its values, and the line of each.

    A step into a mapping is a key, one into a list is a number, or the text of an item, which may
    have options behind it: `models` is the item in `- models` and in `- models: {cache: false}`.
    """

    def __init__(self, file: str, text: str) -> None:
        """Read the text of a file.

        Raises:
            Unreadable: it is not YAML, or a key is twice in a mapping.
        """
        self.file, self.lines = file, text.splitlines()
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            self._node: Node | None = cast(Node | None, yaml.compose(text, Loader=loader))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise Unreadable(file, mark.line + 1 if mark else 1, reason) from None
        if repeated := _repeated(self._node, set()):
            line, reason = repeated.start_mark.line + 1, f"key '{repeated.value}' is there twice"
            raise Unreadable(file, line, reason)

    def value(self, *steps: Step) -> Any:
        """Return a value: dicts, lists, text and None; None as well where there is none."""
        node, _, whole = self._walk(steps)
        return _plain(node) if whole and node is not None else None

    def has(self, *steps: Step) -> bool:
        """Say whether there is such a key or item."""
        return self._walk(steps)[2]

    def names(self, *steps: Step) -> list[str]:
        """Return the keys of a mapping, in their order."""
        node, _, whole = self._walk(steps)
        return [str(key.value) for key, _ in _pairs(node)] if whole else []

    def line(self, *steps: Step) -> int:
        """Return the line of a key or item; of what is around it where there is none."""
        return self._walk(steps)[1]

    def line_of_word(self, word: str, *steps: Step) -> int:
        """Return the line on which a word stands in a value, which may have many lines."""
        node, first, _ = self._walk(steps)
        last = node.end_mark.line if node is not None else first
        for number in range(first, last + 2):
            if number <= len(self.lines) and word in self.lines[number - 1]:
                return number
        return first

    def _walk(self, steps: tuple[Step, ...]) -> tuple[Node | None, int, bool]:
        """Return the node at the end of the steps, its line, and whether all steps were there."""
        node, line = self._node, 1
        for step in steps:
            for key, value in _entries(node, step):
                line, node = key.start_mark.line + 1, value
                break
            else:
                return node, line, False
        return node, line, True


def _entries(node: Node | None, step: Step) -> Iterator[tuple[Node, Node]]:
    """Yield what a step leads to: the node that stands for it, and its value."""
    if isinstance(node, MappingNode):
        yield from ((key, value) for key, value in _pairs(node) if key.value == step)
    elif isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            pairs = _pairs(item)
            if step == number or (isinstance(item, ScalarNode) and item.value == step):
                yield item, item
            elif pairs and pairs[0][0].value == step:
                yield pairs[0]


def _repeated(node: Node | None, seen: set[int]) -> ScalarNode | None:
    """Return a key that its mapping has already; None where there is none in nodes not `seen`."""
    if not isinstance(node, MappingNode | SequenceNode) or id(node) in seen:
        return None
    seen.add(id(node))
    keys: set[tuple[str, str]] = set()
    for child in node.value:
        key, value = child if isinstance(child, tuple) else (None, child)
        if isinstance(key, ScalarNode):
            if (key.tag, key.value) in keys:
                return key
            keys.add((key.tag, key.value))
        if repeated := _repeated(value, seen):
            return repeated
    return None


def _pairs(node: Node | None) -> list[tuple[Node, Node]]:
    return list(node.value) if isinstance(node, MappingNode) else []


def _plain(node: Node) -> Any:
    if isinstance(node, MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.value]
    return None if node.tag == NULL else node.value


def line_with(text: str, part: str) -> int:
    """Return the first line of a text that has a part in it; 1 where none has."""
    lines = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if part in line), 1)

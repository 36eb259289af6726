"""From a commit to a file of it, by hashes that are computed here.

Git computes the ids of what it is sent, and not again when it reads. A directory that somebody else
writes may have other objects under an id, or a list of those that stand for others.
"""

import hashlib
from collections.abc import Iterator

from modelkeep.registry.git import Git
from modelkeep_core.errors import UserError

# The length of an id in binary, by which its algorithm is known
ALGORITHMS = {20: "sha1", 32: "sha256"}


def check_file(git: Git, commit: str, path: str, content: bytes) -> None:
    """Make sure that a file is the one that the id of a commit stands for.

    Args:
        git: the repository.
        commit: the full id of the commit.
        path: the path of the file in it.
        content: its bytes.

    Raises:
        UserError: it is not, or an object between both is another one.
    """
    tree = _read(git, "commit", commit).partition(b"\n")[0].removeprefix(b"tree ").decode()
    *above, name = path.split("/")
    for directory in above:
        tree = _entry(git, tree, directory)
    if object_id("blob", content, commit) != _entry(git, tree, name):
        raise _other(f"{path} of commit {commit[:7]}")


def object_id(kind: str, content: bytes, other: str) -> str:
    """Return the id of an object, by the algorithm of another id."""
    algorithm = ALGORITHMS[len(bytes.fromhex(other))]
    return hashlib.new(algorithm, b"%s %d\0" % (kind.encode(), len(content)) + content).hexdigest()


def _read(git: Git, kind: str, oid: str) -> bytes:
    content = git.read_one(oid)
    if content is None or object_id(kind, content, oid) != oid:
        raise _other(f"{kind} {oid[:7]}")
    return content


def _entry(git: Git, tree: str, name: str) -> str:
    """Return the id of what a directory has under a name."""
    entries = dict(_entries(_read(git, "tree", tree), len(tree) // 2))
    if name.encode() not in entries:
        raise _other(f"tree {tree[:7]}")
    return entries[name.encode()]


def _entries(tree: bytes, size: int) -> Iterator[tuple[bytes, str]]:
    """Yield name and id of what a directory has."""
    while tree:
        head, _, rest = tree.partition(b"\0")
        yield head.partition(b" ")[2], rest[:size].hex()
        tree = rest[size:]


def _other(what: str) -> UserError:
    return UserError(
        f"the repository has another object than its id says for {what}: it is damaged, or was "
        "tampered with. Use a new clone."
    )

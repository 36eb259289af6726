"""Which objects of DVC a repository needs: what its refs, its work trees and origin name."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import Git, GitError
from modelkeep.registry.outputs import outputs_of
from modelkeep.registry.storage import Storage
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

# Whatever looks like an object in what DVC writes: nothing that may be needed is overlooked.
NAMED = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")


@dataclass(frozen=True)
class Needed:
    """The objects that are needed.

    Attributes:
        commits: how many commits need them.
        names: the names of all of them.
    """

    commits: int
    names: frozenset[str]


def needed(catalogue: Catalogue, storage: Storage, others: Iterable[str]) -> Needed:
    """Return what the refs of a repository, its stash and its work trees need.

    Args:
        catalogue: the versions.
        storage: cache and remote, from which the lists of directories are read.
        others: ids of more commits.

    Raises:
        UserError: a commit cannot be read, or the list of a directory of a version is nowhere.
    """
    git = catalogue.git
    commits = {event.commit for event in catalogue.events} | {*_tips(git)} | {*others}
    names = _in_work_trees(git)
    for content in _contents(git, _blobs(git, commits)):
        names |= _names(content)
    expanded, unread = _expanded(names, storage)
    for version in {Version(event.model, event.commit) for event in catalogue.events}:
        for output in outputs_of(catalogue, version):
            if output.md5 in unread and output.imported is None:
                raise UserError(
                    f"{output.path} of {catalogue.at(version.model, version.commit).label} is a "
                    "directory whose list of files is neither in the cache nor in the remote "
                    f"'{output.remote or storage.remote}'. Which files it needs is not known, so "
                    "nothing is deleted. `modelkeep fsck` tells what else is lost, and what helps."
                )
    return Needed(len(commits), frozenset(expanded))


def tips_of(git: Git, remote: str) -> list[str]:
    """Return the commits of the branches and tags that another repository has.

    Raises:
        UserError: it cannot be asked, or has one that is not here: what that needs is not known.
    """
    try:
        listed = git.run("ls-remote", "--heads", "--tags", remote).splitlines()
    except GitError as error:
        raise UserError(
            f"what {remote} has cannot be told ({error}), and it may need what would be deleted: "
            "nothing is deleted from the DVC remote."
        ) from None
    refs = [line.split("\t") for line in listed]
    commits = git.ids(f"{oid}^{{commit}}" for oid, _ in refs)
    tips = []
    for (_, name), commit in zip(refs, commits, strict=True):
        if commit is None:
            raise UserError(
                f"{remote} has {name}, which is not here, and may need what would be deleted: "
                f"`git fetch --tags {remote}` first."
            )
        tips.append(commit)
    return tips


def _tips(git: Git) -> Iterator[str]:
    """Yield the commits that refs, the stash and the work trees of a repository are at."""
    refs = dict(git.refs())
    starts = ["HEAD", *refs.values()]
    if "refs/stash" in refs:
        starts += git.run("log", "--walk-reflogs", "--format=%H", "refs/stash").split()
    starts += [head for _, head in _work_trees(git)]
    commits = git.ids(f"{start}^{{commit}}" for start in starts)
    return (commit for commit in commits if commit is not None)


def _work_trees(git: Git) -> list[tuple[Path, str]]:
    """Return the directory and the commit of each work tree."""
    trees = []
    for part in git.run("worktree", "list", "--porcelain").split("\n\n"):
        lines = dict(line.partition(" ")[::2] for line in part.splitlines())
        if "worktree" in lines and "HEAD" in lines:
            trees.append((Path(lines["worktree"]), lines["HEAD"]))
    return trees


def _is_pointer(path: str) -> bool:
    return path.endswith(".dvc") or PurePosixPath(path).name == "dvc.lock"


def _blobs(git: Git, commits: Iterable[str]) -> set[str]:
    """Return the Git ids of what DVC wrote into the commits."""
    blobs = set()
    for commit in commits:
        listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit)
        for entry in filter(None, listed.split("\0")):
            facts, _, path = entry.partition("\t")
            _, kind, oid = facts.split(" ")
            if kind == "blob" and _is_pointer(path):
                blobs.add(oid)
    return blobs


def _contents(git: Git, blobs: Iterable[str]) -> Iterator[bytes]:
    for oid, content in zip(blobs, git.read(blobs), strict=True):
        if content is None:
            raise UserError(
                f"object {oid[:7]} of Git cannot be read, and names what is needed: `git fsck`."
            )
        yield content


def _names(content: bytes) -> set[str]:
    return {name.decode("ascii") for name in NAMED.findall(content)}


def _in_work_trees(git: Git) -> set[str]:
    """Return what files of DVC in the work trees name, be they committed or not."""
    names: set[str] = set()
    for place, _ in _work_trees(git):
        if not place.is_dir():
            continue
        listed = Git(place).run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for path in {path for path in listed.split("\0") if _is_pointer(path)}:
            if (place / path).is_file():
                names |= _names((place / path).read_bytes())
    return names


def _expanded(names: set[str], storage: Storage) -> tuple[set[str], set[str]]:
    """Return the objects and the files that lists among them name; and the lists not there.

    Lists that are not there may be of outputs that are in Git, which DVC hashes all the same.
    """
    expanded, unread = set(names), set()
    lists = {name for name in names if name.endswith(".dir")}
    places = dict.fromkeys(storage.in_cache(lists), storage)
    if storage.remote and lists - places.keys():
        places |= dict.fromkeys(storage.in_remote(lists - places.keys()), storage)
    for remote in storage.remotes:
        # Outputs may have a remote for themselves; one that is away is not asked for others' lists.
        with suppress(UserError):
            if rest := lists - places.keys():
                other = storage.of(remote)
                places |= dict.fromkeys(other.in_remote(rest), other)
    for name in sorted(lists):
        if name not in places:
            unread.add(name)
            continue
        expanded |= {*places[name].files(name, "a directory").values()}
    return expanded, unread

"""Part switch: from one version of a large file to the other, with `cp`, DVC and Git LFS."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench import Bench
from timing import Contender

from project import cached

SIZE = 10**9
QUICK_SIZE = 10**7
BLOCK = 2**24
VERSIONS = ("first", "second")
DVC_SWITCH = ["sh", "-c", "git checkout --quiet - && dvc checkout --quiet"]
LFS_SWITCH = ["git", "checkout", "--quiet", "-"]


def tables(bench: Bench) -> Iterator[str]:
    """Measure the way there and back: each run switches to the version that is not there."""
    size = QUICK_SIZE if bench.quick else SIZE
    directory = bench.directory / "switch"
    directory.mkdir()
    copies, links = dvc_copies(bench, directory / "copies", size), directory / "links"
    dvc_links(bench, copies, links)
    contenders = [
        copying(directory, sorted(cached(copies))),
        Contender("DVC, default `cache.type`", DVC_SWITCH, copies, nothing),
        Contender("DVC, `cache.type hardlink,symlink`", DVC_SWITCH, links, nothing),
    ]
    lfs_installed = shutil.which("git-lfs", path=bench.environment["PATH"])
    if lfs_installed:
        lfs = lfs_repository(bench, directory / "lfs", size)
        contenders.append(Contender("Git LFS", LFS_SWITCH, lfs, nothing))
    table = bench.table(f"{size / 1e6:,.0f} MB file: version switch", contenders, ["`cp`"])
    yield table if lfs_installed else f"{table} Git LFS: not installed."
    shutil.rmtree(directory)


def nothing(_: int) -> None:
    """Prepare nothing: the run before has left the other version."""


def copying(directory: Path, objects: list[Path]) -> Contender:
    """Copy the versions out of DVC's cache by turns, in place of the one that is there."""
    following = directory / "next.bin"

    def choose(number: int) -> None:
        following.unlink(missing_ok=True)
        following.symlink_to(objects[number % len(objects)])

    command = ["cp", "--remove-destination", following.name, "data.bin"]
    return Contender("`cp`", command, directory, choose)


def dvc_copies(bench: Bench, repository: Path, size: int) -> Path:
    """Make a repository with two versions of a file that DVC keeps."""
    bench.run("git", "init", "--quiet", repository)
    bench.run("dvc", "init", "--quiet", cwd=repository)
    for version in VERSIONS:
        write_random(repository / "data.bin", size)
        bench.run("dvc", "add", "--quiet", "data.bin", cwd=repository)
        commit(bench, repository, version)
    visit(bench, repository)
    return repository


def dvc_links(bench: Bench, origin: Path, repository: Path) -> None:
    """Clone a repository, to work with links to the cache of its origin."""
    bench.run("git", "clone", "--quiet", origin, repository)
    for name, value in (("dir", origin / ".dvc" / "cache"), ("type", "hardlink,symlink")):
        bench.run("dvc", "config", "--local", f"cache.{name}", value, cwd=repository)
    visit(bench, repository)
    bench.run("dvc", "checkout", "--quiet", cwd=repository)


def lfs_repository(bench: Bench, repository: Path, size: int) -> Path:
    """Make a repository with two versions of a file that Git LFS keeps, in its local store."""
    bench.run("git", "init", "--quiet", repository)
    bench.run("git", "lfs", "install", "--local", cwd=repository)
    bench.run("git", "lfs", "track", "data.bin", cwd=repository)
    for version in VERSIONS:
        write_random(repository / "data.bin", size)
        commit(bench, repository, version)
    visit(bench, repository)
    return repository


def write_random(path: Path, size: int) -> None:
    """Write `size` random bytes."""
    with path.open("wb") as file:
        while size:
            size -= file.write(os.urandom(min(size, BLOCK)))


def commit(bench: Bench, repository: Path, version: str) -> None:
    """Commit everything as a version that has a tag."""
    bench.run("git", "add", "--all", cwd=repository)
    bench.run("git", "commit", "--quiet", "--message", version, cwd=repository)
    bench.run("git", "tag", version, cwd=repository)


def visit(bench: Bench, repository: Path) -> None:
    """Check out each version once, so that `git checkout -` goes from one to the other."""
    for version in VERSIONS:
        bench.run("git", "checkout", "--quiet", version, cwd=repository)

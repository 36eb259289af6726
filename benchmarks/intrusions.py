"""What somebody does to the repository and its remotes while a server follows it."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Seconds since 1970 at the start of the year 2150
FUTURE = "5680281600 +0000"
LATER, CONCEALING = "model#dev#1", "model#dev#2"


@dataclass(frozen=True)
class Place:
    """Where everything is.

    Attributes:
        directory: an empty directory for all of it.
        environment: the variables that commands see.
    """

    directory: Path
    environment: dict[str, str]

    @property
    def work(self) -> Path:
        """The clone of who releases versions."""
        return self.directory / "work"

    @property
    def server(self) -> Path:
        """The clone that is served from."""
        return self.directory / "server"

    @property
    def others(self) -> Path:
        """The clone of somebody who may push."""
        return self.directory / "others"

    @property
    def origin(self) -> Path:
        """The bare repository."""
        return self.directory / "origin.git"

    @property
    def storage(self) -> Path:
        """The DVC remote."""
        return self.directory / "storage"

    @property
    def data(self) -> Path:
        """The directory of the server's records."""
        return self.directory / "var"

    def run(
        self, *command: str, at: Path | None = None, input: str | None = None, **more: str
    ) -> str:
        """Run a command, in the clone of who releases versions, and return what it prints.

        Raises:
            SystemExit: it failed.
        """
        done = subprocess.run(
            command,
            cwd=at or self.work if (at or self.work).is_dir() else self.directory,
            env=self.environment | more,
            input=input,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr.strip()}")
        return done.stdout.strip()

    def push(self, name: str, commit: str, message: str, **more: str) -> None:
        """Push a tag from the other clone."""
        self.run("git", "tag", "--force", name, commit, "-m", message, at=self.others, **more)
        self.run("git", "push", "--quiet", "--force", "origin", f"refs/tags/{name}", at=self.others)

    def unpush(self, *names: str) -> None:
        """Delete tags at origin."""
        refs = [f"refs/tags/{name}" for name in names]
        self.run("git", "push", "--quiet", "--delete", "origin", *refs, at=self.others)

    def assignments(self) -> list[str]:
        """Return the stage tags of production at origin, the newest last."""
        names = self.run("git", "tag", "--list", "model#prod#*", at=self.origin).split()
        return sorted(names, key=lambda name: int(name.rpartition("#")[2]))


@dataclass(frozen=True)
class Intrusion:
    """What is done, and what undoes it."""

    begin: Callable[[Place], None]
    end: Callable[[Place], None]


def nothing(_: Place) -> None:
    """Leave it as it is."""


def unregistered(place: Place) -> None:
    """Assign a commit to production that was never registered."""
    place.run("git", "commit", "--quiet", "--allow-empty", "-m", "mine", at=place.others)
    place.push(_next(place), "HEAD", "Assign\n\nGate: passed")


def deregistered(place: Place) -> None:
    """Take that back."""
    place.unpush(place.assignments()[-1])


def in_the_future(place: Place) -> None:
    """Date an assignment of another stage in the year 2150."""
    commit = place.run("git", "rev-parse", "model@v1.0.0^{commit}", at=place.others)
    tag = f"object {commit}\ntype commit\ntag {LATER}\ntagger Ada <a@b> {FUTURE}\n\nLater\n"
    # `git tag` takes no such date.
    written = ("git", "hash-object", "-t", "tag", "-w", "--stdin")
    oid = place.run(*written, at=place.others, input=tag)
    pushed = f"{oid}:refs/tags/{LATER}"
    place.run("git", "push", "--quiet", "--force", "origin", pushed, at=place.others)


def made_anew(place: Place) -> None:
    """Delete the newest assignment at origin, and make it again: another tag of the same name."""
    name = place.assignments()[-1]
    content = place.run("git", "cat-file", "tag", name, at=place.origin)
    commit = place.run("git", "rev-parse", f"{name}^{{commit}}", at=place.origin)
    place.unpush(name)
    place.push(name, commit, content.partition("\n\n")[2] + "\n")


def concealing(place: Place) -> None:
    """Write control characters into a tag."""
    hidden = "\x1b[8m\u202e"
    place.push(CONCEALING, "model@v1.0.0^{commit}", hidden, GIT_COMMITTER_NAME="\x1b[2J")


def away(name: str) -> Intrusion:
    """Return what takes a directory away, and brings it back."""

    def move(place: Place) -> None:
        path: Path = getattr(place, name)
        path.rename(path.with_suffix(".away"))

    def back(place: Place) -> None:
        path: Path = getattr(place, name)
        path.with_suffix(".away").rename(path)

    return Intrusion(move, back)


def _next(place: Place) -> str:
    return f"model#prod#{int(place.assignments()[-1].rpartition('#')[2]) + 1}"


INTRUSIONS = {
    "an assignment of an unregistered commit": Intrusion(unregistered, deregistered),
    "a tag of the year 2150": Intrusion(in_the_future, nothing),
    "an assignment made anew": Intrusion(made_anew, nothing),
    "control characters in a tag": Intrusion(concealing, nothing),
    "origin is away": away("origin"),
    "the DVC remote is away": away("storage"),
}

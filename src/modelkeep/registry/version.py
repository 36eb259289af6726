"""A version: a model as one commit has it."""

from dataclasses import dataclass

from modelkeep.registry.tags import Event


@dataclass(frozen=True)
class Version:
    """A model as one commit has it.

    Attributes:
        model: its name in GTO's grammar: "model", or "some/directory:model".
        commit: the full id of the commit.
        registered: the tag that gives it a number, or None.
    """

    model: str
    commit: str
    registered: Event | None = None

    @property
    def event(self) -> Event:
        """The tag that gives it a number; only of a version that has one."""
        assert self.registered is not None
        return self.registered

    @property
    def number(self) -> str | None:
        """The version number, or None for a commit without one."""
        return self.registered.version if self.registered else None

    @property
    def label(self) -> str:
        """The version number, or the short id of the commit."""
        return self.number or self.commit[:7]

    @property
    def directory(self) -> str:
        """The path of the model's project in the repository: "" or "some/directory/"."""
        above, colon, _ = self.model.rpartition(":")
        return f"{above}/" if colon else ""

    @property
    def name(self) -> str:
        """The name of the model in its project."""
        return self.model.rpartition(":")[2]


def full_name(directory: str, name: str) -> str:
    """Return the name that tags have for a model of the project in a directory."""
    return f"{directory[:-1]}:{name}" if directory else name

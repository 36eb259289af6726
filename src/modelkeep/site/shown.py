"""All that the pages of a site show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.clean import in_line, word
from modelkeep.site.entries import Entry


@dataclass(frozen=True)
class Site:
    """All that the pages show.

    Attributes:
        catalogue: the versions.
        entries: those that are shown, newest first.
        spans: what was in the stages.
        in_step: whether dvc.lock of a version has its metadata, by key; of those in a stage.
        proofs: what was proved of each entry; None where no statements were given.
        live: whether there are reports of monitoring.
    """

    catalogue: Catalogue
    entries: Sequence[Entry]
    spans: Sequence[dict[str, Any]]
    in_step: Mapping[str, bool | None]
    proofs: Mapping[str, dict[str, Any] | None] | None
    live: bool

    @property
    def title(self) -> str:
        """The title of an only model; of several, what they are."""
        titles = {in_line(word((entry.metadata or {}).get("title"))) for entry in self.entries}
        titles.discard("")
        return titles.pop() if len(titles) == 1 else "Models"

    @property
    def until(self) -> datetime:
        """When something was last registered, assigned or committed of what is shown."""
        return max(
            [
                *(entry.when for entry in self.entries),
                *(event.when for event in self.catalogue.events),
            ]
        )

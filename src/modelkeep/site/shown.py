"""All that the pages of a site show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.clean import in_line
from modelkeep.site.columns import Columns
from modelkeep.site.entries import Entry


@dataclass(frozen=True)
class Site:
    """All that the pages show.

    Attributes:
        catalogue: the versions.
        entries: those that are shown, newest first.
        columns: what a table can show of them; a row for each.
        spans: what was in the stages.
        proofs: what was proved of each entry; None where no statements were given.
        live: whether there are reports of monitoring.
        server: the address of a prediction server, or None.
    """

    catalogue: Catalogue
    entries: Sequence[Entry]
    columns: Columns
    spans: Sequence[dict[str, Any]]
    proofs: Mapping[str, dict[str, Any] | None] | None
    live: bool
    server: str | None = None

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each entry in the columns, by its key."""
        return {entry.key: row for row, entry in enumerate(self.entries)}

    @cached_property
    def linked(self) -> frozenset[str]:
        """The keys of what Now links to: all in a stage, and the newest of each model."""
        staged = {
            (model, event.commit)
            for model, assignments in self.catalogue.assignments.items()
            for event in assignments.values()
        }
        newest = {
            entry.version.model: entry for entry in reversed(self.entries) if entry.version.number
        }
        return frozenset(
            entry.key
            for entry in self.entries
            if (entry.version.model, entry.version.commit) in staged
            or newest.get(entry.version.model) is entry
        )

    def cell(self, name: str, entry: Entry) -> Any:
        """Return what a column has of an entry."""
        return self.columns.cell(name, self.rows[entry.key])

    @cached_property
    def title(self) -> str:
        """The title of an only model, as its newest version has it; of several, what they are."""
        newest: dict[str, str] = {}
        for entry in self.entries:
            if title := self.cell("title", entry):
                newest.setdefault(entry.version.model, title)
        titles = {*newest.values()}
        return titles.pop() if len(titles) == 1 else "Models"

    @cached_property
    def deprecated(self) -> dict[str, str]:
        """What is said of each model that was deprecated, by its name."""
        models = {entry.version.model for entry in self.entries}
        return {
            model: f"Deprecated on {event.when:%Y-%m-%d} by {in_line(event.author)}: "
            f"{in_line(event.reason) or 'no reason given'}"
            for model, event in self.catalogue.deprecations.items()
            if model in models
        }

    @property
    def until(self) -> datetime:
        """When something was last registered, assigned or committed of what is shown."""
        return max(
            [
                *(entry.when for entry in self.entries),
                *(event.when for event in self.catalogue.events),
            ]
        )

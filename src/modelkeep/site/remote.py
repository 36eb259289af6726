"""Whether the DVC remote has the bytes of versions, where somebody wants it to be asked."""

from collections.abc import Sequence

from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.entries import Entry

WHOLE, LOST = "whole", "lost"


def states_in_remote(catalogue: Catalogue, entries: Sequence[Entry]) -> dict[str, str]:
    """Return "whole" or "lost" for each entry, by its key.

    Raises:
        UserError: the remote cannot be reached.
    """
    # DVC takes a while to be imported.
    from modelkeep.registry.fsck import checked_versions

    versions = {entry.version: entry.key for entry in entries}
    return {
        versions[checked.version]: WHOLE if checked.whole else LOST
        for checked in checked_versions(catalogue, [*versions])
    }

"""Whether a version can be served here: its package loads, and predicts its example as recorded."""

import tempfile
from pathlib import Path

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.fetch import fetch
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError


def check_servable(catalogue: Catalogue, version: Version) -> None:
    """Fetch a version and try it.

    Raises:
        UserError: its package cannot be had, or cannot be served here.
    """
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        package = Path(directory) / version.label
        fetch(catalogue, version, package)
        check_fetched(version, package)


def check_fetched(version: Version, package: Path) -> None:
    """Load the fetched package of a version, and let it predict its example with its own code.

    Raises:
        UserError: it cannot be loaded here, or predicts something else than when it was made.
    """
    from modelkeep.ready import try_package

    try:
        # Git vouches for what `fetch` has put there.
        try_package(package, trust_code=True)
    except UserError as error:
        why = str(error).removeprefix(f"{package}: ")
        if str(package) in why:
            # It is gone when this is read.
            why = why.replace(str(package), "DIR")
            why += f" (`modelkeep fetch {version.label} DIR` puts it there)"
        raise UserError(f"{version.label} cannot be served here: {why}") from None

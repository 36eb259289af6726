"""Whether a version can be served here: its package loads, and predicts its example as recorded."""

import sys
import tempfile
from pathlib import Path

from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.fetch import fetch
from modelkeep.registry.outputs import outputs_of
from modelkeep.registry.presence import described, faults
from modelkeep.registry.storage import storage_of
from modelkeep.registry.version import Version
from modelkeep_core.dvc_yaml import covers
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


def check_whole(catalogue: Catalogue, version: Version) -> None:
    """Make sure that the package of a version can be had here, byte for byte.

    Raises:
        UserError: it cannot.
    """
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        fetch(catalogue, version, Path(directory) / version.label)


def check_remote_has(
    catalogue: Catalogue, version: Version, forced: bool = False, deep: bool = False
) -> None:
    """Make sure that others can have a version: its bytes are in the DVC remote, in their sizes.

    Args:
        catalogue: the versions.
        version: the version.
        forced: whether the package alone must be there; what else is missing is noted.
        deep: whether the objects of the package are read and hashed.

    Raises:
        UserError: they are not, or the remote cannot be reached.
    """
    package, _ = package_of(catalogue.pipeline(version), version)
    with storage_of(catalogue.git, version) as storage:
        try:
            wrong = faults(outputs_of(catalogue, version), storage, (package,) if deep else ())
        except UserError as error:
            raise UserError(
                f"whether others can have {version.label} is not known: {error} --local accepts "
                "the risk."
            ) from None
        of_package = [fault for fault in wrong if covers(package, fault.meaning)]
        refused = of_package or ([] if forced else wrong)
        if refused:
            raise UserError(
                f"{described(refused)}: nobody else can have {version.label}. "
                f"`modelkeep fsck {version.label} --repair` sends what this machine has; --local "
                "accepts the risk."
            )
        if wrong:
            print(f"note: {described(wrong)}.", file=sys.stderr)

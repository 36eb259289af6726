"""A warning where the package of a version in a stage is not in the remote; cheap, without DVC.

Only a remote that is a directory of this machine is looked at. Of others, `show` and `fsck` tell.
"""

import os
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import MOST_JSON, read_file, read_listing


def warning(catalogue: Catalogue) -> str:
    """Return a line for each version in a stage whose package the remote lost; "" where none is."""
    lines = []
    for model, assignments in catalogue.assignments.items():
        for commit in dict.fromkeys(event.commit for event in assignments.values()):
            version = catalogue.at(model, commit)
            if _is_lost(catalogue, version):
                stages = ", ".join(catalogue.stages(version))
                lines.append(
                    f"\n{version.label} ({stages}): its package is not whole in the DVC remote. "
                    "`modelkeep fsck` tells more."
                )
    return "".join(lines)


def _is_lost(catalogue: Catalogue, version: Version) -> bool:
    git = catalogue.git
    settings = Path(
        git.directory, os.path.relpath(version.directory or ".", git.prefix or "."), ".dvc"
    )
    remote = _remote_directory(settings)
    if remote is None or not remote.is_dir():
        return False
    try:
        _, content = package_of(catalogue.pipeline(version), version)
    except UserError:
        # What its commit lacks is told where it is shown.
        return False
    listed = _object(remote, content)
    if not listed.is_file():
        return True
    try:
        names = read_listing(read_file(listed, MOST_JSON), "the package").values()
    except UserError:
        return content.endswith(".dir")
    return not all(_object(remote, name).is_file() for name in names)


def _object(remote: Path, name: str) -> Path:
    return remote.joinpath("files", "md5", name[:2], name[2:])


def _remote_directory(settings: Path) -> Path | None:
    """Return the directory that is the default remote; None where it is none, or elsewhere.

    Args:
        settings: the .dvc directory of a project.
    """
    # As far as it goes, these are files that the standard library reads too, sooner than DVC.
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        files = (settings / "config", settings / "config.local")
        # A pipe in the place of one would be waited for.
        parser.read([path for path in files if path.is_file()], encoding="utf-8")
    except (ConfigError, UnicodeDecodeError):
        # DVC tells what is wrong with them, wherever it is needed.
        return None
    chosen = parser.get("core", "remote", fallback="").strip("\"'")
    url = parser.get(f"'remote \"{chosen}\"'", "url", fallback="").strip("\"'")
    if not url or "://" in url:
        return None
    return settings / Path(url).expanduser()

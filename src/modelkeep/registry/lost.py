"""A warning where the package of a version in a stage is not in the remote; cheap, without DVC.

Only a remote that is a directory of this machine is looked at. Of others, `show` and `fsck` tell.
"""

import os
import re
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from modelkeep.registry.catalogue import Catalogue, content_of
from modelkeep.registry.summary import PACKAGE
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
    pipeline = git.read_one(f"{version.commit}:{version.directory}dvc.yaml") or b""
    own = _own_remote(catalogue, version) if b"remote" in pipeline else None
    remote = _remote_directory(settings, own)
    if remote is None or not remote.is_dir():
        return False
    content = _claimed(catalogue, version) or content_of(catalogue, version)
    if content is None:
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


def _claimed(catalogue: Catalogue, version: Version) -> str | None:
    """Return DVC's hash of a package as the tag has it; None where dvc.lock does not have the same.

    The lines of dvc.lock that say it are looked for as they are: to read it as YAML takes longer
    than all else that a list needs.
    """
    claim = version.registered.trailer(PACKAGE) if version.registered else None
    content, _, path = (claim or "").partition(" ")
    lock = catalogue.git.read_one(f"{version.commit}:{version.directory}dvc.lock") if path else None
    lines = rf"^ *- path: {re.escape(path)}\n +hash: md5\n +md5: {re.escape(content)}$"
    return content if lock and re.search(lines.encode(), lock, re.MULTILINE) else None


def _object(remote: Path, name: str) -> Path:
    return remote.joinpath("files", "md5", name[:2], name[2:])


def _own_remote(catalogue: Catalogue, version: Version) -> str | None:
    """Return the name of the remote that a package has for itself, or None."""
    from modelkeep.registry.outputs import package_output

    try:
        return package_output(catalogue, version).remote
    except UserError:
        # What its commit lacks is told where it is shown.
        return None


def _remote_directory(settings: Path, name: str | None) -> Path | None:
    """Return the directory that is a remote; None where it is none, or elsewhere.

    Args:
        settings: the .dvc directory of a project.
        name: the name of the remote; None for the default one.
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
    chosen = name or parser.get("core", "remote", fallback="").strip("\"'")
    url = parser.get(f"'remote \"{chosen}\"'", "url", fallback="").strip("\"'")
    if not url or "://" in url:
        return None
    return settings / Path(url).expanduser()

"""Whether Git vouches for a package, so that the code which the package carries may run."""

from pathlib import Path

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import opened
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.foreign import MOST_JSON, parse_json, read_file
from modelkeep_core.packaged import MANIFEST
from modelkeep_core.project_code import CODE

METADATA = "model.json"


def trusted(package: Path, trust_code: bool) -> bool:
    """Say whether the project code that a package directory carries may run, if it carries any.

    Args:
        package: the directory.
        trust_code: whether a person said so.
    """
    return trust_code or ((package / CODE).is_dir() and vouched(package))


def vouched(package: Path) -> bool:
    """Say whether a package is, byte for byte, one that this repository has as a version.

    Its model.json must be the one that is committed, at HEAD or at a registered version (a signed
    one, where signatures are asked for); and as
    model.json has the hash of every other file, the package must have these files and no others:
    a file that is not listed could be imported instead of one that is.

    Args:
        package: the directory; relative paths start where the command works.
    """
    metadata = package / METADATA
    if not metadata.is_file() or not is_whole(package):
        return False
    try:
        with opened(".") as git:
            catalogue = Catalogue(git)
            wanted = git.run("hash-object", "--no-filters", str(metadata.resolve())).strip()
            named = _named(catalogue)
            ids = git.ids(name for _, name in named)
            same = {version for (version, _), oid in zip(named, ids, strict=True) if oid == wanted}
            return any(_counts(catalogue, version) for version in same)
    except UserError:
        # Where there is no repository, nobody vouches.
        return False


def _counts(catalogue: Catalogue, version: Version) -> bool:
    """Say whether a version is that of HEAD, or has a number with the signature that it needs."""
    if version.registered is None:
        return True
    try:
        catalogue.trust.check_number(version)
    except UserError:
        return False
    return True


def _named(catalogue: Catalogue) -> list[tuple[Version, str]]:
    """Return the versions of HEAD and the registered ones, and how Git names their metadata."""
    head = catalogue.git.commit("HEAD")
    versions = [Version(model, head) for model in catalogue.current_models] if head else []
    versions += [version for model in catalogue.models for version in catalogue.registered(model)]
    # Read once, so that it is known where each model has its metadata.
    read = [version for version, record in catalogue.records.read(versions) if record.metadata]
    return [
        (version, f"{version.commit}:{version.directory}{path}")
        for version in read
        for path in catalogue.records.paths(version.model)
    ]


def is_whole(package: Path) -> bool:
    """Say whether a package has the files that its metadata list, as they are, and no others.

    The manifest must list the same: so every byte that counts follows from the metadata, which Git
    keeps, by SHA-256, and not from the MD5 by which DVC names the manifest.
    """
    try:
        listed, vouched_for = _files(package / METADATA), _files(package / MANIFEST)
    except (AttributeError, KeyError, TypeError, UserError):
        return False
    present = {
        path.relative_to(package).as_posix(): path
        for path in package.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
    rest = present.keys() - {METADATA, MANIFEST}
    return (
        rest == listed.keys()
        and all(present[name].is_file() and sha256(present[name]) == listed[name] for name in rest)
        and vouched_for == listed | {METADATA: sha256(package / METADATA)}
    )


def _files(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that a JSON file lists.

    Raises:
        UserError: it is no JSON, or no ordinary file.
        AttributeError, KeyError, TypeError: it lists none.
    """
    files = parse_json(read_file(path, MOST_JSON), str(path))["files"]
    return {str(name): str(digest) for name, digest in files.items()}

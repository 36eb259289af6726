"""Open a package: believed only after its manifest, its libraries and its types were checked."""

import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256
from modelkeep_core.foreign import check_file, inside
from modelkeep_core.installing import install
from modelkeep_core.project_code import CODE
from modelkeep_core.schema import Schema, read_schema

MANIFEST = "manifest.json"
NEEDED = ("model.skops", "model.json", "schema.yaml")
FORMAT = 1


@dataclass(frozen=True)
class Packaged:
    """A model that is ready to answer, with its contract and its metadata (model.json)."""

    model: Any
    schema: Schema
    metadata: dict[str, Any]


def open_package(directory: Path | str, trust_code: bool = False) -> Packaged:
    """Check and load the package in `directory`; nothing is loaded before all checks hold.

    Args:
        directory: the package.
        trust_code: whether somebody vouches for the package, so that code of the project that the
            model holds may run; it is loaded from the package.

    Raises:
        UserError: it is no package or one of a newer format, a file is missing or changed,
            scikit-learn is of another version than the model was made with, the model holds an
            unknown type, or code that nobody vouches for.
    """
    directory = Path(directory)
    check_manifest(directory)
    metadata = read_json(directory / "model.json")
    check_format(metadata, directory / "model.json")
    libraries, modules = metadata.get("libraries"), metadata.get("code")
    if not (
        isinstance(libraries, dict)
        and isinstance(modules, list)
        and "scikit-learn" in libraries
        and all(isinstance(text, str) and text for text in [*libraries, *libraries.values()])
        and all(isinstance(module, str) for module in modules)
    ):
        raise UserError(
            f"{directory / 'model.json'} does not say which scikit-learn and which code of its own "
            "the model needs: it is not as the package format wants it."
        )
    check_library("scikit-learn", libraries["scikit-learn"], directory)
    if modules and not trust_code:
        raise UserError(
            f"{directory} carries code of its own ({', '.join(modules)}), which runs when the "
            "model is loaded. If you trust where it comes from, say so with --trust-code. Git "
            "vouches for what you commit, and for a version that the registry fetched.",
            "reference/package-format.md#code",
        )
    from modelkeep_core import model_file

    model = model_file.load(directory / "model.skops", modules)
    return Packaged(model, read_schema(directory / "schema.yaml"), metadata)


def check_format(content: Any, file: Path) -> None:
    """Make sure that this library reads the format that a file of a package names.

    Raises:
        UserError: it names none, or a newer one.
    """
    number = content.get("format") if isinstance(content, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise UserError(f"{file} names no format: it is not of a package.")
    if number > FORMAT:
        raise UserError(
            f"{file.parent} is a package of format {number}, and this library reads up to "
            f"{FORMAT}. Install what it needs: "
            + install(f"--require-hashes -r {file.with_name('requirements.lock')}"),
            "reference/package-format.md#compatibility",
        )


def check_manifest(directory: Path) -> None:
    """Compare every file of the package with the SHA-256 that the manifest has for it.

    Raises:
        UserError: there is no directory; the manifest is none, or of a newer format; or naming the
            first file that is missing or changed, elsewhere, no ordinary file, or needed or code
            and not listed.
    """
    if not os.path.exists(directory):
        raise UserError(
            f"{directory} is no package: it is missing (`dvc repro` makes that of a project, "
            "`dvc checkout` or `dvc pull` brings it back)."
        )
    if not os.path.exists(directory / MANIFEST):
        raise UserError(f"{directory} is no package: it has no {MANIFEST}.")
    check_file(directory / MANIFEST, directory)
    manifest = read_json(directory / MANIFEST)
    if not isinstance(manifest, dict):
        raise UserError(f"{directory / MANIFEST} is no manifest.")
    check_format(manifest, directory / MANIFEST)
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise UserError(f"{directory / MANIFEST} is no manifest: it lists no files.")
    for name in NEEDED:
        if name not in files:
            raise UserError(f"{directory / MANIFEST} does not list {name}: nobody vouches for it.")
    for path in sorted((directory / CODE).rglob("*")):
        # Whatever lies there could be imported, also through a link
        listed = path.relative_to(directory).as_posix() in files
        if not listed and (path.is_symlink() or not path.is_dir()):
            raise UserError(
                f"{path} is not in the manifest: nobody vouches for it. Get the package again."
            )
    for name, wanted in files.items():
        path = directory / inside(name, str(directory))
        if not os.path.exists(path):
            raise UserError(f"{path} is missing; the manifest lists it. Get the package again.")
        check_file(path, directory)
        if sha256(path) != wanted:
            raise UserError(
                f"{path} is not the file that was packaged: its SHA-256 differs from the manifest. "
                "Get the package again."
            )


def check_library(name: str, wanted: str, directory: Path, parts: int = 2) -> None:
    """Make sure that a library has the version that the model was made with.

    Args:
        name: the library.
        wanted: the version that the model was made with.
        directory: the package.
        parts: how many parts of the version count: 1 for the major one, 2 with the minor one.

    Raises:
        UserError: it has another one.
    """
    installed = version(name)
    if installed.split(".")[:parts] != wanted.split(".")[:parts]:
        raise UserError(
            f"the model was made with {name} {wanted}, and {installed} is installed. Install what "
            "it needs: " + install(f"--require-hashes -r {directory}/requirements.lock")
        )

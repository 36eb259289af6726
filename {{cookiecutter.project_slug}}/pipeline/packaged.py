"""Open a package: believed only after its manifest, its libraries and its types were checked."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.files import read_json, sha256
from pipeline.refusal import Refusal
from pipeline.schema import Schema, read_schema

MANIFEST = "manifest.json"
NEEDED = ("model.skops", "model.json", "schema.yaml")


@dataclass(frozen=True)
class Packaged:
    """A model that is ready to answer, with its contract and its metadata (model.json)."""

    model: Any
    schema: Schema
    metadata: dict[str, Any]


def open_package(directory: Path) -> Packaged:
    """Check and load the package in `directory`; nothing is loaded before all checks hold.

    Raises:
        Refusal: it is no package, a file is missing or changed, scikit-learn is of another
            version than the model was made with, or the model holds an unknown type.
    """
    check_manifest(directory)
    metadata = read_json(directory / "model.json")
    check_library("scikit-learn", metadata["libraries"]["scikit-learn"], directory)
    from pipeline import model_file

    return Packaged(
        model_file.load(directory / "model.skops"), read_schema(directory / "schema.yaml"), metadata
    )


def check_manifest(directory: Path) -> None:
    """Compare every file of the package with the SHA-256 that the manifest has for it.

    Raises:
        Refusal: naming the first file that is missing or changed, or needed and not listed.
    """
    if not (directory / MANIFEST).is_file():
        raise Refusal(f"{directory} is no package: it has no {MANIFEST}.")
    manifest = read_json(directory / MANIFEST)
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        raise Refusal(f"{directory / MANIFEST} is no manifest: it lists no files.")
    for name in NEEDED:
        if name not in files:
            raise Refusal(f"{directory / MANIFEST} does not list {name}: nobody vouches for it.")
    for name, wanted in files.items():
        path = directory / name
        if not path.is_file():
            raise Refusal(f"{path} is missing; the manifest lists it. Get the package again.")
        if sha256(path) != wanted:
            raise Refusal(
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
        Refusal: it has another one.
    """
    installed = version(name)
    if installed.split(".")[:parts] != wanted.split(".")[:parts]:
        raise Refusal(
            f"the model was made with {name} {wanted}, and {installed} is installed. Install what "
            f"it needs: python -m pip install --require-hashes -r {directory}/requirements.lock"
        )

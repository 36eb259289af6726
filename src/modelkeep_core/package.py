"""models, reports, what made them → package: the model with all that its users must know."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from modelkeep_core import stage
from modelkeep_core.bom import bill_of_materials
from modelkeep_core.card import card
from modelkeep_core.environment import LIBRARY, PYTHON, locked, read_lock
from modelkeep_core.files import read_json, sha256, write_json, write_text
from modelkeep_core.guard import check_seen
from modelkeep_core.packaged import FORMAT, MANIFEST
from modelkeep_core.params import Package, read_params
from modelkeep_core.project_code import CODE, copy_code, modules_in
from modelkeep_core.recipe import recipe, recipe_id
from modelkeep_core.schema import read_schema

VENDOR = "vendor"


def write_package(args: argparse.Namespace, root: Path = Path(), name: str = "package") -> None:
    """Fill the directory `args.out`, and write its metadata to `args.metadata` as well.

    Args:
        args: the paths that dvc.yaml gives.
        root: the directory of dvc.yaml.
        name: the stage, and the section of params.yaml that is for it.

    Raises:
        UserError: an input is missing, or something that made the model is no dependency.
    """
    params = read_params(args.params, name, Package)
    metadata = metadata_of(args, params, recipe(root, args.models.as_posix(), name))
    sources = {
        "model.skops": args.models / "model.skops",
        "example.json": args.models / "example.json",
        "profile.json": args.reports / "profile.json",
        "schema.yaml": args.schema,
        "requirements.lock": args.requirements,
    }
    version = args.requirements.with_name(PYTHON)
    if version.is_file():
        sources[PYTHON] = version
    sources |= {f"{VENDOR}/{wheel.name}": wheel for wheel in wheels(args.requirements)}
    shutil.rmtree(args.out, ignore_errors=True)
    for target, source in sources.items():
        (args.out / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, args.out / target)
    if metadata["code"]:
        shutil.copytree(args.models / CODE, args.out / CODE)
    copy_code(root, metadata["metrics"]["code"], args.out / CODE)
    write_text(args.out / "MODEL_CARD.md", card(metadata, params.limits))
    model = sha256(args.out / "model.skops")
    bill = bill_of_materials(metadata, params.limits, args.requirements, model)
    write_json(args.out / "bom.json", bill)
    metadata["files"] = hashes(args.out)
    write_json(args.out / "model.json", metadata)
    write_json(args.out / MANIFEST, {"format": FORMAT, "files": hashes(args.out)})
    check_seen(args.out)
    write_json(args.metadata, metadata)


def metadata_of(
    args: argparse.Namespace, params: Package, made_by: dict[str, Any]
) -> dict[str, Any]:
    """Collect the content of model.json: the version, what made it and how good it is."""
    schema = read_schema(args.schema)
    training = read_json(args.models / "training.json")
    before = stage.unlocked_in(args.models, args.test.parent, args.reports)
    unlocked = list(dict.fromkeys([*before, *args.unlocked]))
    return {
        "format": FORMAT,
        "recipe_id": recipe_id(made_by),
        "name": params.name,
        "title": params.title,
        "description": params.description,
        "task": schema.task,
        "target": schema.target,
        "metrics": read_json(args.reports / "evaluation.json"),
        "findings": read_json(args.reports / "findings.json"),
        "training": training,
        "fast_path": read_json(args.reports / "fast_path.json"),
        "code": modules_in(args.models / "model.skops", args.models / CODE),
        "data": read_json(args.provenance),
        "test": {"path": args.test.as_posix(), "sha256": sha256(args.test)},
        "schema": schema.model_dump(),
        "recipe": made_by,
        "libraries": locked(args.requirements),
        "reproducible": not unlocked,
        "unlocked": unlocked,
    }


def wheels(lock: Path) -> list[Path]:
    """Return the wheel of this library that lies beside a lock and is the one that it names.

    With it, a package can be installed where no index has the library.
    """
    package = read_lock(lock).get(LIBRARY)
    built = (lock.parent / VENDOR).glob(f"{LIBRARY.replace('-', '_')}-*.whl")
    return [wheel for wheel in built if package and sha256(wheel) in package.hashes]


def hashes(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a directory by its path, sorted."""
    return {
        path.relative_to(directory).as_posix(): sha256(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    stage.run(
        lambda args: write_package(args, name=stage.name() or "package"),
        *("models", "test", "provenance", "reports", "schema", "params", "out", "metadata"),
        mark=False,
    )

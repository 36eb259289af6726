"""models, reports, provenance → package: the model with all that its users must know."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from pipeline.card import card
from pipeline.environment import locked
from pipeline.files import plain, read_json, read_yaml, sha256, write_json, write_text
from pipeline.packaged import MANIFEST
from pipeline.params import read_params
from pipeline.recipe import recipe, recipe_id
from pipeline.refusal import told
from pipeline.schema import read_schema


def metadata_of(args: argparse.Namespace) -> dict[str, Any]:
    """Collect the content of model.json: the version, what made it and how good it is."""
    schema, package = read_schema(args.schema), read_params(args.params).package
    provenance = read_json(args.prepared / "provenance.json")
    made_by = recipe(
        stages=args.stages,
        params=plain(read_yaml(args.params)),
        data={file["path"]: file["sha256"] for file in provenance["files"]},
        schema=args.schema,
        requirements=args.requirements,
        code=args.code,
    )
    return {
        "recipe_id": recipe_id(made_by),
        "name": package.name,
        "title": package.title,
        "description": package.description,
        "task": schema.task,
        "target": schema.target,
        "metrics": read_json(args.reports / "evaluation.json"),
        "training": read_json(args.models / "training.json"),
        "fast_path": read_json(args.reports / "fast_path.json"),
        "data": provenance,
        "schema": schema.model_dump(),
        "recipe": made_by,
        "libraries": locked(args.requirements),
    }


def write_package(args: argparse.Namespace, metadata: dict[str, Any]) -> None:
    """Fill the directory `args.out`; the manifest with the SHA-256 of every file comes last."""
    args.out.mkdir(parents=True, exist_ok=True)
    for source, name in (
        (args.models / "model.skops", "model.skops"),
        (args.models / "example.json", "example.json"),
        (args.reports / "profile.json", "profile.json"),
        (args.schema, "schema.yaml"),
        (args.requirements, "requirements.lock"),
    ):
        shutil.copyfile(source, args.out / name)
    write_json(args.out / "model.json", metadata)
    write_text(args.out / "MODEL_CARD.md", card(metadata, read_params(args.params).package.limits))
    files = {path.name: sha256(path) for path in sorted(args.out.iterdir())}
    files.pop(MANIFEST, None)
    write_json(args.out / MANIFEST, {"files": files})


def main() -> None:
    """Run the stage as dvc.yaml calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", nargs="+", required=True)
    for name in (
        *("code", "params", "schema", "requirements", "prepared", "models", "reports"),
        *("out", "metadata"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    metadata = metadata_of(args)
    write_package(args, metadata)
    write_json(args.metadata, metadata)


if __name__ == "__main__":
    with told():
        main()

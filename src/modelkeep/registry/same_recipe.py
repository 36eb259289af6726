"""Whether metadata tell the truth about their recipe, and what else has the same recipe."""

from pathlib import Path

from modelkeep import text
from modelkeep.registry.catalogue import Catalogue, content_of
from modelkeep.registry.diff import changes, flat
from modelkeep.registry.metadata import Metadata
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

MODEL = "model.skops"


def check_unregistered(catalogue: Catalogue, version: Version, accepted: bool) -> None:
    """Make sure that a version is not registered yet.

    Args:
        catalogue: the versions.
        version: the version.
        accepted: whether another package of a registered recipe may have a number of its own.

    Raises:
        UserError: the very package is registered, or another one of its recipe.
    """
    recipe = catalogue.records.of(version)["recipe_id"]
    same = [
        other
        for other, record in catalogue.summaries(catalogue.registered(version.model))
        if record.metadata and record.metadata["recipe_id"] == recipe
    ]
    content = content_of(catalogue, version) if same else None
    for other in same:
        if content_of(catalogue, other) == content:
            raise UserError(
                f"this recipe is {other.number} already (tag {other.event.tag}): one recipe has "
                f"one number, and `modelkeep promote {other.number} STAGE` releases it. Where "
                "something was changed since, `dvc repro` and commit first."
            )
    if same and not accepted:
        number = same[0].number
        raise UserError(
            f"this recipe is {number} already (tag {same[0].event.tag}), and here is another "
            f"package of it: `modelkeep diff {number} HEAD` shows what differs. --same-recipe "
            "registers it as another version of the same recipe."
        )


def check_recipe_id(version: Version, metadata: Metadata) -> None:
    """Make sure that a recipe id is the SHA-256 of the recipe that stands beside it.

    Raises:
        UserError: it was made up.
    """
    from modelkeep_core.recipe import recipe_id

    try:
        true = recipe_id(metadata["recipe"])
    except (RecursionError, ValueError):
        true = None
    if true != metadata["recipe_id"]:
        raise UserError(
            f"the metadata of {version.label} say that its recipe id is "
            f"{text.short(metadata['recipe_id'])}, and that is not the id of the recipe in them: "
            "somebody has made it up."
        )


def check_recipe(root: Path, package: str, metadata: Metadata) -> None:
    """Make sure that the recipe in the metadata is the one that the files of the commit give.

    Args:
        root: the project, with the files as they are committed.
        package: the path of the package in it.
        metadata: what is committed of the model.

    Raises:
        UserError: it is another one, or the files give none.
    """
    from modelkeep_core.recipe import recipe, recipe_id

    given = [recipe(root, path) for path in _models(root, package)]
    if recipe_id(metadata["recipe"]) == metadata["recipe_id"] in map(recipe_id, given):
        return
    different = changes(flat(metadata["recipe"]), flat(given[0]))
    where = f" ({different[0]['name']} differs)" if different else ""
    raise UserError(
        f"the metadata say that recipe {text.short(metadata['recipe_id'])} made the model, and the "
        f"files of this commit give {text.short(recipe_id(given[0]))}{where}: make the model anew, "
        "with `dvc repro --force`, and commit."
    )


def _models(root: Path, package: str) -> list[str]:
    """Return the outputs that the packaged model may have been copied from, the package last.

    It is what the stages of the recipe write, of which one file is the model, byte for byte; where
    the stage of the package makes the model itself, it is the package.
    """
    from modelkeep_core.dvc_yaml import overlaps, read_stages, upstream
    from modelkeep_core.files import sha256

    wanted = root / package / MODEL
    digest, size = sha256(wanted), wanted.stat().st_size
    paths = []
    for stage in upstream(read_stages(root / "dvc.yaml"), package):
        for out in stage.outs:
            place = root / out
            files = [place] if place.is_file() else place.rglob("*")
            if not overlaps(out, package) and any(
                file.is_file() and file.stat().st_size == size and sha256(file) == digest
                for file in files
            ):
                paths.append(out)
    return [*paths, package]

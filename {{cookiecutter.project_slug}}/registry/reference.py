"""From what a person writes to the version that is meant."""

import sys

from pipeline.refusal import Refusal, suggestion
from registry.catalogue import Catalogue
from registry.git import Git
from registry.tags import parse
from registry.version import Version

HEXADECIMAL = frozenset("0123456789abcdef")
# Shorter ones would often begin several recipe ids.
SHORTEST_RECIPE = 4


def find(catalogue: Catalogue, reference: str) -> Version:
    """Return the version that a reference names.

    Args:
        catalogue: where to look.
        reference: a version number, a stage, a Git revision or the beginning of a recipe id,
            looked for in this order; "model@v1.2.0" and "model#prod" name the model as well.

    Raises:
        Refusal: it names none, or several.
    """
    said = parse(reference.replace(":", "="))
    if said and catalogue.full(said["model"]) in catalogue.models:
        catalogue = Catalogue(catalogue.git, said["model"])
        whole_tag = said["back"] or said["counter"]
        reference = reference.replace(":", "=") if whole_tag else said["version"] or said["stage"]
    commit = catalogue.git.commit(reference)
    found = _by_number(catalogue, reference) or _by_stage(catalogue, reference)
    if len(found) == 1 and commit not in (None, found[0].commit):
        print(
            f"note: '{reference}' is a Git revision too (commit {commit[:7]}); here it means "
            f"{found[0].model} {found[0].label}.",
            file=sys.stderr,
        )
    if not found and commit:
        found = _by_commit(catalogue, commit)
    if not found or (commit and _is_prefix(reference, commit)):
        found += [it for it in _by_recipe(catalogue, reference) if it not in found]
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous(reference, found)
    if commit:
        named = f"the model '{catalogue.model}'" if catalogue.model else "a model"
        raise Refusal(f"dvc.yaml of commit {commit[:7]} ({reference}) does not name {named}.")
    raise _unknown(catalogue, reference)


def model_in(catalogue: Catalogue, stage: str) -> str:
    """Return the model that a stage holds.

    Raises:
        Refusal: it holds none, or several models use this stage.
    """
    models = [model for model in catalogue.models if stage in catalogue.held[model]]
    if len(models) == 1:
        return models[0]
    if models:
        raise Refusal(f"'{stage}' holds {', '.join(models)}: say which with --model.")
    known = {name for model in catalogue.models for name in catalogue.held[model]}
    there = f" There is {', '.join(sorted(known))}." if known else ""
    raise Refusal(
        f"no version is in '{stage}'{suggestion(stage, known)}.{there} "
        f"`python -m registry promote VERSION {stage}` puts one there."
    )


def _by_number(catalogue: Catalogue, reference: str) -> list[Version]:
    number = reference if reference.startswith("v") else f"v{reference}"
    return [versions[number] for versions in catalogue.numbered.values() if number in versions]


def _by_stage(catalogue: Catalogue, reference: str) -> list[Version]:
    return [
        catalogue.at(model, held[reference].commit)
        for model, held in catalogue.held.items()
        if reference in held
    ]


def _by_commit(catalogue: Catalogue, commit: str) -> list[Version]:
    return catalogue.registered_at(commit) or [
        catalogue.at(model, commit) for model in catalogue.models_of(commit)
    ]


def _is_prefix(reference: str, commit: str) -> bool:
    return commit.startswith(reference) and commit != reference


def _by_recipe(catalogue: Catalogue, start: str) -> list[Version]:
    """Return a version of each recipe whose id begins so: a registered one where there is."""
    if len(start) < SHORTEST_RECIPE or not HEXADECIMAL.issuperset(start):
        return []
    found: dict[tuple[str, str], Version] = {}
    for model in sorted({*catalogue.models, *catalogue.current_models}):
        others = [version for version, *_ in catalogue.unregistered(model)]
        for version, read in catalogue.summaries(catalogue.registered(model) + others):
            if read.metadata and read.metadata["recipe_id"].startswith(start):
                found.setdefault((model, read.metadata["recipe_id"]), version)
    return list(found.values())


def _ambiguous(reference: str, found: list[Version]) -> Refusal:
    names = ", ".join(f"{it.model} {it.label} (commit {it.commit[:7]})" for it in found)
    one_model = len({version.model for version in found}) == 1
    remedy = "Write more of it." if one_model else "Say which with --model."
    return Refusal(f"'{reference}' names more than one version: {names}. {remedy}")


def _unknown(catalogue: Catalogue, reference: str) -> Refusal:
    known = [number for versions in catalogue.numbered.values() for number in versions]
    known += [stage for held in catalogue.held.values() for stage in held]
    return Refusal(
        f"'{reference}' is no version, stage, Git revision or recipe id"
        f"{suggestion(reference, known)}. {elsewhere(catalogue.git)}"
    )


def elsewhere(git: Git) -> str:
    """Say how tags get here that are in another repository."""
    if git.shallow:
        return "This clone is shallow: `git fetch --unshallow --tags` brings the rest."
    return "`git fetch --tags` brings what others have registered."

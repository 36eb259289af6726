"""From what a person writes to the version that is meant."""

import sys

from modelkeep.registry.believed import check_assignment, check_history, check_origin
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import Git
from modelkeep.registry.signed_reference import check_named, check_revision
from modelkeep.registry.tags import STAGE, parse
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.visible import visible

HEXADECIMAL = frozenset("0123456789abcdef")
# Shorter ones would often begin several recipe ids.
SHORTEST_RECIPE = 4


def find(
    catalogue: Catalogue, reference: str, to_use: bool = False, signed: bool = False
) -> Version:
    """Return the version that a reference names.

    Args:
        catalogue: where to look.
        reference: a version number, a stage, a Git revision or the beginning of a recipe id,
            looked for in this order; "model@v1.2.0" and "model#prod" name the model as well.
        to_use: whether the version is to be used, and not only looked at: then a stage names one
            that can be believed to be released.
        signed: whether it has to be signed, where the repository asks for that.

    Raises:
        UserError: it names none, or several; or a stage, and what is in it cannot be known here; or
            its signature is asked for, and does not count.
    """
    reference = _alias(catalogue, reference)
    tag = parse(reference.replace(":", "="))
    if tag and catalogue.full(tag.model) in catalogue.models:
        catalogue = catalogue.of(tag.model)
        if tag.back or tag.counter is not None:
            reference = reference.replace(":", "=")
        else:
            reference = tag.version or tag.stage or reference
    commit = catalogue.git.commit(reference)
    versions = _by_number(catalogue, reference) or _by_stage(catalogue, reference, to_use, signed)
    by_name = [*versions]
    if len(versions) == 1 and commit and commit != versions[0].commit:
        print(
            f"note: '{visible(reference)}' is a Git revision too (commit {commit[:7]}); here it "
            f"means {versions[0].model} {versions[0].label}.",
            file=sys.stderr,
        )
    if not versions and commit:
        versions = _by_commit(catalogue, commit)
    if not versions or (commit and _is_prefix(reference, commit)):
        others = _by_recipe(catalogue, reference)
        versions += [version for version in others if version not in versions]
    if len(versions) == 1:
        if signed and versions[0] not in by_name:
            check_revision(catalogue, versions[0], reference)
        elif signed:
            check_named(catalogue, versions[0], reference)
        return versions[0]
    if versions:
        raise _ambiguous(reference, versions)
    if commit:
        named = f"the model '{catalogue.model}'" if catalogue.model else "a model"
        if catalogue.has_pipeline(commit):
            # It may be that it cannot be read.
            catalogue.models_named(commit)
        raise UserError(f"dvc.yaml of commit {commit[:7]} ({reference}) does not name {named}.")
    raise _unknown(catalogue, reference)


def _alias(catalogue: Catalogue, reference: str) -> str:
    """Return "model#prod" for "model@prod", which people write as well."""
    model, at, stage = reference.rpartition("@")
    if at and not parse(reference.replace(":", "=")) and catalogue.full(model) in catalogue.models:
        return f"{model}#{stage}" if STAGE.fullmatch(stage) else reference
    return reference


def stage_of(catalogue: Catalogue, reference: str, version: Version) -> str | None:
    """Return the stage by which a reference names a version, or None."""
    tag = parse(_alias(catalogue, reference).replace(":", "="))
    stage = tag.stage if tag else reference
    event = catalogue.assignments.get(version.model, {}).get(stage or "")
    return event.stage if event and event.commit == version.commit else None


def model_in(catalogue: Catalogue, stage: str) -> str:
    """Return the model that a stage is assigned a version of.

    Raises:
        UserError: no version is in the stage, or versions of several models are; or this clone is
            shallow, so it may lack tags.
    """
    check_history(catalogue.git)
    models = [model for model in catalogue.models if stage in catalogue.assignments[model]]
    if len(models) == 1:
        return models[0]
    if models:
        raise UserError(
            f"'{stage}' is assigned versions of {', '.join(models)}: say which with --model."
        )
    stages = {name for model in catalogue.models for name in catalogue.assignments[model]}
    there = f" There is {', '.join(sorted(stages))}." if stages else ""
    raise UserError(
        f"no version is in '{stage}'{suggestion(stage, stages)}.{there} {_deprecated(catalogue)}"
        f"`modelkeep promote VERSION {stage}` puts one there."
    )


def version_in(catalogue: Catalogue, stage: str) -> Version:
    """Return the version that is in a stage, to be served.

    Raises:
        UserError: no version is in the stage, or versions of several models are; or what the tags
            say of it cannot be believed.
    """
    model = model_in(catalogue, stage)
    event = catalogue.assignments[model][stage]
    check_assignment(catalogue, event)
    catalogue.check_signed(event)
    return catalogue.at(model, event.commit)


def _deprecated(catalogue: Catalogue) -> str:
    """Return a sentence on each model that was deprecated."""
    return "".join(
        f"{model} was deprecated on {event.when:%Y-%m-%d} by {event.author} (tag {event.tag}). "
        for model, event in catalogue.deprecations.items()
    )


def _by_number(catalogue: Catalogue, reference: str) -> list[Version]:
    number = reference if reference.startswith("v") else f"v{reference}"
    return [versions[number] for versions in catalogue.numbered.values() if number in versions]


def _by_stage(catalogue: Catalogue, reference: str, to_use: bool, signed: bool) -> list[Version]:
    versions = []
    for model, assignments in catalogue.assignments.items():
        if event := assignments.get(reference):
            check_history(catalogue.git)
            for line in check_origin(catalogue, model):
                print(f"note: {visible(line)}", file=sys.stderr)
            if to_use:
                check_assignment(catalogue, event)
            if signed:
                catalogue.check_signed(event)
            versions.append(catalogue.at(model, event.commit))
    return versions


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
    versions: dict[tuple[str, str], Version] = {}
    for model in sorted({*catalogue.models, *catalogue.current_models}):
        others = [version for version, *_ in catalogue.unregistered(model)]
        for version, record in catalogue.summaries(catalogue.registered(model) + others):
            if record.metadata and record.metadata["recipe_id"].startswith(start):
                versions.setdefault((model, record.metadata["recipe_id"]), version)
    return list(versions.values())


def _ambiguous(reference: str, versions: list[Version]) -> UserError:
    names = ", ".join(
        f"{version.model} {version.label} (commit {version.commit[:7]})" for version in versions
    )
    same_model = len({version.model for version in versions}) == 1
    remedy = "Write more of it." if same_model else "Say which with --model."
    return UserError(f"'{reference}' names more than one version: {names}. {remedy}")


def _unknown(catalogue: Catalogue, reference: str) -> UserError:
    names = [number for versions in catalogue.numbered.values() for number in versions]
    names += [stage for assignments in catalogue.assignments.values() for stage in assignments]
    return UserError(
        f"'{reference}' is no version, stage, Git revision or recipe id"
        f"{suggestion(reference, names)}. {_deprecated(catalogue)}{elsewhere(catalogue.git)}"
    )


def elsewhere(git: Git) -> str:
    """Say how tags get here that are in another repository."""
    if git.shallow:
        return "This clone is shallow: `git fetch --unshallow --tags` brings the rest."
    return "`git fetch --tags` brings what others have registered."

"""MK5: the environment is locked, and the hooks name what exists."""

from collections.abc import Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modelkeep.check.documents import Document, Step, line_with
from modelkeep.check.findings import Finding, rule
from modelkeep.check.project import LOCK, PYPROJECT, Project
from modelkeep.check.rules.parameters import schema_of, sections_of
from modelkeep_core.boosters import BOOSTERS, of_task
from modelkeep_core.environment import LIBRARY, Locked
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.hooks import MODULES, read_hooks
from modelkeep_core.installing import install
from modelkeep_core.params import Train

SERVING_LOCK = "requirements-serving.lock"


@rule("MK501")
def core_locked(project: Project) -> Iterator[Finding]:
    """The lock names modelkeep-core with a hash, so that the code of the library is part of it."""
    stages = project.stages.values()
    for name in dict.fromkeys(
        project.lock_of(stage) for stage in stages if project.uses_core(stage)
    ):
        lock = project.lock(name)
        if lock is None:
            continue
        library = lock.get(LIBRARY)
        if library is None or not library.hashes:
            what = "does not name" if library is None else "has no hash of"
            there = (project.root / name).is_file()
            yield Finding(
                name,
                line_with(project.text(name), LIBRARY) if there else 1,
                "MK501",
                f"{name} {what} {LIBRARY}, which the stages import: a change of the library would "
                "go unnoticed.",
                "Lock it with its hash: uv pip compile pyproject.toml --generate-hashes "
                f"--output-file {name}",
            )


@rule("MK502")
def dependency_locked(project: Project) -> Iterator[Finding]:
    """Every dependency that pyproject.toml names is in its lock, in a version that it allows."""
    content, main = project.pyproject or {}, project.lock(LOCK)
    if main is None:
        return
    wanted = [(text, LOCK, main) for text in _texts(_within(content, "project", "dependencies"))]
    groups = _within(content, "dependency-groups")
    for group, entries in groups.items() if isinstance(groups, dict) else ():
        file = f"requirements-{group}.lock"
        of_group = project.lock(file)
        if (project.root / file).is_file() and of_group is not None:
            lock = main | of_group
            wanted += [(text, file, lock) for text in _texts(entries)]
    for text, file, lock in wanted:
        if not (project.root / file).is_file() or not (reason := _not_locked(text, file, lock)):
            continue
        extra = "" if file == LOCK else f" --group {file[len('requirements-') : -len('.lock')]}"
        yield Finding(
            PYPROJECT,
            line_with(project.pyproject_text or "", text),
            "MK502",
            reason,
            f"Lock again: uv pip compile pyproject.toml{extra} --output-file {file}",
        )


def _within(content: Any, *keys: str) -> Any:
    """Return what is at the end of some keys; None where there is nothing."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _texts(entries: Any) -> list[str]:
    """Return the texts of a list; none of anything else."""
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, str)]


def _not_locked(text: str, file: str, lock: dict[str, Locked]) -> str:
    """Say why a requirement is not met by a lock, or nothing."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return f"'{text}' is no requirement."
    if requirement.marker is not None and not requirement.marker.evaluate():
        return ""
    package = lock.get(canonicalize_name(requirement.name))
    if package is None:
        return f"'{text}' is a dependency, and {file} does not name {requirement.name}."
    if not requirement.specifier.contains(package.version, prereleases=True):
        return f"'{text}' is a dependency, and {file} has {package.version}."
    return ""


@rule("MK503")
def named_module(project: Project) -> Iterator[Finding]:
    """Every module that [tool.modelkeep] names is a module of the project."""
    for key in MODULES:
        for module in _texts(_within(project.pyproject, "tool", "modelkeep", key)):
            place = project.root / module.replace(".", "/")
            if not place.with_name(f"{place.name}.py").is_file() and not place.is_dir():
                yield Finding(
                    PYPROJECT,
                    line_with(project.pyproject_text or "", f'"{module}"'),
                    "MK503",
                    f"tool.modelkeep.{key} names '{module}', which is no module of this project.",
                    f"Correct the name, or take it out of `{key}`.",
                )


@rule("MK504")
def wheel_locked(project: Project) -> Iterator[Finding]:
    """Every wheel of the two libraries in vendor/ is the one that a lock names."""
    names = [path.name for path in project.root.glob("requirements*.lock")]
    locks = {name: lock for name in names if (lock := project.lock(name)) is not None}
    for wheel in sorted((project.root / "vendor").glob("modelkeep*.whl")):
        name, version = (*wheel.name.split("-"), "")[:2]
        name = str(canonicalize_name(name))
        named = [(file, lock[name]) for file, lock in sorted(locks.items()) if name in lock]
        for file, package in named:
            if package.version == version and sha256(wheel) not in package.hashes:
                yield Finding(
                    file,
                    line_with(project.text(file), f"{name}=="),
                    "MK504",
                    f"vendor/{wheel.name} is not the file that {file} names, and is not installed.",
                    "Bring the wheel of that hash back (git checkout vendor), or lock again.",
                )


@rule("MK505")
def valid_hooks(project: Project) -> Iterator[Finding]:
    """[tool.modelkeep] in pyproject.toml says what the library understands."""
    if project.pyproject is None:
        return
    try:
        read_hooks(project.root)
    except UserError as error:
        reason = str(error).partition(": ")[2].rstrip(".")
        yield Finding(
            PYPROJECT,
            line_with(project.pyproject_text or "", "[tool.modelkeep]"),
            "MK505",
            f"the hooks cannot be used: {reason}.",
            "Correct [tool.modelkeep]; its keys are `trusted` and `metrics`, lists of modules, "
            "`require_signed`, a list of stages, and `docs`, an address.",
        )


@rule("MK506")
def booster_locked(project: Project) -> Iterator[Finding]:
    """The package of every booster that params.yaml names is in the lock."""
    if not (project.root / LOCK).is_file():
        return
    lock = project.lock(LOCK)
    if lock is None:
        return
    for file, params, place, name, task in _boosters(project):
        module, package = name.partition(".")[0], BOOSTERS[name][1]
        # MK305 tells of one for the other task
        if name in of_task(task) and not {module, package} & {*lock}:
            yield Finding(
                file,
                params.line(*place),
                "MK506",
                f"{'.'.join(map(str, place))}: {name} needs {package}, and {LOCK} does not "
                "name it.",
                f'Add "{package}" to dependencies in pyproject.toml, lock it: uv pip compile '
                f"pyproject.toml --output-file {LOCK}, and the other locks after it, and "
                "install them: " + install(f"--require-hashes -r {LOCK}"),
            )


@rule("MK507")
def served_as_trained(project: Project) -> Iterator[Finding]:
    """The lock of the server has all that the model needs, in the same versions."""
    if not (project.root / SERVING_LOCK).is_file():
        return
    trained, server = project.lock(LOCK), project.lock(SERVING_LOCK)
    if trained is None or server is None:
        return
    for name, package in trained.items():
        if name not in server:
            reason = f"does not name {name}, which {LOCK} has"
        elif server[name].version != package.version:
            reason = f"has {name} {server[name].version}, and {LOCK} {package.version}"
        else:
            continue
        yield Finding(
            SERVING_LOCK,
            line_with(project.text(SERVING_LOCK), f"{name}=="),
            "MK507",
            f"{SERVING_LOCK} {reason}: an image of the server could not load the model.",
            f"Lock again: uv pip compile pyproject.toml --group serving -c {LOCK} "
            f"--output-file {SERVING_LOCK}",
        )


def _boosters(
    project: Project,
) -> Iterator[tuple[str, Document, tuple[Step, ...], str, str]]:
    """Yield the boosters that stages train: file, content, where in it, name and task."""
    for stage in project.stages.values():
        schema = schema_of(project, stage)
        if schema is None or not project.imports(stage, "estimators"):
            continue
        for file, section in sections_of(project, stage, Train):
            params = project.document(file)
            if params is not None:
                for place, name in _named(params.value(section), (section,)):
                    yield file, params, place, name, schema.task


def _named(value: Any, place: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Yield the boosters that parameters name, each with where it stands."""
    if isinstance(value, str) and value in BOOSTERS:
        yield place, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _named(part, (*place, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _named(part, (*place, number))

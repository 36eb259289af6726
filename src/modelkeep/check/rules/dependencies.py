"""MK2: what makes a model is among the dependencies, so that a change of it is noticed."""

from collections.abc import Iterator
from pathlib import Path

from modelkeep.check.findings import Finding, rule
from modelkeep.check.project import CORE, DVC_YAML, PYTHON, CheckedStage, Project
from modelkeep.unnoticed import unnoticed
from modelkeep_core.dvc_yaml import Stage, covers, overlaps, upstream
from modelkeep_core.guard import is_empty_init
from modelkeep_core.project_code import unresolved


@rule("MK201")
def imported_module(project: Project) -> Iterator[Finding]:
    """Every module of the project that a stage imports, itself or by others, is a dependency."""
    for stage in project.stages.values():
        for file in project.code(stage.name):
            if stage.has_dep(file) or is_empty_init(project.root / file):
                continue
            yield Finding(
                DVC_YAML,
                stage.line("deps"),
                "MK201",
                f"stage '{stage.name}' imports {file}, which is no dependency of it.",
                f"Add to {stage.stage.where}.deps: - {stage.stage.written(file)}",
            )


@rule("MK202")
def environment(project: Project) -> Iterator[Finding]:
    """Every stage that runs code of the project depends on the lock and on the Python version."""
    for stage in project.stages.values():
        runs = any(
            project.is_own(stage, command) or (command.module or "").startswith(f"{CORE}.")
            for command in stage.commands
        )
        for file in (project.lock_of(stage), PYTHON) if runs else ():
            if (project.root / file).is_file() and not stage.has_dep(file):
                yield Finding(
                    DVC_YAML,
                    stage.line("deps"),
                    "MK202",
                    f"stage '{stage.name}' runs in the environment of {file}, which is no "
                    "dependency of it.",
                    f"Add to {stage.stage.where}.deps: - {stage.stage.written(file)}",
                )


@rule("MK203")
def package_inputs(project: Project) -> Iterator[Finding]:
    """The stage that packages depends on all that the model was made from."""
    outs = [out for stage in project.stages.values() for out in stage.stage.outs]
    for stage, producers in _packaging(project):
        inputs = dict.fromkeys(dep for producer in producers for dep in producer.deps)
        for path in inputs:
            if not any(overlaps(out, path) for out in outs) and not stage.has_dep(path):
                yield Finding(
                    DVC_YAML,
                    stage.line("deps"),
                    "MK203",
                    f"stage '{stage.name}' packages a model that {path} is part of, which is no "
                    "dependency of it.",
                    f"Add to {stage.stage.where}.deps: - {stage.stage.written(path)}",
                )


@rule("MK204")
def package_params(project: Project) -> Iterator[Finding]:
    """The stage that packages names all parameters that the model was made with."""
    for stage, producers in _packaging(project):
        own = [(file, key) for file, keys in stage.stage.params.items() for key in keys or ("",)]
        used = [
            (file, key)
            for producer in producers
            for file, keys in producer.params.items()
            for key in keys or ("",)
        ]
        for file, key in dict.fromkeys(used):
            if not any(file == place and _within(key, wide) for place, wide in own):
                yield Finding(
                    DVC_YAML,
                    stage.line("params"),
                    "MK204",
                    f"stage '{stage.name}' packages a model that was made with "
                    f"{f'{key} of {file}' if key else file}, and does not name it.",
                    f"Add to {stage.stage.where}.params: - {stage.stage.written_param(file, key)}",
                )


@rule("MK205")
def missing_module(project: Project) -> Iterator[Finding]:
    """Every module of the project that the code of a stage imports is there."""
    for file in sorted({file for name in project.stages for file in project.code(name)}):
        for line, module in unresolved(project.root, Path(file)):
            yield Finding(
                file,
                line,
                "MK205",
                f"{module} is imported, and the project has no such module.",
                "Correct the name, or write the module.",
            )


@rule("MK206")
def unnoticed_change(project: Project) -> Iterator[Finding]:
    """Every stage is run again when what it reads changes, and only then."""
    for stage in project.stages.values():
        if found := unnoticed(stage.stage):
            key = "frozen" if stage.stage.frozen else "always_changed"
            yield Finding(DVC_YAML, stage.line(key), "MK206", *found)


def _within(key: str, wide: str) -> bool:
    return not wide or covers(wide.replace(".", "/"), key.replace(".", "/"))


def _packaging(project: Project) -> Iterator[tuple[CheckedStage, list[Stage]]]:
    """Yield the stages that package, each with the stages that made its model."""
    stages = {name: stage.stage for name, stage in project.stages.items()}
    for stage, command in project.packaging():
        if models := command.option("--models"):
            yield stage, upstream(stages, stage.path(models))

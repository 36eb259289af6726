"""MK1: dvc.yaml says what its commands do."""

import posixpath
import re
from collections.abc import Iterator
from importlib.util import find_spec

from modelkeep.check.findings import Finding, rule
from modelkeep.check.project import CORE, DVC_YAML, PARAMS, PYTHON, CheckedStage, Project
from modelkeep_core.dvc_yaml import Stage, covers, overlaps, upstream
from modelkeep_core.errors import UserError
from modelkeep_core.hooks import read_hooks

ENDS = (
    *(".csv", ".tsv", ".parquet", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".lock", ".txt"),
    *(".py", ".sh", ".ipynb", ".sql", ".pkl", ".joblib", ".skops", ".onnx", ".npy", ".npz"),
    *(".png", ".svg", ".html", ".md", ".gz", ".zip", ".db", ".log"),
)
PATH = re.compile(r"[\w.@+~-]*(/[\w.@+-]+)+/?|[\w.@+~-]+")
# The section that modelkeep_core.package reads, whatever its stage is called
TEMPLATES = {
    *("simple", "linear", "confusion", "confusion_normalized", "scatter", "scatter_jitter"),
    *("smooth", "bar_horizontal", "bar_horizontal_sorted"),
}


@rule("MK101")
def undeclared_path(project: Project) -> Iterator[Finding]:
    """Every path in a command is a dependency, an output or a file of parameters of its stage."""
    for stage in project.stages.values():
        declared = (*stage.stage.deps, *stage.stage.outs, *stage.stage.params)
        for command in stage.commands:
            options = project.path_options(stage, command)
            paths = {value for name, value in command.options if name in options}
            for word in dict.fromkeys(command.values):
                path = stage.path(word)
                # Of the environment, MK202 tells.
                fine = path in (project.lock_of(stage), PYTHON) or any(
                    covers(part, path) for part in declared
                )
                if fine or not (word in paths or _is_path(project, stage, word)):
                    continue
                if not any(covers(path, out) for out in stage.stage.outs):
                    yield Finding(
                        DVC_YAML,
                        stage.line_of_word(word),
                        "MK101",
                        f"stage '{stage.name}' names {path} in its command, and neither its deps "
                        "nor its outs do.",
                        f"Add {stage.stage.written(path)} to deps of the stage if it reads it, to "
                        "outs if it writes it.",
                    )


def _is_path(project: Project, stage: CheckedStage, word: str) -> bool:
    """Say whether a word of a command is a path, as far as that can be seen."""
    if not PATH.fullmatch(word) or word.strip("./") == "":
        return False
    if word.startswith(("/", "~/", "../")) or word.endswith(ENDS):
        return True
    if (project.root / stage.place / word).exists():
        return True
    top = word.partition("/")[0]
    declared = (*stage.stage.deps, *stage.stage.outs)
    return "/" in word and any(path.partition("/")[0] == top for path in declared)


@rule("MK102")
def unused_declaration(project: Project) -> Iterator[Finding]:
    """Every dependency and output of a stage is in its command, or used by its code."""
    for stage in project.stages.values():
        python = [command for command in stage.commands if command.module or command.script]
        if len(python) != len(stage.commands) or any(
            command.module and command.module.startswith(f"{CORE}.") for command in python
        ):
            # What another program reads cannot be seen; what the package holds is MK203's.
            continue
        named = [stage.path(word) for command in python for word in command.values]
        texts = [project.text(file) for file in project.code(stage.name)]
        if any("read_hooks" in text for text in texts):
            named += _hooked(project)
        for kind, entries in (("deps", stage.deps), ("outs", stage.outs)):
            for entry in entries:
                if entry.path in (project.lock_of(stage), PYTHON) or any(
                    overlaps(entry.path, path) for path in (*named, *project.code(stage.name))
                ):
                    continue
                if texts and not any(_names(text, entry.path) for text in texts):
                    yield Finding(
                        DVC_YAML,
                        entry.line,
                        "MK102",
                        f"stage '{stage.name}' has {entry.path} in its {kind}, and neither its "
                        "command nor its code names it.",
                        f"Give the path to the command as an argument, or take it out of {kind}.",
                    )


def _hooked(project: Project) -> list[str]:
    """Return the modules that code may reach by [tool.modelkeep], as files."""
    try:
        hooks = read_hooks(project.root)
    except UserError:
        # MK505 tells of hooks that cannot be used
        return []
    return [f"{module.replace('.', '/')}.py" for module in (*hooks.trusted, *hooks.metrics)]


def _names(text: str, path: str) -> bool:
    """Say whether code names a path: whole, as a module, by its last part, or that in quotes."""
    last = path.rpartition("/")[2]
    if path.endswith(".py"):
        return path in text or path.removesuffix(".py").replace("/", ".") in text
    quoted = any(f"{mark}{last}{mark}" in text for mark in "\"'")
    return quoted or ("/" in path and path in text) or ("." in last and last in text)


@rule("MK103")
def missing_dependency(project: Project) -> Iterator[Finding]:
    """Every dependency is there, or a stage or a .dvc file brings it."""
    brought_by_none = [
        (stage, entry)
        for stage in project.stages.values()
        for entry in stage.deps
        if not (project.root / f"{entry.path}.dvc").is_file()
        and not project.is_made(entry.path)
        and not any(overlaps(path, entry.path) for path in project.tracked_data)
        and "://" not in entry.path
    ]
    ignored = project.ignored(entry.path for _, entry in brought_by_none)
    for stage, entry in brought_by_none:
        if not (project.root / entry.path).exists():
            yield Finding(
                DVC_YAML,
                entry.line,
                "MK103",
                f"stage '{stage.name}' depends on {entry.path}, which is not there and is made by "
                "no stage.",
                "Correct the path, add the file, or take it out of deps.",
            )
        elif entry.path in ignored:
            yield Finding(
                DVC_YAML,
                entry.line,
                "MK103",
                f"stage '{stage.name}' depends on {entry.path}, which Git ignores, and no .dvc "
                "file keeps it: nobody else has it.",
                f"Type: dvc add {entry.path}",
            )


@rule("MK110")
def cycle(project: Project) -> Iterator[Finding]:
    """No stage depends on what is made of its own outputs."""
    stages = {name: stage.stage for name, stage in project.stages.items()}
    order = [*stages]
    for number, (name, stage) in enumerate(project.stages.items()):
        for entry in stage.deps:
            makers = [maker for maker in order[number:] if _makes(stages[maker], entry.path)]
            if makers and stages[name] in upstream(stages, entry.path):
                yield Finding(
                    DVC_YAML,
                    entry.line,
                    "MK110",
                    f"stage '{name}' depends on {entry.path}, which is made of what the stage "
                    "writes: DVC runs no stage of such a circle.",
                    "Take it out of deps, or let another stage write it.",
                )


def _makes(stage: Stage, path: str) -> bool:
    return any(overlaps(out, path) for out in stage.outs)


@rule("MK104")
def output_made_twice(project: Project) -> Iterator[Finding]:
    """Every output is made by one stage, and no .dvc file keeps it as well."""
    owners = {path: file for path, (file, _) in project.tracked_data.items()}
    for stage in project.stages.values():
        for entry in stage.outs:
            for path, owner in owners.items():
                if overlaps(path, entry.path):
                    yield Finding(
                        DVC_YAML,
                        entry.line,
                        "MK104",
                        f"stage '{stage.name}' writes {entry.path}, and {path} belongs to {owner}.",
                        "Give each of them an output of its own.",
                    )
        owners |= {entry.path: f"stage '{stage.name}'" for entry in stage.outs}


@rule("MK105")
def missing_module(project: Project) -> Iterator[Finding]:
    """Every module and script that a stage runs is there."""
    for stage in project.stages.values():
        for command in stage.commands:
            wanted = command.script or command.module
            if not wanted:
                continue
            if command.script:
                path = stage.path(command.script)
                there = (project.root / path).is_file() or project.is_made(path)
            elif project.is_own(stage, command):
                place = project.root / stage.place / wanted.replace(".", "/")
                there = place.with_name(f"{place.name}.py").is_file()
                there = there or (place / "__main__.py").is_file()
            elif wanted.startswith(f"{CORE}."):
                there = find_spec(wanted) is not None
            else:
                there = find_spec(wanted.partition(".")[0]) is not None
            if not there:
                yield Finding(
                    DVC_YAML,
                    stage.line_of_word(wanted),
                    "MK105",
                    f"stage '{stage.name}' runs {wanted}, which does not exist.",
                    "Correct the name in the command, or write the module.",
                )


@rule("MK106")
def stage_name(project: Project) -> Iterator[Finding]:
    """Every stage has the name of the module of the project that it runs."""
    for stage in project.stages.values():
        # A script is found by its path, whatever it is called.
        own = [command for command in stage.commands if project.is_own(stage, command)]
        names = [command.name for command in own if command.module and command.name]
        # Of a module that is not there, MK105 tells.
        if (
            not names
            or not project.code(stage.name)
            or any(_named_after(stage.key, name) for name in names)
        ):
            continue
        yield Finding(
            DVC_YAML,
            stage.line(),
            "MK106",
            f"stage '{stage.key}' runs the module '{names[-1]}': a stage, its module and its "
            "section of params.yaml have one name.",
            f"Call the stage '{names[-1]}', or '{names[-1]}-' and more where several stages run "
            "the module.",
        )


def _named_after(stage: str, module: str) -> bool:
    stage, module = stage.replace("-", "_"), module.replace("-", "_")
    return stage == module or stage.startswith(f"{module}_")


@rule("MK107")
def artifact_path(project: Project) -> Iterator[Finding]:
    """Every artifact is an output of a stage, or tracked data, and no two models are one."""
    models: dict[str, str] = {}
    for name in project.dvc.names("artifacts"):
        path = project.dvc.value("artifacts", name, "path")
        if not isinstance(path, str) or "${" in path:
            continue
        line = project.dvc.line("artifacts", name, "path")
        outs = [out for stage in project.stages.values() for out in stage.stage.outs]
        if not any(covers(out, path.rstrip("/")) for out in (*outs, *project.tracked_data)):
            yield Finding(
                DVC_YAML,
                line,
                "MK107",
                f"artifact '{name}' is {path}, which no stage writes.",
                "Name an output of a stage: the registry looks there for the model.",
            )
        if project.dvc.value("artifacts", name, "type") != "model":
            continue
        other = models.setdefault(posixpath.normpath(path), name)
        if other != name:
            yield Finding(
                DVC_YAML,
                line,
                "MK107",
                f"the models '{other}' and '{name}' are both {path}.",
                f"Let a stage of its own write the package of '{name}', or take one of them out.",
            )


@rule("MK108")
def shown_file(project: Project) -> Iterator[Finding]:
    """Every metric and plot of dvc.yaml is an output or a file, drawn by a template that exists."""
    for kind in ("metrics", "plots"):
        entries = project.dvc.value(kind)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            pairs = list(entry.items()) if isinstance(entry, dict) else [(entry, None)]
            path, options = pairs[0] if pairs else (None, None)
            if not isinstance(path, str):
                continue
            line = project.dvc.line(kind, number)
            if not _is_shown(project, path, options):
                yield Finding(
                    DVC_YAML,
                    line,
                    "MK108",
                    f"{kind} names {path}, which no stage writes.",
                    "Name an output of a stage, or take it out.",
                )
            template = options.get("template") if isinstance(options, dict) else None
            own = project.root / ".dvc" / "plots" / f"{template}.json"
            if isinstance(template, str) and template not in TEMPLATES and not own.is_file():
                yield Finding(
                    DVC_YAML,
                    project.dvc.line(kind, number, path, "template"),
                    "MK108",
                    f"the plot {path} is drawn by the template '{template}', which does not exist.",
                    f"Choose one of {', '.join(sorted(TEMPLATES))}, or put {template}.json into "
                    ".dvc/plots.",
                )


@rule("MK109")
def package_name(project: Project) -> Iterator[Finding]:
    """Every package has the name of the artifact that it is."""
    for stage, command in project.packaging():
        out = stage.path(command.option("--out") or "")
        names = [
            name
            for name in project.dvc.names("artifacts")
            if posixpath.normpath(str(project.dvc.value("artifacts", name, "path"))) == out
        ]
        if project.params is None or stage.path(command.option("--params") or PARAMS) != PARAMS:
            continue
        name = project.params.value(stage.name, "name")
        if isinstance(name, str) and names and name not in names:
            yield Finding(
                PARAMS,
                project.params.line(stage.name, "name"),
                "MK109",
                f"{stage.name}.name is '{name}', and the artifact of {out} is '{names[0]}'.",
                f"Write {names[0]}, or rename the artifact in dvc.yaml: versions are tagged with "
                "its name.",
            )


def _is_shown(project: Project, path: str, options: object) -> bool:
    if "${" in path or (project.root / path).exists() or project.is_made(path):
        return True
    # A plot may have a title in the place of a path, and the files in `y`.
    return isinstance(options, dict) and isinstance(options.get("y"), dict)

"""MK3: params.yaml and schema.yaml are used, and name what exists."""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from modelkeep.check.documents import Document, Step
from modelkeep.check.findings import Finding, rule
from modelkeep.check.project import DVC_YAML, PARAMS, CheckedStage, Project
from modelkeep.check.words import ESTIMATORS, METRICS
from modelkeep_core.boosters import class_name, of_task
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.files import Section, read_model
from modelkeep_core.hooks import read_hooks
from modelkeep_core.metric_names import COVERAGE, declared
from modelkeep_core.params import Evaluate, Package, Prepare, Train
from modelkeep_core.schema import ORDERED, Schema

# Sections that are read by a command and not by a stage
COMMANDS = ("promote",)
SCHEMA = "schema.yaml"
# The types that the library reads sections with
TYPES: dict[str, type[Section]] = {
    "Prepare": Prepare,
    "Train": Train,
    "Evaluate": Evaluate,
    "Package": Package,
}


@rule("MK301")
def missing_parameter(project: Project) -> Iterator[Finding]:
    """Every parameter that a stage uses is in the file that it comes from."""
    for stage in project.stages.values():
        for file, keys in stage.stage.params.items():
            if not (project.root / file).is_file():
                yield _missing(stage, [file], f"of {file}, which is missing")
                continue
            if not file.endswith((".yaml", ".yml", ".json")):
                # TOML and Python, which DVC reads as well, are not read here
                continue
            document = project.document(file)
            if document is None:
                continue
            for key in keys:
                if not document.has(*_steps(key)):
                    near = suggestion(key, document.names())
                    place: list[Step] = [key] if file == PARAMS else [file, key]
                    yield _missing(stage, place, f"'{key}', which {file} does not have{near}")


def _missing(stage: CheckedStage, place: Sequence[Step], what: str) -> Finding:
    return Finding(
        DVC_YAML,
        stage.line("params", *place),
        "MK301",
        f"stage '{stage.name}' uses a parameter {what}.",
        "Correct the name, or add the parameter.",
    )


def _steps(key: str) -> list[Step]:
    """Return the steps to a dotted key; a number is a place in a list."""
    return [int(part) if part.isdigit() else part for part in re.split(r"\.|\[|\]\.?", key) if part]


@rule("MK302")
def unused_section(project: Project) -> Iterator[Finding]:
    """Every section of params.yaml is used by a stage."""
    if project.params is None:
        return
    keys = [key for stage in project.stages.values() for key in stage.stage.params.get(PARAMS, ())]
    whole = any(stage.stage.params.get(PARAMS) == () for stage in project.stages.values())
    text = project.text(DVC_YAML)
    # Of a section that a stage of its name does not use, MK303 tells.
    others = (*COMMANDS, *(stage.key for stage in project.stages.values()))
    for section in project.params.names():
        used = any(key.partition(".")[0].partition("[")[0] == section for key in keys)
        if used or whole or section in others or f"${{{section}" in text:
            continue
        yield Finding(
            PARAMS,
            project.params.line(section),
            "MK302",
            f"no stage uses '{section}': a change of it would change nothing.",
            "Add it to params of the stage that is to read it, or remove it.",
        )


@rule("MK303")
def own_section(project: Project) -> Iterator[Finding]:
    """Every stage that has a section of its name in params.yaml uses it."""
    for stage in project.stages.values():
        keys = stage.stage.params.get(PARAMS)
        if project.params is None or not project.params.has(stage.key) or keys == ():
            continue
        if not any(key.partition(".")[0] == stage.key for key in keys or ()):
            yield Finding(
                DVC_YAML,
                stage.line("params"),
                "MK303",
                f"params.yaml has a section '{stage.key}', and the stage of this name does not "
                "use it: a change of it would not run the stage again.",
                f"Add to stages.{stage.key}.params: - {stage.key}",
            )


@rule("MK308")
def valid_section(project: Project) -> Iterator[Finding]:
    """Every section of params.yaml that a stage reads has the keys and types that it reads."""
    for file, line, params, section, model in dict.fromkeys(_readings(project)):
        document = project.document(params)
        if document is None:
            continue
        if not document.has(section):
            yield Finding(
                file,
                line,
                "MK308",
                f"it reads the section '{section}', which {params} does not have"
                f"{suggestion(section, document.names())}.",
                "Correct the name, or add the section.",
            )
            continue
        try:
            read_model(project.root / params, model, section)
        except UserError as error:
            for line, fault in _faults(error, document):
                yield Finding(params, line, "MK308", fault, "Correct this parameter.")


def _readings(project: Project) -> Iterator[tuple[str, int, str, str, type[Section]]]:
    """Yield where a section is read as a type of the library: file, line, params, section, type."""
    packaging = {stage.name for stage, _ in project.packaging()}
    for stage in project.stages.values():
        if stage.name in packaging:
            for params in _params_of(stage):
                yield DVC_YAML, stage.line(), params, stage.key, Package
        yield from _readings_of(project, stage)


def _readings_of(
    project: Project, stage: CheckedStage
) -> Iterator[tuple[str, int, str, str, type[Section]]]:
    """Yield where the code of a stage reads a section as a type of the library."""
    for params in _params_of(stage):
        for file in project.code(stage.name):
            for line, section, model in _read_sections(project.text(file)):
                yield file, line, params, section, model


def _params_of(stage: CheckedStage) -> list[str]:
    """Return the files that a stage is given as its parameters."""
    given = [path for command in stage.commands if (path := command.option("--params"))]
    return [stage.path(path) for path in given]


def _read_sections(code: str) -> Iterator[tuple[int, str, type[Section]]]:
    """Yield the calls `read_params(path, "section", Type)` of a module with a library's type."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(
                func=ast.Name(id="read_params") | ast.Attribute(attr="read_params"),
                args=[_, ast.Constant(value=str(section)), ast.Name(id=name)],
            ) if name in TYPES:
                yield node.lineno, section, TYPES[name]


@rule("MK304")
def valid_schema(project: Project) -> Iterator[Finding]:
    """The schema of the data says what the library understands."""
    for file in _schema_files(project):
        document = project.document(file)
        schema = project.schema(file)
        if document is None or isinstance(schema, Schema):
            continue
        for line, fault in _faults(schema, document):
            yield Finding(
                file,
                line,
                "MK304",
                f"the schema cannot be used: {fault}",
                "Correct this rule; the comments at the top of the file name all rules.",
            )


def _faults(error: UserError, document: Document) -> Iterator[tuple[int, str]]:
    """Yield the line of each fault that a refused file or section has, and the fault."""
    for fault in str(error).splitlines()[1:]:
        where = fault.strip().partition(":")[0]
        yield document.line(*_steps(where)), f"{fault.strip().rstrip('.')}."


def _schema_files(project: Project) -> list[str]:
    """Return the files that stages are given as their schema."""
    given = [
        stage.path(file)
        for stage in project.stages.values()
        for command in stage.commands
        if (file := command.option("--schema"))
    ]
    return [file for file in dict.fromkeys(given) if (project.root / file).is_file()]


def schema_of(project: Project, stage: CheckedStage) -> Schema | None:
    """Return the schema that a stage is given, where it can be used."""
    for command in stage.commands:
        if file := command.option("--schema"):
            schema = project.schema(stage.path(file))
            return schema if isinstance(schema, Schema) else None
    return None


class Setting(NamedTuple):
    """A parameter that is a text.

    Attributes:
        file: the parameters that it is in, such as params.yaml.
        document: their content.
        section: its section.
        value: the text.
        schema: what the stage that reads it is given as its schema.
    """

    file: str
    document: Document
    section: str
    value: str
    schema: Schema


def _settings(project: Project, module: str, model: type[Section], key: str) -> Iterator[Setting]:
    """Yield a parameter for each stage whose code uses a module of modelkeep_core."""
    for stage in project.stages.values():
        schema = schema_of(project, stage)
        if schema is None or not project.imports(stage, module):
            continue
        for file, section in sections_of(project, stage, model):
            document = project.document(file)
            value = document.value(section, key) if document else None
            if document and isinstance(value, str):
                yield Setting(file, document, section, value, schema)


def sections_of(
    project: Project, stage: CheckedStage, model: type[Section]
) -> list[tuple[str, str]]:
    """Return which sections of which files a stage reads as a type of the library.

    Where its code does not say so, that is the section of its name in params.yaml.
    """
    read = [
        (params, section)
        for _, _, params, section, read_as in _readings_of(project, stage)
        if read_as is model
    ]
    return list(dict.fromkeys(read)) or [(PARAMS, stage.key)]


@rule("MK305")
def known_estimator(project: Project) -> Iterator[Finding]:
    """The estimators in params.yaml are ones that can be built for the task."""
    for file, params, section, name, schema in _settings(project, "estimators", Train, "estimator"):
        sections = [
            key
            for key in params.names(section)
            if key not in Train.model_fields and isinstance(params.value(section, key), dict)
        ]
        for key, named in (("estimator", name), *zip(sections, sections, strict=True)):
            dotted = of_task(schema.task)
            beside = dotted if key == "estimator" else map(class_name, dotted)
            if named in ESTIMATORS[schema.task] or named in beside:
                continue
            own = {named: params.value(section, named)} if named in sections else {}
            if reason := _fault(named, own, schema.task):
                yield Finding(
                    file,
                    params.line(section, key),
                    "MK305",
                    f"{section}.{key}: {reason}",
                    "Write the name of an estimator for the task, and what it is built around.",
                )


def _fault(name: str, sections: dict[str, Any], task: str) -> str:
    """Ask scikit-learn, which takes seconds to import, why there is no such estimator."""
    from modelkeep_core.estimators import build

    try:
        build(name, sections, task, seed=0)
    except UserError as error:
        return str(error).removeprefix("params.yaml: train.").removeprefix("estimator: ")
    return ""


@rule("MK306")
def known_metric(project: Project) -> Iterator[Finding]:
    """The metrics in params.yaml are ones that the library or the project computes for the task."""
    for file, params, section, name, schema in _settings(
        project, "evaluation", Evaluate, "headline"
    ):
        thresholds = params.names("promote", "thresholds")
        steps = [(name, [section, "headline"])]
        steps += [(metric, ["promote", "thresholds", metric]) for metric in thresholds]
        for metric, place in steps:
            if metric in METRICS[schema.task] or metric in _computed(schema.task):
                continue
            if metric == COVERAGE and schema.task == "regression" and place[0] == "promote":
                continue
            own = _own_metrics(project)
            available = [*METRICS[schema.task], *(own or ())]
            if own is not None and metric not in own:
                yield Finding(
                    file,
                    params.line(*place),
                    "MK306",
                    f"{'.'.join(place)}: there is no metric '{metric}' for a {schema.task}"
                    f"{suggestion(metric, available)}.",
                    f"Write one of {', '.join(available)}.",
                )


def _own_metrics(project: Project) -> Collection[str] | None:
    """Return the project's own metrics, or None where that cannot be read from its code."""
    try:
        return declared(project.root, read_hooks(project.root).metrics)
    except UserError:
        # MK505 tells of hooks that cannot be used
        return None


def _computed(task: str) -> set[str]:
    """Ask the library, which takes seconds to import, for its metrics."""
    from modelkeep_core import metrics

    return set(metrics.METRICS[task])


@rule("MK307")
def known_column(project: Project) -> Iterator[Finding]:
    """The columns that params.yaml names are in the schema, and suit what they are named for."""
    for file, params, section, name, schema in _settings(
        project, "evaluation", Evaluate, "group_by"
    ):
        if name not in schema.columns:
            fault = f"the schema has no column '{name}'{suggestion(name, schema.columns)}"
            remedy = "Write the name of a column, or null."
            line = params.line(section, "group_by")
            yield Finding(file, line, "MK307", f"{section}.group_by: {fault}.", remedy)
    for file, params, section, name, schema in _settings(project, "split", Prepare, "split_by"):
        split = params.value(section, "split")
        if split == "random":
            continue
        if name not in schema.columns:
            fault = f"the schema has no column '{name}'{suggestion(name, schema.columns)}"
            remedy = "Write the name of a column, or null."
        elif split == "time" and (kind := schema.columns[name].type) not in ORDERED:
            fault = f"column '{name}' is a {kind}, of which no row is the latest"
            remedy = "Write the name of a datetime or a number, or choose split: group."
        else:
            continue
        line = params.line(section, "split_by")
        yield Finding(file, line, "MK307", f"{section}.split_by: {fault}.", remedy)

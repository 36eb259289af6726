"""A generated project with synthetic data in place of its sample."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from bench import HERE, Bench


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml: its name, its command, and the paths that it writes."""

    name: str
    command: str
    outs: list[str]


def bake(bench: Bench, name: str) -> Path:
    """Generate a project from the template that these benchmarks belong to.

    Cookiecutter runs in a process of its own: Linux counts the memory of the process that starts
    a command towards the peak of that command, so the one that measures has to stay small.
    """
    answers = {
        "project_slug": name,
        "create_environment": "no",
        "dvc_remote": str(bench.directory / f"{name}-remote"),
    }
    bench.run(
        *(sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", bench.directory),
        HERE.parent,
        *(f"{question}={answer}" for question, answer in answers.items()),
    )
    return bench.directory / name


def put_data(bench: Bench, project: Path, data: Path) -> None:
    """Replace sample and schema by those in `data`, which is used up, and track them with DVC."""
    shutil.rmtree(project / "data" / "raw")
    shutil.move(data / "raw", project / "data" / "raw")
    shutil.move(data / "schema.yaml", project / "schema.yaml")
    set_parameter(project, "evaluate", "group_by", "category_1")
    bench.run("dvc", "add", "--quiet", "data/raw", cwd=project)
    bench.run("git", "commit", "--quiet", "--all", "--message", "Use synthetic data", cwd=project)


def set_parameter(project: Path, *keys_and_value: str | float) -> None:
    """Change one value of params.yaml: the keys that lead to it, then the value."""
    *path, key, value = keys_and_value
    file = project / "params.yaml"
    params = section = yaml.safe_load(file.read_text(encoding="utf-8"))
    for step in path:
        section = section[step]
    section[key] = value
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def stages_of(project: Path) -> list[Stage]:
    """Return the stages of dvc.yaml in their order."""
    stages = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return [
        Stage(
            name,
            stage["cmd"],
            [out if isinstance(out, str) else next(iter(out)) for out in stage["outs"]],
        )
        for name, stage in stages.items()
    ]


def remove_outs(project: Path, stages: list[Stage]) -> None:
    """Remove what the stages wrote."""
    for stage in stages:
        for out in stage.outs:
            path = project / out
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def cached(project: Path) -> frozenset[Path]:
    """Return the objects in DVC's cache."""
    objects = (project / ".dvc" / "cache" / "files").rglob("*")
    return frozenset(path for path in objects if path.is_file())


def forget_runs(project: Path, stages: list[Stage], keep: frozenset[Path]) -> None:
    """Bring a project back to the state before its first `dvc repro`, with the cache of `keep`."""
    remove_outs(project, stages)
    (project / "dvc.lock").unlink(missing_ok=True)
    shutil.rmtree(project / ".dvc" / "cache" / "runs", ignore_errors=True)
    for path in cached(project) - keep:
        path.unlink()

"""What the tests share: a made-up table, contracts and knobs for it, and finished runs."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from project import Project, copy_project, dvc, git, make_project, set_aside
from repository import Repository, make_released
from ruamel.yaml import YAML
from threadpoolctl import threadpool_limits

from pipeline import evaluate, package, prepare, train
from pipeline.params import Params
from pipeline.schema import Schema

ROWS = 120
CODE = Path(prepare.__file__).parent
LOCKED = ("numpy", "pandas", "polars", "scikit-learn")
HOME = {
    "data/raw/old.csv": "a,b\n1,2\n",
    ".dvc/config": "[core]\n    analytics = false\n",
    ".gitignore": "/data/raw\n*.partial\n",
}


@dataclass(frozen=True)
class Run:
    """The files of a finished run of the four stages."""

    directory: Path

    def __getattr__(self, name: str) -> Path:
        """Return the path of an output, such as `run.models`."""
        return self.directory / name

    @property
    def metadata(self) -> Path:
        """The model.json at the root."""
        return self.directory / "model.json"


def made_table() -> pl.DataFrame:
    """Return rows in which "size" and "colour" say much about "label" and "price"."""
    random = np.random.default_rng(7)
    size = random.normal(10, 3, ROWS)
    colour = random.choice(["red", "green", "blue"], ROWS)
    score = size + 3 * (colour == "red") + random.normal(0, 0.7, ROWS)
    cut = np.quantile(score, [0.5, 0.8])
    days = random.permutation(ROWS).tolist()
    return pl.DataFrame(
        {
            "size": _holed(size.round(3).tolist(), random),
            "count": random.integers(0, 9, ROWS).tolist(),
            "member": _holed((random.random(ROWS) < 0.4).tolist(), random),
            "colour": _holed(colour.tolist(), random),
            "seen": [datetime(2024, 1, 1) + timedelta(days=day) for day in days],
            "shop": random.choice([f"shop {number}" for number in range(8)], ROWS).tolist(),
            "label": np.array(["low", "mid", "high"])[np.digitize(score, cut)].tolist(),
            "price": (5 * score + 20).round(2).tolist(),
        }
    )


def _holed(values: list[Any], random: np.random.Generator) -> list[Any]:
    """Return the values with a few of them missing."""
    holes = random.random(ROWS) < 0.05
    return [None if hole else value for value, hole in zip(values, holes, strict=True)]


def made_schema(task: str, target: str) -> Schema:
    """Return the contract of the made-up table."""
    return Schema.model_validate(
        {
            "task": task,
            "target": target,
            "missing_values": ["", "NA"],
            "duplicates": False,
            "columns": {
                "size": {"type": "number", "min": -100, "max": 100, "missing": True},
                "count": {"type": "integer", "min": 0},
                "member": {"type": "boolean", "missing": True},
                "colour": {
                    "type": "category",
                    "values": ["red", "green", "blue"],
                    "missing": True,
                },
                "seen": {"type": "datetime", "feature": False},
                "shop": {"type": "category", "feature": False},
                "label": {"type": "category", "values": ["low", "mid", "high"], "feature": False},
                "price": {"type": "number", "feature": False},
            },
        }
    )


def made_params(estimator: str, headline: str) -> Params:
    """Return knobs that keep the tests fast."""
    return Params.model_validate(
        {
            "prepare": {"seed": 1, "test_size": 0.25, "split": "random", "split_by": None},
            "train": {
                "seed": 1,
                "estimator": estimator,
                "search": {"enabled": False, "folds": 3, "scoring": "accuracy", "grid": {}},
            },
            "evaluate": {
                "seed": 1,
                "headline": headline,
                "resamples": 10,
                "confidence": 0.9,
                "importance_repeats": 1,
                "group_by": "colour",
            },
            "package": {
                "name": "made-up",
                "title": "Made up",
                "description": "A model of nothing.",
                "limits": ["Knows only made-up things."],
            },
            "promote": {"thresholds": {}, "allowed_loss": 0.0},
        }
    )


def line_run(directory: Path, table: pl.DataFrame, schema: Schema, params: Params) -> Run:
    """Run the four stages in `directory`, with relative paths as dvc.yaml gives them."""
    run = Run(directory)
    (directory / "raw").mkdir(parents=True)
    table.write_csv(run.raw / "rows.csv")
    shutil.copytree(CODE, run.pipeline, ignore=shutil.ignore_patterns("__pycache__"))
    for path, content in (("schema.yaml", schema), ("params.yaml", params)):
        YAML().dump(content.model_dump(), directory / path)
    lock = "".join(f"{name}=={version(name)} \\\n    --hash=sha256:0\n" for name in LOCKED)
    (directory / "requirements.lock").write_text(lock, encoding="utf-8")
    common = "--schema schema.yaml --params params.yaml"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for stage, arguments in (
            (prepare, f"{common} --raw raw --out prepared"),
            (train, f"{common} --prepared prepared --requirements requirements.lock --out models"),
            (evaluate, f"{common} --models models --prepared prepared --out reports"),
            (
                package,
                f"{common} --stages prepare train evaluate --code pipeline --prepared prepared "
                "--models models --reports reports --requirements requirements.lock "
                "--out package --metadata model.json",
            ),
        ):
            patch.setattr(sys, "argv", [stage.__name__, *arguments.split()])
            stage.main()
    return run


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine, the threads of a tiny fit spend seconds waiting for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session", autouse=True)
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Git and DVC find no settings of the person who runs the tests, and the clock shows UTC."""
    with pytest.MonkeyPatch.context() as patch:
        set_aside(patch, tmp_path_factory.mktemp("nobody"))
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def table() -> pl.DataFrame:
    """Rows as they come: numbers, whole numbers, booleans, categories, times, some missing."""
    return made_table()


@pytest.fixture
def frame(table: pl.DataFrame) -> pd.DataFrame:
    """The same rows as the stages after prepare see them."""
    return table.to_pandas()


@pytest.fixture
def classification() -> Schema:
    """The contract of the rows where "label" is predicted."""
    return made_schema("classification", "label")


@pytest.fixture
def regression() -> Schema:
    """The contract of the rows where "price" is predicted."""
    return made_schema("regression", "price")


@pytest.fixture
def params() -> Params:
    """Knobs for a classification."""
    return made_params("LogisticRegression", "macro_f1")


@pytest.fixture
def run_line(
    tmp_path: Path, table: pl.DataFrame, classification: Schema, params: Params
) -> Callable[..., Run]:
    """Run the line in a new directory, with another table, schema or params if given."""

    def run(name: str = "line", **others: Any) -> Run:
        given = {"table": table, "schema": classification, "params": params} | others
        return line_run(tmp_path / name, **given)

    return run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished classification; read it, do not change it."""
    return line_run(
        tmp_path_factory.mktemp("classification") / "line",
        made_table(),
        made_schema("classification", "label"),
        made_params("LogisticRegression", "macro_f1"),
    )


@pytest.fixture(scope="session")
def regression_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished regression; read it, do not change it."""
    return line_run(
        tmp_path_factory.mktemp("regression") / "line",
        made_table(),
        made_schema("regression", "price"),
        made_params("Ridge", "rmse"),
    )


@pytest.fixture
def package_copy(run: Run, tmp_path: Path) -> Path:
    """A copy of the classification's package that a test may change."""
    return shutil.copytree(run.package, tmp_path / "package")


@pytest.fixture(scope="session")
def made_project(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a weak, a strong and a present version; copy it, do not change it."""
    place = tmp_path_factory.mktemp("made")
    runs = {"weak": (1, 0.02), "strong": None, "main": (2, 0.1)}
    for name, knobs in runs.items():
        if knobs:
            params = made_params("LogisticRegression", "macro_f1")
            params.prepare.seed, strength = knobs
            params.train.__pydantic_extra__ = {"LogisticRegression": {"C": strength}}
            schema = made_schema("classification", "label")
            runs[name] = line_run(place / name, made_table(), schema, params)
        else:
            runs[name] = run
    with pytest.MonkeyPatch.context() as patch:
        set_aside(patch, place / "home")
        return make_project(place, {name: done.directory for name, done in runs.items()})


@pytest.fixture
def project(made_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of that project, in which the test runs and which it may change."""
    set_aside(monkeypatch, tmp_path / "home")
    copy = copy_project(made_project, tmp_path)
    monkeypatch.chdir(copy.directory)
    return copy


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose data/raw is in DVC; copy it, do not change it."""
    directory = tmp_path_factory.mktemp("made") / "home"
    for name, text in HOME.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    schema = made_schema("classification", "colour")
    params = made_params("LogisticRegression", "macro_f1")
    for name, content in (("schema.yaml", schema), ("params.yaml", params)):
        YAML().dump(content.model_dump(), directory / name)
    git(directory, "init", "--quiet", "--template=")
    assert dvc(directory, "add", "data/raw") == 0
    return directory


@pytest.fixture
def home(made_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that project, in which the test runs and which it may change."""
    copy = shutil.copytree(made_home, tmp_path / "home")
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A Git repository without a commit."""
    return Repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with two versions, and a commit without a number; read it, do not change it."""
    return make_released(tmp_path_factory.mktemp("released") / "repository")


@pytest.fixture
def numbered(project: Project) -> Project:
    """The project with the weak model as v1.0.0, the strong as v1.1.0, the present as v1.2.0."""
    for number, branch in (("v1.0.0", "weak"), ("v1.1.0", "strong"), ("v1.2.0", "main")):
        project.tag(f"made-up@{number}", branch)
    return project

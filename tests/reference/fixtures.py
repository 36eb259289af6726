"""What the tests share: a made-up table, contracts and params for it, and finished runs."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from made import Params, Run, made_params, made_schema, made_table, pipeline_run
from modelkeep_core.schema import Schema
from project import Project, copy_project, make_project, set_aside
from repository import Repository, make_released
from signing import make_key


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
        if hasattr(time, "tzset"):
            time.tzset()
        yield
    if hasattr(time, "tzset"):
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
    """Params for a classification."""
    return made_params("LogisticRegression", "macro_f1")


@pytest.fixture
def run_pipeline(
    tmp_path: Path, table: pl.DataFrame, classification: Schema, params: Params
) -> Callable[..., Run]:
    """Run the pipeline in a new directory, with another table, schema or params if given."""

    def run(name: str = "pipeline", **others: Any) -> Run:
        given = {"table": table, "schema": classification, "params": params} | others
        return pipeline_run(tmp_path / name, **given)

    return run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished classification; read it, do not change it."""
    return pipeline_run(
        tmp_path_factory.mktemp("classification") / "pipeline",
        made_table(),
        made_schema("classification", "label"),
        made_params("LogisticRegression", "macro_f1"),
    )


@pytest.fixture(scope="session")
def regression_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished regression; read it, do not change it."""
    return pipeline_run(
        tmp_path_factory.mktemp("regression") / "pipeline",
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
    for name, settings in runs.items():
        if settings:
            params = made_params("LogisticRegression", "macro_f1")
            params.prepare.seed, strength = settings
            params.train.__pydantic_extra__ = {"LogisticRegression": {"C": strength}}
            schema = made_schema("classification", "label")
            runs[name] = pipeline_run(place / name, made_table(), schema, params)
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


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The keys of Ada, Bob and Eve."""
    place = tmp_path_factory.mktemp("keys")
    return {name: make_key(place, name) for name in ("ada", "bob", "eve")}

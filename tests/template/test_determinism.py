"""Equal inputs give equal bytes: in another directory, at another time, with one core or two."""

import shutil
from pathlib import Path

import pytest

from conftest import Bake, Run
from test_pipeline import contents

pytestmark = pytest.mark.slow

ESTIMATORS = {
    "classification": [
        "LogisticRegression",
        "RandomForestClassifier",
        "HistGradientBoostingClassifier",
    ],
    "regression": ["Ridge", "RandomForestRegressor", "HistGradientBoostingRegressor"],
}
ONE_CORE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "PYTHONHASHSEED": "1",
    "TZ": "Pacific/Auckland",
}
TWO_CORES = {
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "POLARS_MAX_THREADS": "2",
    "PYTHONHASHSEED": "2",
    "TZ": "America/Lima",
}


@pytest.fixture(scope="module")
def twins(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Return for each task two copies of one project, in different directories."""
    pairs = {}
    for task in ESTIMATORS:
        first = bake(task=task, dvc_remote="/srv/dvc")
        second = tmp_path_factory.mktemp("elsewhere") / "a longer name" / "of another directory"
        shutil.copytree(first, second)
        pairs[task] = (first, second)
    return pairs


@pytest.mark.parametrize(
    ("task", "estimator"), [(task, name) for task, names in ESTIMATORS.items() for name in names]
)
def test_two_clones_give_the_same_bytes(
    twins: dict[str, tuple[Path, Path]], run: Run, task: str, estimator: str
) -> None:
    """Data, models, reports, package and dvc.lock of two clones are byte for byte the same."""
    first, second = twins[task]
    command = f"sed -i.old 's/  estimator: .*/  estimator: {estimator}/' params.yaml && dvc repro"
    core = "taskset -c 0 " if shutil.which("taskset") else ""
    run(command.replace("dvc", f"{core}dvc"), first, **ONE_CORE)
    run(command, second, **TWO_CORES)
    ours, theirs = contents(first), contents(second)
    assert ours["package/model.skops"] == theirs["package/model.skops"]
    assert ours == theirs
    assert len(ours) > 20

"""Equal inputs give equal bytes: in another directory, at another time, with one core or two."""

import shutil
from pathlib import Path

import pytest

from conftest import SAMPLE, Bake, Run, Trained
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
TWO_CORES = {
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "POLARS_MAX_THREADS": "2",
    "PYTHONHASHSEED": "2",
    "TZ": "America/Lima",
}


@pytest.fixture(scope="module")
def clones(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return for each task a copy of a project in another directory."""
    copies = {}
    for task in ESTIMATORS:
        copies[task] = tmp_path_factory.mktemp("elsewhere") / "a longer name" / "of a directory"
        shutil.copytree(bake(task=task, dvc_remote="/srv/dvc"), copies[task])
    return copies


@pytest.mark.parametrize(
    ("task", "estimator"), [(task, name) for task, names in ESTIMATORS.items() for name in names]
)
def test_two_clones_give_the_same_bytes(
    clones: dict[str, Path], trained: Trained, run: Run, task: str, estimator: str
) -> None:
    """Data, models, reports, package and dvc.lock of two clones are byte for byte the same.

    One was trained on one core, as `trained` says, the other is trained on two.
    """
    usual = estimator == ESTIMATORS[task][0]
    first = trained(task, SAMPLE if usual else f"train.estimator={estimator}")
    command = f"sed -i.old 's/  estimator: .*/  estimator: {estimator}/' params.yaml && dvc repro"
    ran = run(command, clones[task], **TWO_CORES).stdout
    assert "Running stage 'train'" in ran
    ours, theirs = contents(first), contents(clones[task])
    assert ours["package/model.skops"] == theirs["package/model.skops"]
    assert ours == theirs
    assert len(ours) > 20

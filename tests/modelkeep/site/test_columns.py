"""All versions as columns."""

from pathlib import Path

from repository import Model, Repository, make_released
from sites import built, index


def test_every_metric_parameter_and_hash_is_a_column(tmp_path: Path) -> None:
    """What model.json says of a version can be shown, sorted and filtered."""
    built(make_released(tmp_path / "made"), tmp_path / "out")
    columns, _ = index(tmp_path / "out")
    wanted = {
        "version": ["v1.1.0", "v1.0.0"],
        "stage": ["staging", "prod"],
        "value": [0.95, 0.9],
        "test:accuracy": [0.5, 0.5],
        "rows:train": [258, 258],
        "param:alpha": [1, 1],
        "params:train.Ridge.alpha": [1, 1],
        "data:data/raw/rows.csv": ["f204db2c00"] * 2,
        "code:pipeline/train.py": ["c0de000000"] * 2,
        "library:numpy": ["2.4.6", "2.4.6"],
    }
    assert {name: columns[name] for name in wanted} == wanted


def test_values_of_two_kinds_are_not_mixed_up(tmp_path: Path) -> None:
    """1, true and "1" are three values; a value of no kind that a table shows is none."""
    made = Repository(tmp_path / "made")
    odd = (1, True, "1", None, [1, 2], float("nan"), 10**400)
    for place, value in enumerate(odd):
        training = {"estimator": "Ridge", "parameters": {"alpha": value}, "preprocessing": []}
        made.release(f"v1.{place}.0", Model(f"a{place}", unusual={"training": training}))
    built(made, tmp_path / "out")
    columns, _ = index(tmp_path / "out")
    assert columns["param:alpha"][::-1] == [1, "true", "1", "none", "1, 2", None, None]


def test_a_deprecated_parameter_is_no_value(tmp_path: Path) -> None:
    """What an estimator does not want any more is no difference between versions."""
    made = Repository(tmp_path / "made")
    training = {"estimator": "Ridge", "parameters": {"penalty": "deprecated"}, "preprocessing": []}
    made.release("v1.0.0", Model("a", unusual={"training": training}))
    made.release("v1.1.0", Model("b"))
    built(made, tmp_path / "out")
    columns, _ = index(tmp_path / "out")
    assert columns["param:penalty"] == [None, None]


def test_columns_are_short(tmp_path: Path) -> None:
    """A value that all versions have is written once, and of few values each one."""
    made = Repository(tmp_path / "made")
    for place in range(60):
        made.release(f"v1.{place}.0", Model(f"a{place:02}"))
    sizes = []
    for since in (30, 0):
        with made.catalogue() as catalogue:
            moment = catalogue.registered("model")[59 - since].event.when
        built(made, tmp_path / "out", since=moment)
        sizes.append((tmp_path / "out" / "data" / "index.js").stat().st_size)
    assert sizes[1] - sizes[0] < 30 * 200

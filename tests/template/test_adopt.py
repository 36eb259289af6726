"""Own data: after `modelkeep adopt` the pipeline and the project's own checks work at once."""

from pathlib import Path

import pandas as pd
import pytest

from conftest import Bake, Run


@pytest.mark.slow
def test_a_table_of_another_task_is_adopted(
    bake: Bake, run: Run, task: str, tmp_path: Path
) -> None:
    """The task follows from the table; the pipeline runs, the model scores, and the checks pass."""
    project = bake(task=task)
    target = "Umsatz" if task == "classification" else "Neukunde"
    rows = ["Kunde;Größe;Umsatz;Datum;Neukunde"]
    for row in range(200):
        size, day = 150 + row * 37 % 50 + 0.5, f"{row % 28 + 1:02}.{row % 12 + 1:02}.2024"
        new = "Ja" if row * 37 % 50 > 25 else "nein"
        sold = f"{row % 9 + 1}.{row * 37 % 1000:03},50 €" if row % 20 else ""
        rows.append(f"K{row:04};{size};{sold};{day};{new}".replace(".5;", ",5;"))
    source = tmp_path / "kunden.csv"
    source.write_text("\r\n".join(rows), encoding="cp1252", newline="")
    printed = run(f"modelkeep adopt {source} --target {target}", project).stdout
    assert "identifier-like" in printed
    run("dvc repro", project)
    status = run("dvc status", project).stdout
    assert "up to date" in status
    other = {"classification": "regression", "regression": "classification"}[task]
    assert f'"task": "{other}"' in (project / "model.json").read_text(encoding="utf-8")
    run(f"modelkeep predict package {source} --out scored.csv", project)
    run("ruff check . && ruff format --check . && modelkeep check", project)
    assert " passed" in run("python -m pytest -q", project).stdout


@pytest.mark.slow
def test_the_projects_tests_see_rows_of_all_days(bake: Bake, run: Run, tmp_path: Path) -> None:
    """Of a class with many rows they take some from the first to the last, not the first ones.

    Split by time, the rows that they test would else be of the other class alone.
    """
    project = bake()
    days = pd.date_range("2023-01-01", periods=2400, freq="6h")
    score = [row * 37 % 50 + row % 10 for row in range(2400)]
    kind = ["rare" if row % 10 == 0 else "usual" for row in range(2400)]
    source = tmp_path / "visits.csv"
    pd.DataFrame({"day": days, "score": score, "kind": kind}).to_csv(source, index=False)
    run(f"modelkeep adopt {source} --target kind --time day", project)
    strict = "-W error::sklearn.exceptions.UndefinedMetricWarning"
    assert " passed" in run(f"python -m pytest -q {strict}", project).stdout

"""What an owner does in the first week: after each edit pipeline, checks and tests work."""

import json
import re
from pathlib import Path

import pytest
import yaml

from conftest import Bake, Run, Warmed

pytestmark = pytest.mark.slow

CHECKS = (
    "ruff check . && ruff format --check . && modelkeep check && dvc repro && python -m pytest -q"
)
RATIO = '''

def bill_ratio(columns: pd.DataFrame) -> pd.Series:
    """Return how long a bill is for its depth."""
    return columns["bill_length_mm"] / columns["bill_depth_mm"]


FEATURES = [Feature("bill_ratio", ["bill_length_mm", "bill_depth_mm"], bill_ratio)]
'''
STAGE = '''"""package → summary.json: how many features the packaged model has."""

import argparse
import json
from pathlib import Path

from modelkeep_core import stage
from modelkeep_core.files import read_json, write_json, read_yaml


def main(args: argparse.Namespace) -> None:
    """Run the stage on the paths that dvc.yaml gives."""
    schema = read_json(args.package / "model.json")["schema"]
    digits = read_yaml(args.params)["summarise"]["digits"]
    write_json(args.out, {"columns": round(len(schema["columns"]), digits)})


if __name__ == "__main__":
    stage.run(main, "package", "params", "out")
'''


def change(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, which must be there."""
    text = path.read_text("utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1), "utf-8")


def add_ratio(project: Path) -> None:
    """Write a feature of one's own, as pipeline/features.py shows it."""
    path = project / "pipeline" / "features.py"
    text = path.read_text("utf-8")
    head, tail = text[: text.index("# YOURS")], text[text.index("\n\ndef preprocessing") :]
    head = head.replace(
        "from modelkeep_core.preprocessing",
        "import pandas as pd\nfrom modelkeep_core.preprocessing",
    )
    path.write_text(head.rstrip() + "\n" + RATIO + tail, "utf-8")


def test_a_feature_of_ones_own_is_one_file(bake: Bake, run: Run, task: str, tmp_path: Path) -> None:
    """A ratio is trained, packaged with its code, and predicts without the work tree."""
    project = bake(task=task)
    add_ratio(project)
    assert " passed" in run(CHECKS, project).stdout
    metadata = json.loads((project / "model.json").read_text("utf-8"))
    assert metadata["code"] == ["pipeline.features"]
    assert (project / "package" / "code" / "pipeline" / "features.py").is_file()
    run("git add . && git commit -qm 'A ratio of my own'", project)
    rows = project / "data" / "raw" / "penguins.csv"
    run(f"modelkeep predict package {rows} --out {tmp_path}/here.csv", project)
    run(f"cp -r package {tmp_path}/package", project)
    refused = run(f"modelkeep predict package {rows} --out there.csv", tmp_path, check=False)
    assert refused.returncode == 1
    assert "--trust-code" in refused.stderr
    run(f"modelkeep predict package {rows} --out there.csv --trust-code", tmp_path)
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()


def test_a_helper_that_dvc_does_not_know_stops_the_stage(bake: Bake, run: Run) -> None:
    """What a stage imports must be in dvc.yaml: the message is pasted, and the pipeline goes on."""
    project = bake()
    add_ratio(project)
    (project / "mymath.py").write_text('"""Mine."""\n\nFACTOR = 1.0\n', "utf-8")
    change(
        project / "pipeline" / "features.py",
        "import pandas",
        "from mymath import FACTOR\nimport pandas",
    )
    change(
        project / "pipeline" / "features.py",
        'columns["bill_depth_mm"]\n',
        'columns["bill_depth_mm"] * FACTOR\n',
    )
    assert "mymath.py" in run("modelkeep check", project, check=False).stdout
    failed = run("dvc repro", project, check=False)
    assert failed.returncode
    assert re.search(r"stages.train.deps in \S*dvc.yaml:\n      - mymath.py\n", failed.stderr)
    change(
        project / "dvc.yaml",
        "      - pipeline/features.py\n",
        "      - pipeline/features.py\n      - mymath.py\n",
    )
    change(project / "dvc.yaml", "      - pipeline\n", "      - pipeline\n      - mymath.py\n")
    run("ruff check --fix -q . && ruff format -q .", project)
    run(CHECKS, project)
    first = json.loads((project / "model.json").read_text("utf-8"))["recipe_id"]
    change(project / "mymath.py", "1.0", "2.0")
    assert "mymath.py" in run("dvc status", project).stdout
    run("dvc repro", project)
    assert json.loads((project / "model.json").read_text("utf-8"))["recipe_id"] != first


def test_a_stage_of_ones_own_is_three_files(bake: Bake, warmed: Warmed, run: Run) -> None:
    """A fifth stage with a parameter of its own runs after the others, and nothing else changes."""
    project = warmed(bake())
    (project / "pipeline" / "summarise.py").write_text(STAGE, "utf-8")
    run("ruff check --fix -q . && ruff format -q .", project)
    with (project / "params.yaml").open("a", encoding="utf-8") as params:
        params.write("\nsummarise:\n  digits: 0\n")
    stage = {
        "cmd": "python -m pipeline.summarise --package package --params params.yaml "
        "--requirements requirements.lock --out summary.json",
        "deps": ["package", "requirements.lock", ".python-version", "pipeline/summarise.py"],
        "params": ["summarise"],
        "outs": [{"summary.json": {"cache": False}}],
    }
    text = yaml.safe_dump({"summarise": stage}, sort_keys=False, width=1000)
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    change(project / "dvc.yaml", "\nmetrics:\n", f"\n{indented}\nmetrics:\n")
    run(CHECKS, project)
    assert json.loads((project / "summary.json").read_text("utf-8")) == {"columns": 8}
    release = "git add . && git commit -qm Train && dvc push -q && modelkeep register"
    run(f"{release} && modelkeep promote v1.0.0 prod", project)


@pytest.mark.parametrize(
    "estimator", ["KNeighborsClassifier", "HistGradientBoostingClassifier", "LinearSVC"]
)
def test_another_estimator_is_a_word_in_params(
    bake: Bake, warmed: Warmed, run: Run, estimator: str
) -> None:
    """Any estimator that stands alone trains by its name, with or without probabilities."""
    project = warmed(bake(), f"train.estimator={estimator}")
    assert "Data and pipelines are up to date." in run(CHECKS, project).stdout


def test_a_second_table_is_part_of_the_recipe(bake: Bake, run: Run) -> None:
    """A table that prepare joins is data of the model: when it changes, so does the recipe."""
    project = bake()
    (project / "data" / "weather").mkdir()
    table = project / "data" / "weather" / "weather.csv"
    table.write_text("island,rain\nBiscoe,1\nDream,2\nTorgersen,3\n", "utf-8")
    run("dvc add -q data/weather", project)
    path = project / "pipeline" / "prepare.py"
    change(
        path,
        "from modelkeep_core import checking",
        "import polars as pl\nfrom modelkeep_core import checking",
    )
    change(path, "params: Prepare, out: Path)", "params: Prepare, weather: Path, out: Path)")
    change(
        path,
        "        # YOURS: join, clean or aggregate here; `table` is a polars LazyFrame.\n",
        '        rain = pl.read_csv(weather / "weather.csv").lazy()\n'
        '        table = table.join(rain, on="island", how="left", maintain_order="left")\n',
    )
    change(path, "params, args.out)", "params, args.weather, args.out)")
    change(path, '"schema", "params", "out")', '"schema", "params", "weather", "out")')
    change(
        project / "dvc.yaml",
        "      --raw data/raw\n",
        "      --raw data/raw\n      --weather data/weather\n",
    )
    text = (project / "dvc.yaml").read_text("utf-8")
    text = text.replace("      - data/raw\n", "      - data/raw\n      - data/weather\n")
    (project / "dvc.yaml").write_text(text, "utf-8")
    tests = project / "tests"
    change(tests / "conftest.py", "ROWS = 600", 'WEATHER = ROOT / "data" / "weather"\nROWS = 600')
    change(tests / "conftest.py", "Prepare), out)", "Prepare), WEATHER, out)")
    change(
        tests / "test_prepare.py", "schema, params, tmp_path", "schema, params, WEATHER, tmp_path"
    )
    change(tests / "test_prepare.py", "import PARAMS", "import PARAMS, WEATHER")
    run("ruff check --fix -q . && ruff format -q .", project)
    run(CHECKS, project)
    first = json.loads((project / "model.json").read_text("utf-8"))
    assert "data/weather/weather.csv" in first["recipe"]["data"]
    table.write_text("island,rain\nBiscoe,1\nDream,2\nTorgersen,4\n", "utf-8")
    run("dvc repro -q", project)
    second = json.loads((project / "model.json").read_text("utf-8"))
    assert first["recipe_id"] != second["recipe_id"]

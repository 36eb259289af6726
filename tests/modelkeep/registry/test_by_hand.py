"""A repository that somebody made by hand, with no template behind it, has its versions too.

Nothing in it has a usual name or place but dvc.yaml: the package only follows the format.
"""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from project import Project, git, set_aside

pytestmark = pytest.mark.slow

SPLIT = """
import pathlib, pandas
rows = pandas.read_csv("flowers.csv")
pathlib.Path("rows").mkdir()
rows[::2].to_parquet("rows/seen.parquet")
rows[1::2].to_parquet("rows/holdout.parquet")
"""
COPY = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2])"
SCALE = "def scaled(values):\n    return values * {}\n"
FIT = """
import pathlib, sys, pandas
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from modelkeep_core import model_file
from scale import scaled
rows = pandas.read_parquet(sys.argv[1] + "/seen.parquet")
model = make_pipeline(FunctionTransformer(scaled), LogisticRegression())
model.fit(rows[["size"]], rows["kind"])
model_file.save(model, pathlib.Path("fitted/model.skops"), ["scale"])
"""
PUBLISH = """
import json, pathlib, shutil, sys
from modelkeep_core import model_file
from modelkeep_core.example import with_predictions
from modelkeep_core.files import read_yaml, sha256, write_json
from modelkeep_core.package import hashes
from modelkeep_core.recipe import recipe, recipe_id
from modelkeep_core.schema import read_schema
bundle, test = pathlib.Path("out/bundle"), sys.argv[1] + "/holdout.parquet"
shutil.copytree("fitted", bundle)
shutil.copy("contract.yaml", bundle / "schema.yaml")
model = model_file.load(bundle / "model.skops", ["scale"])
example = with_predictions(model, {"size": 20.0}, read_schema(bundle / "schema.yaml"))
write_json(bundle / "example.json", example)
made_by, schema = recipe(pathlib.Path(), "fitted"), read_yaml(pathlib.Path("contract.yaml"))
score = {"accuracy": 0.9}
metadata = {
    "format": 1, "recipe_id": recipe_id(made_by), "recipe": made_by,
    "name": "flowers", "title": "Flowers", "description": "By hand.",
    "task": "classification", "target": "kind", "schema": schema,
    "libraries": {"scikit-learn": __import__("sklearn").__version__}, "code": ["scale"],
    "metrics": {
        "headline": {"metric": "accuracy", "higher_is_better": True, "value": 0.9, "low": 0.8,
                     "high": 1.0, "confidence": 0.9},
        "test": score,
        "settings": {"headline": "accuracy", "seed": 1, "resamples": 20, "confidence": 0.9},
    },
    "training": {"estimator": "LogisticRegression", "parameters": {}, "preprocessing": []},
    "data": {"files": [], "rows": {"train": 30, "test": 30}},
    "test": {"path": test, "sha256": sha256(pathlib.Path(test))},
}
metadata["files"] = hashes(bundle)
write_json(bundle / "model.json", metadata)
write_json(bundle / "manifest.json", {"format": 1, "files": hashes(bundle)})
write_json(pathlib.Path("out/about.json"), metadata)
"""
CONTRACT = {
    "task": "classification",
    "target": "kind",
    "missing_values": [""],
    "duplicates": True,
    "columns": {
        "size": {"type": "number", "min": -100, "max": 100},
        "kind": {"type": "category", "values": ["rose", "tulip"], "feature": False},
    },
}


def pipeline(copies):
    """Return dvc.yaml of three stages, and of so many more that hand the rows on."""
    places = ["rows", *(f"rows-{number}" for number in range(copies))]
    stages = {"split": {"cmd": "python split.py", "deps": ["flowers.csv"], "outs": ["rows"]}}
    for before, after in pairwise(places):
        command = f"python copy_rows.py {before} {after}"
        stages[after] = {"cmd": command, "deps": [before], "outs": [after]}
    stages["fit"] = {
        "cmd": f"python fit.py {places[-1]}",
        "deps": [places[-1], "fit.py", "scale.py"],
        "outs": ["fitted"],
    }
    stages["publish"] = {
        "cmd": f"python publish.py {places[-1]}",
        "deps": ["fitted", places[-1], "publish.py", "contract.yaml"],
        "outs": ["out/bundle", {"out/about.json": {"cache": False}}],
    }
    return {"stages": stages, "artifacts": {"flowers": {"path": "out/bundle", "type": "model"}}}


class Handmade(Project):
    """A repository in which nothing is as a template would have it."""

    def train(self, message):
        """Run the pipeline, commit what came of it, and push the objects."""
        for command in ("repro", "push"):
            words = [sys.executable, "-m", "dvc", command, "--quiet"]
            done = subprocess.run(words, cwd=self.directory, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr.decode()
            if command == "repro":
                self.commit(message)


@pytest.fixture
def handmade(tmp_path, monkeypatch):
    """Return a function that makes such a repository with more stages than three."""
    set_aside(monkeypatch, tmp_path / "home")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)

    def make(copies=0):
        made = Handmade(tmp_path / "project", tmp_path / "storage")
        made.directory.mkdir()
        monkeypatch.chdir(made.directory)
        git(made.directory, "init", "--quiet", "--template=")
        rows = "".join(f"{size},{'rose' if size > 3 else 'tulip'}\n" for size in range(-27, 33))
        files = {"split.py": SPLIT, "copy_rows.py": COPY, "fit.py": FIT, "publish.py": PUBLISH}
        files |= {"scale.py": SCALE.format(1), "flowers.csv": f"size,kind\n{rows}"}
        for name, content in files.items():
            Path(name).write_text(content, encoding="utf-8")
        for name, content in (("contract.yaml", CONTRACT), ("dvc.yaml", pipeline(copies))):
            YAML().dump(content, Path(name))
        for words in (
            ["init", "--quiet"],
            ["remote", "add", "--quiet", "--default", "storage", str(made.storage)],
            ["add", "--quiet", "flowers.csv"],
        ):
            subprocess.run([sys.executable, "-m", "dvc", *words], check=True)
        with Path(".gitignore").open("a", encoding="utf-8") as file:
            file.write("__pycache__/\n")
        made.train("Train the first model")
        return made

    return make


def test_versions_are_registered_compared_released_and_rolled_back(handmade):
    """Each version is scored with its own code, though both have a module of the same name."""
    made = handmade()
    assert made.run("register").startswith("flowers v1.0.0 is recipe ")
    assert made.run("promote", "v1.0.0", "prod").startswith(
        "v1.0.0 on the 30 test rows of HEAD: no thresholds, and the stage is empty."
    )
    Path("scale.py").write_text(SCALE.format(0), encoding="utf-8")
    made.train("Lose the size of the flowers")
    assert made.run("register", "-m", "Worse").startswith("flowers v1.1.0 is recipe ")
    why = made.refusal("promote", "v1.1.0", "prod")
    # With one code for both, they would be as good as each other.
    assert re.search(r"accuracy: v1\.1\.0 - v1\.0\.0 +at least 0 +-0\.\d+ .* fails\n", why)
    made.run("promote", "v1.1.0", "prod", "--force", "-m", "To see")
    # Its example is predicted with its own code, not with that of the work tree.
    assert "prod is assigned flowers v1.0.0 again" in made.run("rollback", "prod", "-m", "Enough")
    assert [row["version"] for row in made.data("list")[0]] == ["v1.1.0", "v1.0.0"]
    assert [row["version"] for row in made.data("history", "prod")[0]] == [
        *("v1.0.0", "v1.1.0", "v1.0.0"),
    ]
    (code,) = made.data("diff", "v1.0.0", "v1.1.0")[0]["code"]
    assert code["name"] == "scale.py"
    assert "flowers.csv" in made.run("show", "v1.0.0")
    assert made.run("lineage", "prod").startswith("flowers v1.0.0  ")
    made.run("fetch", "prod", "got")
    assert json.loads(Path("got/model.json").read_text(encoding="utf-8"))["code"] == ["scale"]


@pytest.mark.parametrize("copies", [0, 4], ids=["three stages", "seven stages"])
def test_a_pipeline_of_any_length_is_verified(handmade, copies):
    """With its own code, which the work tree has no more, and without a lock of its own."""
    made = handmade(copies)
    made.run("register")
    assert made.run("promote", "v1.0.0", "prod").count("passes") == 0
    Path("scale.py").write_text("raise ImportError\n", encoding="utf-8")
    assert made.run("verify", "v1.0.0").endswith(
        f"all outputs of its {3 + copies} stages are the same, byte for byte."
    )

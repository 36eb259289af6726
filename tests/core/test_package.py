"""The package holds all that users need, says the truth, and has the same bytes every time."""

import json
import math
import shutil
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path

import pytest

import modelkeep_core
from modelkeep_core import model_file
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.package import write_package
from modelkeep_core.packaged import FORMAT, open_package
from modelkeep_core.params import Range
from modelkeep_core.recipe import recipe_id

pytestmark = pytest.mark.slow

INPUTS = {
    "models": "models",
    "test": "prepared/test.parquet",
    "provenance": "prepared/provenance.json",
    "reports": "reports",
    "schema": "schema.yaml",
    "params": "params.yaml",
    "requirements": "requirements.lock",
    "out": "package",
    "metadata": "model.json",
}


def read(path):
    """Return the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def again(run, tmp_path, monkeypatch):
    """Return a function that packages a changed copy of the run and gives its directory."""
    copy = shutil.copytree(run.directory, tmp_path / "copy")
    monkeypatch.chdir(copy)

    def make(clean=True):
        if clean:
            shutil.rmtree(copy / "package")
        write_package(Namespace(unlocked=[], **{name: Path(path) for name, path in INPUTS.items()}))
        return copy

    make.directory = copy
    return make


def test_a_file_that_dvc_does_not_see_is_told_at_once(again):
    """DVC would keep the package without it, and nobody could load that."""
    (again.directory / ".dvcignore").write_text("*.md\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"MODEL_CARD\.md is hidden from DVC by \.dvcignore"):
        again()


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_the_package_has_these_files(pipeline, request):
    """Model, metadata, contract, example, environment, card, bill, and a manifest of them all."""
    directory = request.getfixturevalue(pipeline).package
    names = {path.name for path in directory.iterdir()}
    assert names == {
        *("model.skops", "model.json", "schema.yaml", "example.json", "profile.json"),
        *("requirements.lock", "MODEL_CARD.md", "bom.json", "manifest.json"),
    }
    files = read(directory / "manifest.json")["files"]
    assert files == {name: sha256(directory / name) for name in names - {"manifest.json"}}


def test_files_that_were_made_before_are_copied_as_they_are(run):
    """Model, example, profile, schema and lock in the package are those of the run."""
    for source in (
        run.models / "model.skops",
        run.models / "example.json",
        run.reports / "profile.json",
        run.directory / "schema.yaml",
        run.directory / "requirements.lock",
    ):
        assert (run.package / source.name).read_bytes() == source.read_bytes()


def test_the_metadata_in_the_package_and_at_the_root_are_the_same(run):
    """model.json is written twice, in the same bytes."""
    assert (run.package / "model.json").read_bytes() == run.metadata.read_bytes()


def test_the_metadata_say_what_the_stages_said(run, classification):
    """Metrics, training, data and schema are carried over unchanged."""
    metadata = read(run.metadata)
    assert metadata["metrics"] == read(run.reports / "evaluation.json")
    assert metadata["training"] == read(run.models / "training.json")
    assert metadata["data"] == read(run.prepared / "provenance.json")
    assert metadata["schema"] == classification.model_dump()
    assert (metadata["name"], metadata["title"]) == ("made-up", "Made up")
    assert (metadata["task"], metadata["target"]) == ("classification", "label")


def test_the_metadata_hold_the_recipe_and_its_id(run):
    """The recipe can be checked by anyone who has the metadata."""
    metadata = read(run.metadata)
    assert metadata["recipe_id"] == recipe_id(metadata["recipe"])
    assert list(metadata["recipe"]["parameters"]) == ["prepare", "train"]
    assert metadata["recipe"]["data"] == {"raw/rows.csv": sha256(run.raw / "rows.csv")}
    for part in ("code", "schema", "environment"):
        for path, wanted in metadata["recipe"][part].items():
            assert sha256(run.directory / path) == wanted
    names = ("features", "prepare", "train")
    assert list(metadata["recipe"]["code"]) == [f"pipeline/{name}.py" for name in names]


def test_the_metadata_hold_how_the_model_was_evaluated(run, params):
    """Whoever scores the model again takes seed, resamples and confidence from its metadata."""
    assert read(run.metadata)["metrics"]["settings"] == params.evaluate.model_dump()


def test_the_metadata_name_the_rows_that_test_the_model(run):
    """Path and bytes of the test rows, which are in no package."""
    path = "prepared/test.parquet"
    assert read(run.metadata)["test"] == {"path": path, "sha256": sha256(run.directory / path)}


def test_the_metadata_name_every_other_file_of_the_package(run):
    """Whoever vouches for model.json vouches for all that lies beside it."""
    files = read(run.metadata)["files"]
    others = {path.name for path in run.package.iterdir()} - {"model.json", "manifest.json"}
    assert files == {name: sha256(run.package / name) for name in others}


def test_the_package_names_its_format(run):
    """Metadata and manifest both say how they are to be read."""
    manifest = read(run.package / "manifest.json")
    assert (manifest["format"], read(run.metadata)["format"]) == (FORMAT, FORMAT)


def test_the_metadata_hold_the_versions_that_are_locked(run):
    """Every library of the lock, as training made sure that it is installed."""
    names = ("numpy", "pandas", "polars", "scikit-learn")
    versions = {name: version(name) for name in names}
    versions["modelkeep-core"] = modelkeep_core.__version__
    assert read(run.metadata)["libraries"] == versions


def test_the_same_line_elsewhere_gives_the_same_bytes(run, run_pipeline):
    """Every output of every stage is the same in another directory, at another time."""
    other = run_pipeline("another directory")
    outputs = ("prepared", "models", "reports", "package")
    files = [path for name in outputs for path in (run.directory / name).rglob("*.*")]
    assert len(files) > 15
    for path in [run.metadata, *files]:
        again = other.directory / path.relative_to(run.directory)
        assert again.read_bytes() == path.read_bytes(), path.name


def test_no_output_knows_where_it_was_made(run):
    """No text of the package or the reports has an absolute path in it."""
    for path in (*run.package.iterdir(), *run.reports.rglob("*.*")):
        assert str(run.directory).encode() not in path.read_bytes()


def test_packaging_again_into_the_same_directory_gives_the_same_package(again, run):
    """A package that is already there is replaced, not mixed with the new one."""
    directory = again(clean=False)
    for path in run.package.iterdir():
        assert (directory / "package" / path.name).read_bytes() == path.read_bytes()
    open_package(directory / "package")


def replace(path, old, new):
    """Replace a text in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_the_package_says_of_itself_does_not_change_its_recipe(again, run):
    """Another title or limit is the same model: same id, same model file, other card."""
    replace(again.directory / "params.yaml", "Made up", "Something else")
    directory = again()
    before, after = read(run.metadata), read(directory / "model.json")
    assert after["title"] == "Something else"
    assert after["recipe_id"] == before["recipe_id"]
    assert "# Something else" in (directory / "package" / "MODEL_CARD.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("params.yaml", "test_size: 0.25", "test_size: 0.2"),
        ("schema.yaml", "duplicates: false", "duplicates: true"),
        ("requirements.lock", "sha256:0", "sha256:1"),
        ("pipeline/features.py", "FEATURES: list[Feature] = []", "FEATURES = []"),
        ("pipeline/prepare.py", "split.choose(table", "split.choose( table"),
        ("dvc.yaml", "python -m pipeline.train", "python -m  pipeline.train --again"),
    ],
)
def test_what_makes_the_model_changes_its_recipe(again, run, name, old, new):
    """Params, schema, environment, commands and the code of every stage up to the model."""
    replace(again.directory / name, old, new)
    assert read(again() / "model.json")["recipe_id"] != read(run.metadata)["recipe_id"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pipeline/evaluate.py", "# YOURS", "# OURS"),
        ("params.yaml", "resamples: 10", "resamples: 11"),
        ("dvc.yaml", "python -m pipeline.evaluate", "python -m pipeline.evaluate --again"),
    ],
)
def test_how_a_model_is_evaluated_is_not_in_the_recipe(again, run, name, old, new):
    """A change of what comes after the model leaves the model what it is."""
    replace(again.directory / name, old, new)
    assert read(again() / "model.json")["recipe_id"] == read(run.metadata)["recipe_id"]


def test_a_second_model_has_a_stage_and_a_section_of_its_own(again):
    """The section of params.yaml is the one that has the name of the stage."""
    replace(again.directory / "dvc.yaml", "  package:", "  package-b:")
    replace(again.directory / "params.yaml", "package:", "package-b:")
    replace(again.directory / "params.yaml", "name: made-up", "name: second")
    replace(again.directory / "dvc.yaml", "[prepare, train, package]", "[train, package-b]")
    paths = Namespace(unlocked=[], **{name: Path(path) for name, path in INPUTS.items()})
    with pytest.raises(UserError, match=r"(?s)stages\.package-b\.params.*- prepare"):
        write_package(paths, name="package-b")
    replace(again.directory / "dvc.yaml", "[train, package-b]", "[prepare, train, package-b]")
    write_package(paths, name="package-b")
    assert read(again.directory / "model.json")["name"] == "second"


def test_the_wheel_of_the_core_travels_with_the_package(again, core_wheel):
    """The one that the lock names, and no other: where no index has it, the package installs."""
    vendor = again.directory / "vendor"
    vendor.mkdir()
    (vendor / core_wheel.filename).write_bytes(core_wheel.content)
    (vendor / core_wheel.filename.replace(core_wheel.version, "9.9")).write_bytes(b"another")
    package = again() / "package"
    assert [path.name for path in (package / "vendor").iterdir()] == [core_wheel.filename]
    assert (
        read(package / "manifest.json")["files"][f"vendor/{core_wheel.filename}"]
        == core_wheel.sha256
    )
    open_package(package)


def test_a_version_of_python_that_is_asked_for_travels_with_the_package(again):
    """`.python-version` beside the lock is a file of the package."""
    (again.directory / ".python-version").write_text("3.11\n", encoding="utf-8")
    assert (again() / "package" / ".python-version").read_text(encoding="utf-8") == "3.11\n"


def test_what_is_refused_leaves_the_package_as_it_was(again, run):
    """Nothing is removed before everything is at hand."""
    (again.directory / "reports" / "evaluation.json").unlink()
    with pytest.raises(UserError):
        again(clean=False)
    names = {path.name for path in (again.directory / "package").iterdir()}
    assert names == {path.name for path in run.package.iterdir()}


@pytest.mark.parametrize(
    "name", ["reports/evaluation.json", "models/training.json", "prepared/provenance.json"]
)
def test_a_stage_that_did_not_run_is_refused(again, name):
    """The message names the file that is missing."""
    (again.directory / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        again()


def test_limits_stand_in_the_card(run):
    """What a user must know before using the model is in the package."""
    text = (run.package / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "## Limits\n\n- Knows only made-up things.\n" in text


def test_a_searched_model_goes_through_the_line(run_pipeline, params):
    """With the search enabled, the package holds the best model and what was tried."""
    ranges = {"LogisticRegression": {"C": Range(choices=[0.001, 1.0])}}
    search = {"method": "grid", "ranges": ranges}
    params.train.search = params.train.search.model_copy(update=search)
    done = run_pipeline(params=params)
    training = read(done.metadata)["training"]
    assert training["search"]["trials"] == 2
    assert training["search"]["best"]["parameters"] == {"C": training["parameters"]["C"]}


def test_an_infinite_parameter_goes_through_the_line(run_pipeline, params):
    """`C: .inf` is how scikit-learn is told not to regularize: no stage stumbles over it."""
    params.train.__pydantic_extra__ = {"LogisticRegression": {"C": float("inf")}}
    done = run_pipeline(params=params)
    assert math.isinf(model_file.load(done.package / "model.skops")["model"].C)
    assert "Infinity" not in done.metadata.read_text(encoding="utf-8")


def test_a_model_of_another_environment_is_not_reproducible(again):
    """What any stage left as a mark is in the metadata, and so is what differs now."""
    mark = '["numpy 1 is another one"]'
    (again.directory / "models" / "unlocked.json").write_text(mark, encoding="utf-8")
    write_package(
        Namespace(
            unlocked=["numpy 1 is another one", "Python 3.9 is, too"],
            **{name: Path(path) for name, path in INPUTS.items()},
        )
    )
    metadata = read(again.directory / "model.json")
    assert metadata["reproducible"] is False
    assert metadata["unlocked"] == ["numpy 1 is another one", "Python 3.9 is, too"]


def test_a_model_of_the_locked_environment_is_reproducible(run):
    """The usual case: no stage left a mark."""
    metadata = read(run.metadata)
    assert metadata["reproducible"] is True
    assert metadata["unlocked"] == []

"""A package is ready where it loads and repeats what it predicted for its example."""

import shutil

import pytest

from modelkeep import ready
from modelkeep.ready import try_package
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256, write_json


@pytest.fixture
def changed(run, tmp_path):
    """Return a function that makes a package in which JSON files have other values."""

    def change(**files):
        package = shutil.copytree(run.package, tmp_path / "package")
        manifest = read_json(package / "manifest.json")
        for name, values in files.items():
            path = package / f"{name}.json"
            write_json(path, read_json(path) | values)
            manifest["files"][path.name] = sha256(path)
        write_json(package / "manifest.json", manifest)
        return package

    return change


def refusal(package):
    """Return why a package is refused."""
    with pytest.raises(UserError) as refused:
        try_package(package)
    return str(refused.value)


def test_packages_that_were_made_here_are_ready(run, regression_run):
    """Classes and numbers are predicted as in training."""
    for package in (run.package, regression_run.package):
        try_package(package)


@pytest.mark.parametrize(
    "change",
    [{"predictions": ["none"]}, {"probabilities": [[0, 0, 1]]}, {"probabilities": [[0.5, 0.5]]}],
)
def test_another_prediction_is_refused(changed, change):
    """Classes, probabilities and how many there are have to be the same."""
    package = changed(example=change)
    assert refusal(package).startswith(f"{package}: for its example, the model predicts ['")


@pytest.mark.parametrize("probabilities", [["=1+1"], [[0.5], [0.5, 0.5]], {"a": 1}, [[None]]])
def test_probabilities_that_are_none_are_refused(changed, probabilities):
    """Texts, lists of several lengths and objects end in a sentence as well."""
    assert "the model predicts [" in refusal(changed(example={"probabilities": probabilities}))


def test_libraries_that_are_others_here_are_named(changed, run):
    """They are the usual reason why a model predicts something else."""
    libraries = read_json(run.package / "model.json")["libraries"]
    libraries |= {"polars": "0.0.1", "is-not-installed": "1"}
    package = changed(example={"predictions": ["none"]}, model={"libraries": libraries})
    assert "where it was trained. Installed here: polars " in refusal(package)
    assert refusal(package).endswith(" instead of 0.0.1.")


def test_a_model_that_fails_is_refused(run, monkeypatch):
    """Whatever it raises: with other libraries, anything may happen."""

    class Failing:
        def __init__(self, *_):
            pass

        def __call__(self, rows):
            raise AttributeError("it was moved")

    monkeypatch.setattr(ready, "FastPath", Failing)
    assert "for its example, the model fails here: AttributeError('it was moved')." in refusal(
        run.package
    )


def test_without_an_example_loading_is_all(changed):
    """A package need not have one; what lies there is not believed without the manifest."""
    package = changed()
    manifest = read_json(package / "manifest.json")
    (package / "example.json").unlink()
    del manifest["files"]["example.json"]
    write_json(package / "manifest.json", manifest)
    try_package(package)
    (package / "model.skops").write_bytes(b"")
    assert "model.skops is not the file that was packaged" in refusal(package)


@pytest.mark.parametrize("example", [{"records": [{}]}, {"records": 5}, {"predictions": None}])
def test_an_example_of_another_shape_is_refused(changed, example):
    """Whoever wrote it, a sentence says what is wrong."""
    assert "example" in refusal(changed(example=example))


@pytest.mark.parametrize("proof", [None, 1.5, [], {"exact": False}, {}])
def test_without_a_proof_the_model_itself_predicts(changed, proof):
    """The fast path is taken only where the metadata say that it is exact."""
    try_package(changed(model={"fast_path": proof}))


def test_a_fast_path_that_does_not_fit_the_model_is_refused(changed, monkeypatch):
    """Metadata that call it exact may stand beside another model."""

    def unknown(*_):
        raise ValueError("it knows no PCA")

    monkeypatch.setattr(ready, "FastPath", unknown)
    package = changed(model={"fast_path": {"exact": True}})
    assert refusal(package).endswith("and that is not so: it knows no PCA.")

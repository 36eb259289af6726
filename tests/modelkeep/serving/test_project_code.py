"""A package that carries code of a project is served with it, where somebody vouches for it."""

import importlib
import shutil
import sys

import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from modelkeep import cli
from modelkeep.registry import vouching
from modelkeep.serving import listening
from modelkeep.serving.current import Current
from modelkeep.serving.options import SETTINGS
from modelkeep.serving.served import load
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, write_json
from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.model_file import save
from modelkeep_core.package import hashes
from modelkeep_core.packaged import open_package
from modelkeep_core.predictions import predict
from modelkeep_core.project_code import imported_from
from server import Server

CODE = "def smaller(table):\n    return table.assign(size=table['size'] - 100)\n"
OTHER = "def smaller(table):\n    raise SystemExit('this is the code of the work tree')\n"


@pytest.fixture
def coded(package_copy, tmp_path, monkeypatch):
    """A package whose model holds a function of a project that has another one by now."""
    project = tmp_path / "project"
    (project / "own").mkdir(parents=True)
    (project / "own" / "steps.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(project)
    opened, example = open_package(package_copy), read_json(package_copy / "example.json")
    rows = [list(record.values()) for record in example["records"]]
    inputs = inputs_from_rows(rows, opened.schema)
    with imported_from(project):
        smaller = importlib.import_module("own.steps").smaller
        first = FunctionTransformer(smaller).fit(inputs)
        model = Pipeline([("own", first), *opened.model.steps])
        predicted = predict(model, inputs)
        save(model, package_copy / "model.skops", ["own.steps"])
    assert predicted.probabilities.tolist() != example["probabilities"]
    example["predictions"] = predicted.predictions.tolist()
    example["probabilities"] = predicted.probabilities.tolist()
    write_json(package_copy / "example.json", example)
    metadata = opened.metadata | {"code": ["own.steps"], "fast_path": {"exact": False}}
    write_json(package_copy / "model.json", metadata)
    (package_copy / "manifest.json").unlink()
    write_json(package_copy / "manifest.json", {"format": 1, "files": hashes(package_copy)})
    (project / "own" / "steps.py").write_text(OTHER, encoding="utf-8")
    return package_copy


@pytest.mark.parametrize("project", ["changed", "removed"])
def test_a_model_answers_with_the_code_of_its_package(coded, monkeypatch, tmp_path, row, project):
    """Whatever the work tree has now; and nothing of it stays where modules are imported from."""
    if project == "removed":
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(tmp_path / "project")
    served = load(coded, trust_code=True)
    example = served.example
    rows = [[record[name] for name in served.contract.features] for record in example["records"]]
    assert served.predict(rows).predictions.tolist() == example["predictions"]
    assert "own.steps" not in sys.modules
    with Server(coded, tmp_path / "served", trust_code=True) as server:
        reply = server.post("/predict", {"records": example["records"]})
        assert reply.json["predictions"] == example["predictions"]


def test_code_that_nobody_vouches_for_does_not_run(coded):
    """The sentence says how to say that it is trusted."""
    with pytest.raises(UserError, match=r"carries code of its own \(own\.steps\).*--trust-code"):
        load(coded)


@pytest.mark.parametrize(
    ("vouched", "words", "served"),
    [(False, [], False), (False, ["--trust-code"], True), (True, [], True)],
)
def test_the_command_serves_code_that_git_or_a_person_vouches_for(
    coded, monkeypatch, vouched, words, served
):
    """The workers are told so; without it, nothing starts."""
    monkeypatch.setenv(SETTINGS, "")
    monkeypatch.setattr(vouching, "vouched", lambda _: vouched)
    monkeypatch.setattr(listening, "open_to", lambda *_: None)
    monkeypatch.setattr(listening, "serve", lambda *_: None)
    args = cli.arguments(["serve", "--package", str(coded), "--data", "var", *words])
    if served:
        assert cli.run(args) == 0
        assert Current.read(args.data / "current-8000.json").trust_code
    else:
        with pytest.raises(UserError, match="--trust-code"):
            cli.run(args)
        assert not args.data.exists()

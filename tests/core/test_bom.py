"""The bill of materials is valid CycloneDX, names all that a model is made of, and is the same."""

from importlib.metadata import PackageNotFoundError

import pytest
from cyclonedx.schema import SchemaVersion

from modelkeep_core import bom
from modelkeep_core.bom import bill_of_materials
from modelkeep_core.environment import read_lock
from modelkeep_core.files import read_json, sha256

FILES = ("requirements.lock", "model.skops")


@pytest.fixture
def bill(run):
    """The bill of the classification's package."""
    return read_json(run.package / "bom.json")


@pytest.fixture(params=["run", "regression_run"])
def any_run(request):
    """A classification and a regression."""
    return request.getfixturevalue(request.param)


def test_it_is_valid_by_the_published_schema(any_run):
    """The strict schema of CycloneDX 1.6 finds nothing; without the model's name it does."""
    # Takes seconds, and is needed in one process only
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    text = (any_run.package / "bom.json").read_text("utf-8")
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"name"', '"nome"')) is not None


def test_the_model_has_its_hash_and_its_card(bill, run):
    """Recipe, estimator, columns, scores with the interval of the headline, and limits."""
    metadata, model = read_json(run.package / "model.json"), bill["metadata"]["component"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": sha256(run.package / "model.skops")}]
    assert model["version"] == metadata["recipe_id"]
    card = model["modelCard"]
    assert card["modelParameters"]["modelArchitecture"] == metadata["training"]["estimator"]
    inputs = [column["format"] for column in card["modelParameters"]["inputs"]]
    assert inputs == ["size", "count", "member", "colour"]
    headline, *others = card["quantitativeAnalysis"]["performanceMetrics"]
    assert headline["confidenceInterval"]["lowerBound"] == str(
        metadata["metrics"]["headline"]["low"]
    )
    assert len({score["type"] for score in (headline, *others)}) == len(metadata["metrics"]["test"])
    assert card["considerations"]["technicalLimitations"] == ["Knows only made-up things."]


def test_data_and_libraries_have_their_hashes(bill, run):
    """Every file of raw data, and every package of the lock with the hashes that it may have."""
    metadata, locked = read_json(run.package / "model.json"), read_lock(run.package / FILES[0])
    parts = {part["name"]: part for part in bill["components"]}
    assert parts.keys() == metadata["recipe"]["data"].keys() | locked.keys()
    for path, digest in metadata["recipe"]["data"].items():
        assert parts[path]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    for name, package in locked.items():
        assert parts[name]["purl"] == f"pkg:pypi/{name}@{package.version}"
        (reference,) = parts[name]["externalReferences"]
        assert {entry["content"] for entry in reference["hashes"]} == package.hashes
    (dependency,) = bill["dependencies"]
    assert set(dependency["dependsOn"]) == {part["bom-ref"] for part in bill["components"]}


def test_it_says_nothing_of_day_or_machine(run):
    """The same package has the same bill: made again, it is equal, and it has no date."""
    metadata = read_json(run.package / "model.json")
    lock, model = (run.package / name for name in FILES)
    bill = bill_of_materials(metadata, ["Knows only made-up things."], lock, sha256(model))
    assert bill == read_json(run.package / "bom.json")
    assert "timestamp" not in bill["metadata"]
    assert "serialNumber" not in bill


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        ({"License-Expression": ["MIT"]}, {"expression": "MIT"}),
        (
            {"Classifier": ["License :: OSI Approved :: MIT License", "Topic :: Software"]},
            {"license": {"name": "MIT License"}},
        ),
        (
            {"Classifier": ["License :: OSI Approved"], "License": ["BSD"]},
            {"license": {"name": "BSD"}},
        ),
        ({"License": ["Copyright (c)\nAll rights"]}, None),
        ({"License": ["x" * 65]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_licence_is_what_the_library_names(monkeypatch, about, licence):
    """The SPDX expression, else the classifier or a short name; a whole text is no name."""

    class Metadata(dict):
        def get_all(self, name):
            return self.get(name)

    def metadata(name):
        if about is None:
            raise PackageNotFoundError(name)
        return Metadata(about)

    monkeypatch.setattr(bom, "metadata", metadata)
    assert bom._licence("anything") == licence

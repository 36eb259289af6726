"""The bill of materials of a package: model, data and libraries, as CycloneDX has them.

The format is CycloneDX 1.6 (ECMA-424) in JSON, with a model card. It has no date and no serial
number, which that format does not need: the same package has the same bytes.
"""

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from modelkeep_core.environment import read_lock

FORMAT = {
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
}
SHA256 = "SHA-256"
MODEL = "model"
# A text of a licence is no name of one
LONGEST_NAME = 64
LICENCE = "License :: "

Component = dict[str, Any]


def bill_of_materials(
    about: dict[str, Any], limits: list[str], lock: Path, model: str
) -> Component:
    """Return the bill of materials of a package.

    Args:
        about: the metadata of the package, model.json.
        limits: what the model is not made for.
        lock: the lock of the environment that it was made in.
        model: the SHA-256 of the model file.
    """
    data = [_data(path, digest) for path, digest in sorted(about["recipe"]["data"].items())]
    libraries = [
        _library(name, package.version, sorted(package.hashes))
        for name, package in sorted(read_lock(lock).items())
    ]
    parts = [*data, *libraries]
    return FORMAT | {
        "metadata": {"component": _model(about, limits, model, data)},
        "components": parts,
        "dependencies": [{"ref": MODEL, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def _model(
    about: dict[str, Any], limits: list[str], digest: str, data: list[Component]
) -> Component:
    """Return the model with its card."""
    features = [name for name, column in about["schema"]["columns"].items() if column["feature"]]
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": about["name"],
        "version": about["recipe_id"],
        "description": about["description"],
        "hashes": [{"alg": SHA256, "content": digest}],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": about["task"],
                "modelArchitecture": about["training"]["estimator"],
                "datasets": [{"ref": part["bom-ref"]} for part in data],
                "inputs": [{"format": name} for name in features if name != about["target"]],
                "outputs": [{"format": about["target"]}],
            },
            "quantitativeAnalysis": {"performanceMetrics": _scores(about["metrics"])},
            "considerations": {"technicalLimitations": limits},
        },
    }


def _scores(metrics: dict[str, Any]) -> list[Component]:
    """Return the scores on the test rows, the headline with its interval first."""
    headline = metrics["headline"]
    first = {
        "type": headline["metric"],
        "value": str(headline["value"]),
        "slice": "test rows",
        "confidenceInterval": {
            "lowerBound": str(headline["low"]),
            "upperBound": str(headline["high"]),
        },
    }
    others = [
        {"type": name, "value": str(value), "slice": "test rows"}
        for name, value in metrics["test"].items()
        if name != headline["metric"] and value is not None
    ]
    return [first, *others]


def _data(path: str, digest: str) -> Component:
    return {
        "type": "data",
        "bom-ref": f"data:{path}",
        "name": path,
        "hashes": [{"alg": SHA256, "content": digest}],
    }


def _library(name: str, version: str, hashes: list[str]) -> Component:
    """Return a library with its licence, where it is installed, and the hashes that are locked."""
    purl = f"pkg:pypi/{name}@{version}"
    licence = _licence(name)
    locked = {
        "type": "distribution",
        "url": purl,
        "hashes": [{"alg": SHA256, "content": digest} for digest in hashes],
    }
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        **({"licenses": [licence]} if licence else {}),
        "externalReferences": [locked],
    }


def _licence(name: str) -> Component | None:
    """Return the licence that a library names, as an expression of SPDX where it gives one."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return None
    for expression in about.get_all("License-Expression") or []:
        return {"expression": expression}
    classifiers = about.get_all("Classifier") or []
    names = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith(LICENCE)]
    names += [text for text in about.get_all("License") or [] if "\n" not in text]
    named = [
        text for text in names if text not in ("", "OSI Approved") and len(text) <= LONGEST_NAME
    ]
    return {"license": {"name": named[0]}} if named else None

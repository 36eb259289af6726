"""A made-up table, contracts and params for it, and runs of the pipeline on them."""

import shutil
from argparse import Namespace
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML

from installed import core_wheel
from modelkeep_core.boosters import package_of
from modelkeep_core.dvc_yaml import read_stages
from modelkeep_core.files import Section
from modelkeep_core.metrics import METRICS
from modelkeep_core.package import write_package
from modelkeep_core.params import Evaluate, Package, Prepare, Train
from modelkeep_core.schema import Schema
from pipeline import evaluate, prepare, train

ROWS = 120
CODE = Path(prepare.__file__).parent
DVC_YAML = """\
stages:
  prepare:
    cmd: python -m pipeline.prepare --raw raw {common} --out prepared
    deps: [raw, schema.yaml, requirements.lock, pipeline/prepare.py]
    params: [prepare]
    outs: [prepared]
  train:
    cmd: python -m pipeline.train --prepared prepared {common} --out models
    deps: [prepared, schema.yaml, requirements.lock, pipeline/train.py, pipeline/features.py]
    params: [train]
    outs: [models]
  evaluate:
    cmd: python -m pipeline.evaluate --models models --prepared prepared {common} --out reports
    deps: [models, prepared, schema.yaml, requirements.lock, pipeline/evaluate.py]
    params: [evaluate]
    outs:
      - reports:
          cache: false
  package:
    cmd: >-
      python -m modelkeep_core.package --models models --test prepared/test.parquet
      --provenance prepared/provenance.json --reports reports {common}
      --out package --metadata model.json
    deps: [models, prepared, reports, raw, schema.yaml, requirements.lock, pipeline]
    params: [prepare, train, package]
    outs:
      - package
      - model.json:
          cache: false
artifacts:
  made-up:
    path: package
    type: model
""".format(common="--schema schema.yaml --params params.yaml --requirements requirements.lock")
LOCKED = ("numpy", "pandas", "polars", "scikit-learn")


class Params(Section):
    """The whole of params.yaml, as the reference project has it."""

    prepare: Prepare
    train: Train
    evaluate: Evaluate
    package: Package
    promote: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The files of a finished run of the four stages."""

    directory: Path

    def __getattr__(self, name: str) -> Path:
        """Return the path of an output, such as `run.models`."""
        return self.directory / name

    @property
    def metadata(self) -> Path:
        """The model.json at the root."""
        return self.directory / "model.json"


def made_table() -> pl.DataFrame:
    """Return rows in which "size" and "colour" say much about "label" and "price"."""
    random = np.random.default_rng(7)
    size = random.normal(10, 3, ROWS)
    colour = random.choice(["red", "green", "blue"], ROWS)
    score = size + 3 * (colour == "red") + random.normal(0, 0.7, ROWS)
    cut = np.quantile(score, [0.5, 0.8])
    days = random.permutation(ROWS).tolist()
    return pl.DataFrame(
        {
            "size": _holed(size.round(3).tolist(), random),
            "count": random.integers(0, 9, ROWS).tolist(),
            "member": _holed((random.random(ROWS) < 0.4).tolist(), random),
            "colour": _holed(colour.tolist(), random),
            "seen": [datetime(2024, 1, 1) + timedelta(days=day) for day in days],
            "shop": random.choice([f"shop {number}" for number in range(8)], ROWS).tolist(),
            "label": np.array(["low", "mid", "high"])[np.digitize(score, cut)].tolist(),
            "price": (5 * score + 20).round(2).tolist(),
        }
    )


def _holed(values: list[Any], random: np.random.Generator) -> list[Any]:
    """Return the values with a few of them missing."""
    holes = random.random(ROWS) < 0.05
    return [None if hole else value for value, hole in zip(values, holes, strict=True)]


def made_schema(task: str, target: str) -> Schema:
    """Return the contract of the made-up table."""
    return Schema.model_validate(
        {
            "task": task,
            "target": target,
            "missing_values": ["", "NA"],
            "duplicates": False,
            "columns": {
                "size": {"type": "number", "min": -100, "max": 100, "missing": True},
                "count": {"type": "integer", "min": 0},
                "member": {"type": "boolean", "missing": True},
                "colour": {
                    "type": "category",
                    "values": ["red", "green", "blue"],
                    "missing": True,
                },
                "seen": {"type": "datetime", "feature": False},
                "shop": {"type": "category", "feature": False},
                "label": {"type": "category", "values": ["low", "mid", "high"], "feature": False},
                "price": {"type": "number", "feature": False},
            },
        }
    )


def feature_schema(**types: str) -> Schema:
    """Return a classification's contract with features of these types, which may be missing."""
    features = {name: {"type": kind, "missing": True} for name, kind in types.items()}
    return Schema.model_validate(
        {
            "task": "classification",
            "target": "label",
            "missing_values": [],
            "duplicates": True,
            "columns": {**features, "label": {"type": "category"}},
        }
    )


# Neither a search nor a cross-validation
NO_SEARCH = {
    **{"method": None, "folds": 0, "scoring": "r2", "seed": 1, "trials": 1, "batch": 1},
    **{"prune": False, "nested": False, "estimators": [], "ranges": {}},
}


def made_params(estimator: str, headline: str) -> Params:
    """Return params that keep the tests fast."""
    return Params.model_validate(
        {
            "prepare": {"seed": 1, "test_size": 0.25, "split": "random", "split_by": None},
            "train": {
                "seed": 1,
                "estimator": estimator,
                "search": {
                    "method": None,
                    "folds": 3,
                    "scoring": "macro_f1" if headline in METRICS["classification"] else "rmse",
                    "seed": 1,
                    "trials": 4,
                    "batch": 2,
                    "prune": False,
                    "nested": False,
                    "estimators": [],
                    "ranges": {},
                },
            },
            "evaluate": {
                "seed": 1,
                "headline": headline,
                "resamples": 10,
                "confidence": 0.9,
                "importance_repeats": 1,
                "group_by": "colour",
            },
            "package": {
                "name": "made-up",
                "title": "Made up",
                "description": "A model of nothing.",
                "limits": ["Knows only made-up things."],
            },
            "promote": {"thresholds": {}, "allowed_loss": 0.0},
        }
    )


def pipeline_run(directory: Path, table: pl.DataFrame, schema: Schema, params: Params) -> Run:
    """Run the four stages in `directory`, with relative paths as dvc.yaml gives them."""
    run = Run(directory)
    (directory / "raw").mkdir(parents=True)
    table.write_csv(run.raw / "rows.csv")
    shutil.copytree(CODE, run.pipeline, ignore=shutil.ignore_patterns("__pycache__"))
    for path, content in (("schema.yaml", schema), ("params.yaml", params)):
        YAML().dump(content.model_dump(), directory / path)
    digest = "0" * 64
    booster = package_of(params.train.estimator.partition(".")[0])
    names = sorted([*LOCKED, *filter(None, [booster])])
    lock = "".join(f"{name}=={version(name)} \\\n    --hash=sha256:{digest}\n" for name in names)
    lock += f"{core_wheel().locked}\n"
    (directory / "requirements.lock").write_text(lock, encoding="utf-8")
    (directory / "dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
    (directory / "raw.dvc").write_text("outs:\n- path: raw\n", encoding="utf-8")
    mains = {"prepare": prepare.main, "train": train.main, "evaluate": evaluate.main}
    mains["package"] = write_package
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for name, stage in read_stages(Path("dvc.yaml")).items():
            words = stage.command.split()[3:]
            paths = zip(words[::2], words[1::2], strict=True)
            given = {key[2:]: Path(path) for key, path in paths}
            mains[name](Namespace(unlocked=[], **given))
    return run

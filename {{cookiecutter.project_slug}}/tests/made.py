"""A made-up table, contracts and knobs for it, and runs of the line on them."""

import shutil
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML

from pipeline import evaluate, package, prepare, train
from pipeline.params import Params
from pipeline.schema import Schema

ROWS = 120
CODE = Path(prepare.__file__).parent
LOCKED = ("numpy", "pandas", "polars", "scikit-learn")


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


def made_params(estimator: str, headline: str) -> Params:
    """Return knobs that keep the tests fast."""
    return Params.model_validate(
        {
            "prepare": {"seed": 1, "test_size": 0.25, "split": "random", "split_by": None},
            "train": {
                "seed": 1,
                "estimator": estimator,
                "search": {"enabled": False, "folds": 3, "scoring": "accuracy", "grid": {}},
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


def line_run(directory: Path, table: pl.DataFrame, schema: Schema, params: Params) -> Run:
    """Run the four stages in `directory`, with relative paths as dvc.yaml gives them."""
    run = Run(directory)
    (directory / "raw").mkdir(parents=True)
    table.write_csv(run.raw / "rows.csv")
    shutil.copytree(CODE, run.pipeline, ignore=shutil.ignore_patterns("__pycache__"))
    for path, content in (("schema.yaml", schema), ("params.yaml", params)):
        YAML().dump(content.model_dump(), directory / path)
    lock = "".join(f"{name}=={version(name)} \\\n    --hash=sha256:0\n" for name in LOCKED)
    (directory / "requirements.lock").write_text(lock, encoding="utf-8")
    common = "--schema schema.yaml --params params.yaml"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for stage, arguments in (
            (prepare, f"{common} --raw raw --out prepared"),
            (train, f"{common} --prepared prepared --requirements requirements.lock --out models"),
            (evaluate, f"{common} --models models --prepared prepared --out reports"),
            (
                package,
                f"{common} --stages prepare train evaluate --code pipeline --prepared prepared "
                "--models models --reports reports --requirements requirements.lock "
                "--out package --metadata model.json",
            ),
        ):
            patch.setattr(sys, "argv", [stage.__name__, *arguments.split()])
            stage.main()
    return run

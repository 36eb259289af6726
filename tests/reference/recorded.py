"""A server's records, as made-up traffic leaves them."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.traffic import Traffic
from modelkeep.monitoring.window import Window
from modelkeep.serving.recording import Records
from modelkeep.serving.records import REFUSED_ROW, Answered, new_id
from modelkeep_core.files import read_json, sha256, write_json
from modelkeep_core.inputs import model_inputs
from modelkeep_core.packaged import open_package

DAY = 86_400
# When the made-up requests were made: noon of 2026-11-01, in the zone of the tests
NOON = 1_793_534_400.0


class Recorded:
    """A package and a file of records as its server would have written it."""

    def __init__(self, package: Path, directory: Path) -> None:
        self.package = package
        self.path = directory / "records.sqlite"
        self.opened = open_package(package)
        self.features = list(self.opened.schema.features)
        self.recipe_id = self.opened.metadata["recipe_id"]

    def answer(
        self,
        rows: pd.DataFrame,
        each: int = 1,
        start: float = NOON,
        every: float = 60.0,
        recipe_id: str | None = None,
        version: str = "v1.0.0",
        record_inputs: bool = True,
    ) -> list[str]:
        """Record that these rows were asked, some in each request; return the requests' ids."""
        inputs = model_inputs(rows, self.opened.schema)
        outputs = {"predictions": self.opened.model.predict(inputs).tolist()}
        if hasattr(self.opened.model, "predict_proba"):
            outputs["probabilities"] = self.opened.model.predict_proba(inputs).tolist()
        cells = plain(rows[self.features])
        answered = []
        for first in range(0, len(rows), each):
            part = slice(first, first + each)
            answered.append(
                Answered(
                    new_id(start + every * len(answered)),
                    recipe_id or self.recipe_id,
                    version,
                    cells[part] if record_inputs else None,
                    {name: values[part] for name, values in outputs.items()},
                )
            )
        records = Records(self.path)
        records.note_model(recipe_id or self.recipe_id, version, self.features)
        records.write(answered)
        records.close()
        return [request.request_id for request in answered]

    def refuse(self, count: int, reason: str, feature: str = "") -> None:
        """Record that some values were refused just now, each in a row of its own."""
        records = Records(self.path)
        for _ in range(count):
            records.refuse(self.recipe_id, "v1.0.0", reason, feature)
        records.refuse(self.recipe_id, "v1.0.0", REFUSED_ROW, count=count)
        records.close()

    def actuals(self, request_ids: list[str], actuals: Any, row: int = 0) -> None:
        """Record what turned out to be true of a row of each request."""
        with opened(self.path) as store:
            store.write_actuals(
                [
                    (request_id, row, str(actual))
                    for request_id, actual in zip(request_ids, actuals, strict=True)
                ]
            )

    def traffic(self, window: Window | None = None) -> Traffic:
        """Count what is recorded."""
        reference = read_reference(self.package)
        traffic = Traffic(reference.profile)
        with opened(self.path) as store:
            traffic.add(store.requests(window or Window(), reference.recipe_id))
        return traffic

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the file itself."""
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(query).fetchall()


def plain(table: pd.DataFrame) -> list[list[Any]]:
    """Return the rows as JSON would have them."""
    return json.loads(table.to_json(orient="values"))


def drawn(rows: pd.DataFrame, count: int, seed: int = 1) -> pd.DataFrame:
    """Draw rows with replacement: traffic from the distribution of the rows."""
    return rows.sample(count, replace=True, random_state=seed).reset_index(drop=True)


def shifted(rows: pd.DataFrame, by: float = 2.0, column: str = "size") -> pd.DataFrame:
    """Return rows in which a column of numbers is shifted, by so many standard deviations."""
    return rows.assign(**{column: rows[column] + by * rows[column].std()})


def repackaged(package: Path, directory: Path, **changes: Any) -> Path:
    """Copy a package with other content of some of its JSON files, or without a file (None)."""
    copy = shutil.copytree(package, directory)
    for stem, content in changes.items():
        path = copy / f"{stem}.json"
        path.unlink()
        if content is not None:
            write_json(path, content)
    names = read_json(copy / "manifest.json")["files"]
    files = {name: sha256(copy / name) for name in names if (copy / name).exists()}
    write_json(copy / "manifest.json", {"format": 1, "files": files})
    return copy


def skewed(count: int, classes: int, seed: int) -> list[str]:
    """Draw names of which few are common and many are rare."""
    weights = 1 / np.arange(1, classes + 1)
    names = [f"class {number}" for number in range(classes)]
    return np.random.default_rng(seed).choice(names, count, p=weights / weights.sum()).tolist()

"""Where a public function takes the path of a file or directory, a text is as good as a Path."""

from pathlib import Path

import polars as pl
import pytest

from modelkeep_core import (
    checking,
    disk_rows,
    files,
    hooks,
    model_file,
    packaged,
    params,
    plots,
    profiles,
    scoring,
    split,
    tables,
    training,
)
from modelkeep_core.own_metrics import check_headline
from modelkeep_core.schema import read_schema


@pytest.fixture
def place(run, monkeypatch):
    """A finished run as the working directory."""
    monkeypatch.chdir(run.package.parent)


def either(read, name, *more):
    """Return what a function makes of a path, which it makes of the same path as text."""
    read_by_path, read_by_text = read(Path(name), *more), read(name, *more)
    assert repr(read_by_text) == repr(read_by_path)
    return read_by_text


def test_files_are_read_by_text(place):
    """Parameters, schema, hooks, raw and prepared tables, models and packages."""
    schema = either(read_schema, "schema.yaml")
    either(params.read_params, "params.yaml", "train", params.Train)
    either(hooks.read_hooks, ".")
    either(files.sha256, "params.yaml")
    either(files.read_yaml, "params.yaml")
    either(files.read_json, "package/model.json")
    either(tables.files_of, "raw")
    assert tables.scan("raw/rows.csv", schema).collect().height
    rows = tables.read(["raw/rows.csv"], schema).collect()
    assert rows.equals(tables.read([Path("raw/rows.csv")], schema).collect())
    with checking.checked_table(["raw/rows.csv"], schema, "checked") as checked:
        assert checked.table.collect().height == rows.height
    either(scoring.read_prepared, "prepared", schema)
    either(disk_rows.few_or_on_disk, "prepared/train.parquet")
    either(disk_rows.training_rows, "prepared/train.parquet", "full", "scratch")
    on_disk = disk_rows.training_rows("prepared/train.parquet", "external", "prepared")
    assert len(on_disk) == len(disk_rows.few_or_on_disk("prepared/train.parquet"))
    either(model_file.load, "models/model.skops")
    either(packaged.open_package, "package")
    check_headline("params.yaml", schema.task, ".", [])


def test_files_are_written_by_text(place, tmp_path):
    """Each in a directory that is made for it, in the same bytes."""
    schema = read_schema("schema.yaml")
    rows = tables.read(["raw/rows.csv"], schema)
    test = pl.Series([place % 4 == 0 for place in range(rows.collect().height)])
    model = model_file.load("models/model.skops")
    content = files.read_json("reports/profile.json")
    written = []
    for name, path in (("path", Path), ("text", str)):
        out = tmp_path / name
        files.write_text(path(out / "made" / "text.txt"), "text")
        files.write_json(path(out / "made" / "value.json"), {"a": 1})
        plots.write_plots({}, path(out / "plots"))
        profiles.write_profile(path(out / "profile.json"), content)
        model_file.save(model, path(out / "model.skops"))
        split.write(rows, test, path(out / "split"))
        training.reported(path("models"), path(out / "reports"))
        made = sorted(file for file in out.rglob("*") if file.is_file())
        written.append({file.relative_to(out): file.read_bytes() for file in made})
    assert len(written[0]) > 6
    assert written[0] == written[1]

"""Rows that stay on disk are those of the table, and what is made meanwhile is gone."""

import os
import signal
import subprocess
import sys
import time
from argparse import Namespace

import pandas as pd
import pytest

from modelkeep_core import disk_rows
from modelkeep_core.disk_rows import DiskRows, few_or_on_disk, parts, room
from modelkeep_core.errors import UserError
from pipeline import evaluate


@pytest.fixture
def rows(frame, tmp_path, monkeypatch):
    """The rows of a table on disk, read in batches of a few."""
    monkeypatch.setattr(disk_rows, "BATCH_CELLS", 60)
    frame.to_parquet(tmp_path / "train.parquet", index=False)
    return DiskRows(tmp_path / "train.parquet", tmp_path)


def test_they_are_the_rows_of_the_table(rows, frame):
    """By the column, in batches, and at random."""
    assert len(rows) == len(frame)
    assert "label" in rows
    assert "lable" not in rows
    read = [*parts(rows, ["label", "size"])]
    assert len(read) == 4
    pd.testing.assert_frame_equal(pd.concat(read, ignore_index=True), frame[["label", "size"]])
    pd.testing.assert_series_equal(rows["colour"], frame["colour"])
    pd.testing.assert_frame_equal(rows.sample(50, 3), frame.sample(50, random_state=3))
    assert [table is frame for table in parts(frame, ["label"])] == [True]


def test_equal_texts_of_a_column_are_held_once(rows, frame):
    """A million rows have few classes."""
    values = rows.values("label")
    assert values.tolist() == frame["label"].tolist()
    assert len({id(value) for value in values}) == frame["label"].nunique()


@pytest.mark.slow
@pytest.mark.parametrize("made", ["run", "regression_run"])
def test_evaluate_reports_the_same_of_many_rows(made, request, tmp_path, monkeypatch):
    """It leaves many training rows on disk, and says of them what it says of a few."""
    done = request.getfixturevalue(made)
    monkeypatch.chdir(done.directory)
    files = []
    for cells in (disk_rows.SMALL_CELLS, 0):
        monkeypatch.setattr(disk_rows, "SMALL_CELLS", cells)
        monkeypatch.setattr(disk_rows, "BATCH_CELLS", 60)
        on_disk = isinstance(few_or_on_disk(done.prepared / "train.parquet"), DiskRows)
        assert on_disk is not bool(cells)
        out = tmp_path / str(cells)
        paths = {name: done.directory / name for name in ("models", "prepared")}
        params = {name: done.directory / f"{name}.yaml" for name in ("schema", "params")}
        evaluate.main(Namespace(**paths, **params, out=out))
        written = [path for path in out.rglob("*") if path.is_file()]
        files.append({path.relative_to(out): path.read_bytes() for path in written})
    assert len(files[0]) > 5
    assert files[0] == files[1]


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path):
    """With how much is needed, how much there is, and what to do."""
    with (
        pytest.raises(
            UserError, match=r"needs up to 1000000\.0 GB .* or set train\.memory to full"
        ),
        room(tmp_path, 10**15),
    ):
        pass
    assert not [*tmp_path.iterdir()]


def test_a_process_that_is_killed_leaves_no_files(tmp_path):
    """Nobody is there to remove them but who waits for its end."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from modelkeep_core.disk_rows import room\n"
        "with room(Path(sys.argv[1]), 1) as directory:\n"
        "    (directory / 'part').write_bytes(b'1')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    source = os.path.dirname(os.path.dirname(disk_rows.__file__))
    done = subprocess.run([sys.executable, "-c", code, tmp_path], env={"PYTHONPATH": source})
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 30
    while [*tmp_path.iterdir()] and time.monotonic() < until:
        time.sleep(0.05)
    assert not [*tmp_path.iterdir()]

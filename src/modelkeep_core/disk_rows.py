"""Prepared rows that stay on disk: read a column or a batch at a time, as often as it takes."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from modelkeep_core.errors import UserError

# Of a batch: 4 MB as floating numbers, and many times as much as texts
BATCH_CELLS = 500_000
# Of a table that is read whole: reading it column by column takes longer
SMALL_CELLS = 4_000_000
# It waits for the end of the process that started it, however that comes about
REMOVE = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"


class DiskRows:
    """The rows of a Parquet file, none of which is held.

    Attributes:
        path: the file.
        scratch: a directory on whose disk files may be made meanwhile.
        columns: the names of the columns.
    """

    def __init__(self, path: Path, scratch: Path) -> None:
        self.path, self.scratch = path, scratch
        with pq.ParquetFile(path) as file:
            self._rows = int(file.metadata.num_rows)
            self.columns: list[str] = file.schema_arrow.names

    def __len__(self) -> int:
        return self._rows

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> pd.Series:
        """Read one column whole."""
        return pd.read_parquet(self.path, columns=[name])[name]

    def batches(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield the rows in order, some at a time, with the columns `names`."""
        rows = max(1, BATCH_CELLS // max(1, len(names)))
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(rows, columns=[*names]):
                yield pa.Table.from_batches([batch]).to_pandas()

    def sample(self, rows: int, random_state: int) -> pd.DataFrame:
        """Read some rows at random: those, in that order, that pandas draws of a table."""
        drawn = pd.Series(range(len(self))).sample(rows, random_state=random_state).to_numpy()
        parts, start = [], 0
        for batch in self.batches(self.columns):
            batch.index = pd.RangeIndex(start, start + len(batch))
            start += len(batch)
            parts.append(batch[batch.index.isin(drawn)])
        return pd.concat(parts).loc[drawn]

    def values(self, name: str) -> NDArray[Any]:
        """Read one column whole, (n,), in which equal texts are one object."""
        known: dict[Any, Any] = {}
        parts = []
        for batch in self.batches([name]):
            part = batch[name].to_numpy()
            if part.dtype == object:
                part = np.array([known.setdefault(cell, cell) for cell in part], dtype=object)
            parts.append(part)
        return np.concatenate(parts)


def training_rows(
    path: Path | str, memory: Literal["full", "external"], scratch: Path | str
) -> pd.DataFrame | DiskRows:
    """Return the training rows: all of them in memory, or where to read them.

    Args:
        path: the Parquet file.
        memory: `train.memory` of params.yaml.
        scratch: a directory on whose disk files may be made meanwhile.
    """
    path, scratch = Path(path), Path(scratch)
    if memory == "external":
        return DiskRows(path, scratch)
    return pd.read_parquet(path)


def few_or_on_disk(path: Path | str) -> pd.DataFrame | DiskRows:
    """Return the rows of a Parquet file: in memory where they are few, or where to read them."""
    path = Path(path)
    rows = DiskRows(path, path.parent)
    if len(rows) * len(rows.columns) > SMALL_CELLS:
        return rows
    return pd.read_parquet(path)


def parts(table: pd.DataFrame | DiskRows, names: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table: at once, or with the columns `names` alone where it is on disk."""
    if isinstance(table, DiskRows):
        yield from table.batches(names)
    else:
        yield table


@contextmanager
def room(where: Path, size: int) -> Iterator[Path]:
    """Give a new directory that is gone afterwards, even where this process is killed.

    Args:
        where: the directory that it is made in.
        size: how many bytes it must hold.

    Raises:
        UserError: the disk has less room.
    """
    where.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(where).free) < size:
        raise UserError(
            f"params.yaml: train.memory: external: {where} needs up to {size / 1e9:.1f} GB for "
            f"files while the model learns, and its disk has {free / 1e9:.1f} GB. Make room there, "
            "or set train.memory to full."
        )
    directory = Path(tempfile.mkdtemp(prefix=".rows-", dir=where))
    remover = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", REMOVE, directory],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield directory
    finally:
        remover.communicate()

"""Parts that are all there → one file, the file of cells that break a rule, the manifest."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from modelkeep import __version__
from modelkeep.scoring.answers import UNSEEN
from modelkeep.scoring.ledger import PARTIAL, Record, unwritable
from modelkeep.scoring.sources import PART_ROWS
from modelkeep.unseen import Unseen
from modelkeep_core import __version__ as core_version
from modelkeep_core.leftover import discard

FORMAT = 1
TOOL = {"modelkeep": __version__, "modelkeep-core": core_version}
BAD_COLUMNS = ("file", "row", "column", "rule", "value")


def joined(parts: Sequence[Path], out: Path) -> None:
    """Make one file of parts, in their order; it appears whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    with _appearing_whole(out) as partial:
        if len(parts) == 1:
            os.replace(parts[0], partial)
        elif out.suffix == ".csv":
            _join_csv(parts, partial)
        else:
            whole = pl.concat((pl.scan_parquet(part, glob=False) for part in parts), how="diagonal")
            whole.sink_parquet(partial, row_group_size=PART_ROWS, maintain_order=True)


def write_bad_cells(files: Iterable[Path], out: Path) -> None:
    """Write the cells of all parts that break a rule.

    Raises:
        UserError: the file cannot be written.
    """
    with _appearing_whole(out) as partial, partial.open("wb") as target:
        target.write(f"{','.join(BAD_COLUMNS)}\n".encode())
        for file in files:
            with file.open("rb") as part:
                part.readline()
                shutil.copyfileobj(part, target)


@contextmanager
def _appearing_whole(out: Path) -> Iterator[Path]:
    """Lend the name under which a file is written, which gets its own when it is whole.

    Raises:
        UserError: it cannot be written.
    """
    partial = out.with_name(out.name + PARTIAL)
    try:
        yield partial
        os.replace(partial, out)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise unwritable(out, error) from None
    finally:
        discard(partial)


def manifest_of(
    metadata: dict[str, Any], package: str, options: dict[str, Any], records: Sequence[Record]
) -> dict[str, Any]:
    """Return what was scored by what, as plain data.

    Args:
        metadata: what the package says of itself.
        package: the SHA-256 of its manifest, which has the hash of each of its files.
        options: how it was scored.
        records: of each part, in their order.
    """
    return {
        "format": FORMAT,
        "tool": TOOL,
        "model": {
            "name": metadata.get("name"),
            "recipe_id": metadata.get("recipe_id"),
            "manifest_sha256": package,
        },
        "options": options,
        "rows": sum(record["output"]["rows"] for record in records),
        "bad_rows": sum(record["bad_rows"] for record in records),
        "parts": [
            {name: record[name] for name in ("input", "output", "bad_rows")} for record in records
        ],
    }


def strange_in(records: Sequence[Record]) -> list[Unseen]:
    """Return the categories of all parts that no training row had."""
    names = dict.fromkeys(name for record in records for name in record["categories"])
    result = []
    for name in names:
        counted = [record["categories"][name] for record in records if name in record["categories"]]
        rows = sum(rows for rows, _, _ in counted)
        if rows:
            example = next(example for rows, _, example in counted if rows)
            present = sum(present for _, present, _ in counted)
            result.append(Unseen(name, range(rows), present, example))
    return result


def _join_csv(parts: Sequence[Path], out: Path) -> None:
    """Join CSV files, of which some may lack the last column, that of unseen categories."""
    headers = []
    for path in parts:
        with path.open("rb") as file:
            headers.append(file.readline())
    longest = max(headers, key=len)
    with out.open("wb") as target:
        target.write(longest)
        for path, header in zip(parts, headers, strict=True):
            if header == longest:
                with path.open("rb") as file:
                    file.readline()
                    shutil.copyfileobj(file, target)
            else:
                rows = pl.read_csv(path, infer_schema=False, glob=False)
                marked = rows.with_columns(pl.lit(None, pl.String).alias(UNSEEN))
                marked.write_csv(target, include_header=False)

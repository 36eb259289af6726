"""One part is read, checked, answered and written: a function of paths and places, run anywhere."""

import os
import socket
from collections.abc import Callable
from functools import partial
from glob import escape
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from modelkeep.scoring.answers import UNSEEN, Answerer, marked
from modelkeep.scoring.ledger import PARTIAL, Ledger, Record, unwritable
from modelkeep.scoring.sources import Part, read_part
from modelkeep.unseen import Unseen
from modelkeep_core.checking import check_block
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.leftover import discard
from modelkeep_core.packaged import MANIFEST, Packaged, open_package
from modelkeep_core.problems import problems_of, report
from modelkeep_core.visible import in_line

# Probabilities hardly become smaller by a stronger one, which takes longer
COMPRESSION: Final = "snappy"


class Settings(NamedTuple):
    """How parts are answered.

    Attributes:
        package: the directory of the package.
        manifest: the SHA-256 of its manifest.
        trust_code: whether code of a project that it carries may run.
        explained: whether predictions are explained.
        set_aside: whether rows that break the schema are left out, and their cells listed.
        always_marked: whether every part has the column of unseen categories; else those have it
            in which there are some.
        shown: what messages call the package.
    """

    package: Path
    manifest: str
    trust_code: bool
    explained: bool
    set_aside: bool
    always_marked: bool
    shown: str


_open: dict[Settings, tuple[Packaged, Answerer]] = {}


def score_part(settings: Settings, ledger: Ledger, part: Part) -> Record:
    """Write one part of the output, whole or not at all, and return its record.

    Raises:
        UserError: rows break the schema, or the part cannot be read or written.
    """
    package, answerer = _opened(settings)
    schema, names = package.schema, list(package.schema.features)
    given = read_part(part, [])
    read = given if part.table.text is None else read_part(part, schema.missing_values)
    cells, broken = check_block(read, schema, names, part.first + 1)
    if len(broken) and not settings.set_aside:
        problems = problems_of(broken, names, Path(part.table.name).name)
        seen = part.first + part.rows
        where = "" if part.first == 0 else f" (in rows {part.first + 1} to {seen})"
        raise UserError(
            f"{part.table.shown} breaks {settings.shown}/schema.yaml{where}:\n{report(problems)}"
        )
    bad = broken["row"].unique()
    if len(bad):
        numbers = pl.int_range(
            part.first + 1, part.first + 1 + part.rows, dtype=pl.UInt64, eager=True
        )
        kept = ~numbers.is_in(bad.implode())
        _write(ledger.bad_cells(part), _with_cells(broken, given, part).write_csv)
        given, cells = given.filter(kept), cells.filter(kept)
    added = answerer.columns(cells)
    strange = answerer.strange(cells)
    if strange or (settings.always_marked and answerer.learned):
        added[UNSEEN] = marked(len(cells), strange)
    scored = given.with_columns(**added)
    out = ledger.place / part.output
    csv = out.suffix == ".csv"
    _write(out, scored.write_csv if csv else partial(scored.write_parquet, compression=COMPRESSION))
    record = {
        "input": {
            "name": part.table.name,
            "sha256": part.table.sha256,
            "first_row": part.first + 1,
            "rows": part.rows,
        },
        "output": {"name": part.output, "sha256": sha256(out), "rows": len(scored)},
        "bad_rows": len(bad),
        "categories": _counted(strange, answerer, cells),
    }
    ledger.write(part, record)
    return record


def lend(settings: Settings, package: Packaged) -> tuple[Packaged, Answerer]:
    """Let the parts that this process scores use a package that is open; return what they use.

    Of a package that was lent before, what was made stays: the manifest has the hash of every file.
    """
    there = _open.get(settings)
    if there is None:
        there = package, Answerer(package, settings.explained)
        _open.clear()
        _open[settings] = there
    return there


def _opened(settings: Settings) -> tuple[Packaged, Answerer]:
    """Return the package, which is loaded once in each process."""
    if there := _open.get(settings):
        return there
    directory = settings.package
    if sha256(directory / MANIFEST) != settings.manifest:
        raise UserError(f"{directory} is not the package that the run began with.")
    return lend(settings, open_package(directory, settings.trust_code))


def _with_cells(broken: pl.DataFrame, given: pl.DataFrame, part: Part) -> pl.DataFrame:
    """Return columns file, row, column, rule and value for cells that break a rule."""
    values = [given[row - part.first - 1, column] for row, column, _ in broken.iter_rows()]
    texts = [None if value is None else in_line(str(value)) for value in values]
    return broken.select(
        pl.lit(part.table.name).alias("file"),
        *("row", "column", "rule"),
        pl.Series("value", texts, dtype=pl.String),
    )


def _counted(strange: list[Unseen], answerer: Answerer, cells: pl.DataFrame) -> dict[str, list]:
    """Return for each category with values: how many no training row had, of how many, and one."""
    by_name = {column.column: column for column in strange}
    counted = {}
    for name in answerer.learned:
        present = len(cells) - cells[name].null_count()
        column = by_name.get(name)
        rows, example = (len(column.rows), column.example) if column else (0, "")
        counted[name] = [rows, present, example]
    return counted


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name, and give it its own when it is whole."""
    begun = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}{PARTIAL}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{escape(path.name)}.*{PARTIAL}"):
            left.unlink(missing_ok=True)
        write(begun)
        os.replace(begun, path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise unwritable(path, error) from None
    finally:
        discard(begun)

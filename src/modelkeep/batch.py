"""A package and tables → the tables with the model's predictions."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import polars as pl

from modelkeep.scoring.afar import Afar, at_url, tracked
from modelkeep.scoring.answers import UNSEEN
from modelkeep.scoring.finishing import TOOL, joined, manifest_of, strange_in, write_bad_cells
from modelkeep.scoring.ledger import MANIFEST, RECORDS, Ledger, LedgerAfar, Record, unwritable
from modelkeep.scoring.progress import Progress
from modelkeep.scoring.sources import Part, Table, files_at, opened, parts_of
from modelkeep.scoring.task import Settings, lend, score_part
from modelkeep_core import packaged
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256, write_json
from modelkeep_core.packaged import Packaged, open_package
from modelkeep_core.problems import header_problems, report
from modelkeep_core.workers import Workers

FILES = (".csv", ".parquet")
# Beside an output file: its parts, until all are there
PARTS = ".parts"


class Shard(NamedTuple):
    """One of several runs that share the work: the number of it, from 1, and how many there are."""

    number: int
    total: int


ALL = Shard(1, 1)


class Wanted(NamedTuple):
    """How tables are to be scored: the arguments of `predict_file`."""

    trust_code: bool
    encoding: str | None
    explained: bool
    bad_rows: Path | None
    manifest: Path | None
    shard: Shard


def warn(sentence: str) -> None:
    """Tell a person on standard error."""
    print(sentence, file=sys.stderr)


def predict_file(
    package: Path,
    source: Path | str,
    out: Path | str,
    trust_code: bool = False,
    encoding: str | None = None,
    explained: bool = False,
    say: Callable[[str], object] = warn,
    bad_rows: Path | None = None,
    manifest: Path | None = None,
    shard: Shard = ALL,
) -> int:
    """Score every row of some tables and write them with the predictions.

    Besides CSV and Parquet, a table may be in any file that `modelkeep adopt` takes.
    The output has the columns of the input and "prediction"; where the model gives
    probabilities, also "probability of CLASS" for each class, and where it has intervals, "lower"
    and "upper". Where a row has a category that no training row had, "unseen categories" names its
    column. Tables are read, answered and written in parts, so that memory does not grow with them.
    A file appears whole or not at all; so does each part in a directory. What is there and whole
    is not done again.

    Args:
        package: the directory of a package.
        source: a table, or a directory of tables, with at least the feature columns of the
            package's schema: a path, also one that DVC tracks and that is not checked out; or a
            URL that DVC knows, such as s3://bucket/path. Copies are then made on this disk.
        out: the file to write, .csv or .parquet; or a directory, for parts. It may be a URL.
        trust_code: whether code of a project that the package carries may run.
        encoding: the encoding that a person says the tables have.
        explained: whether to add what each feature contributes to each prediction, and the base
            to which that adds up.
        say: takes what a person should know, in a line.
        bad_rows: the file for the cells that break the schema, whose rows are left out; None where
            such a row stops the run.
        manifest: the file for the manifest; in a directory there is one anyway.
        shard: which share of the parts is scored, where the output is a directory.

    Returns:
        The number of rows that were written, now or by an earlier run that this one goes on with.

    Raises:
        UserError: the package or a table cannot be used, or rows break the package's schema.
    """
    wanted = Wanted(trust_code, encoding, explained, bad_rows, manifest, shard)
    given = at_url(source) if isinstance(source, str) else tracked(source) or source
    to_file = _check(given, out, wanted)
    if to_file and isinstance(out, str):
        with tempfile.TemporaryDirectory(prefix="predict-") as work:
            file = Path(work) / PurePosixPath(out).name
            how = (trust_code, encoding, explained, say, bad_rows, manifest)
            written = predict_file(package, source, file, *how)
            at_url(out).put(file)
        return written
    opened_package = open_package(package, trust_code)
    settings = Settings(
        package=package.absolute(),
        manifest=sha256(package / packaged.MANIFEST),
        trust_code=trust_code,
        explained=explained,
        set_aside=bad_rows is not None,
        always_marked=not to_file,
        shown=str(package),
    )
    options = {"explained": explained, "bad_rows_set_aside": settings.set_aside}
    decides = {
        "package": settings.manifest,
        "tool": TOOL,
        "explained": explained,
        "marked": settings.always_marked,
    }
    with tempfile.TemporaryDirectory(prefix="predict-") as work:
        parts, notes = _planned(opened_package, settings, given, out, wanted, Path(work))
        if isinstance(out, str):
            ledger: Ledger = LedgerAfar(out, Path(work) / "out", decides, settings.set_aside)
        else:
            place = out.with_name(out.name + PARTS) if to_file else out
            ledger = Ledger(place.absolute(), decides, settings.set_aside)
        ledger.begin()
        _check_beside(ledger.place, parts, bad_rows, manifest)
        share = "" if shard == ALL else f"{shard.number}-of-{shard.total}"
        with ledger.held(share), _kept_if_begun(ledger, to_file):
            if shard == ALL:
                ledger.drop_others(parts)
            records = _scored(settings, ledger, parts, say)
            outputs = [ledger.place / part.output for part in parts]
            if bad_rows:
                pairs = zip(parts, records, strict=True)
                files = [ledger.bad_cells(part) for part, record in pairs if record["bad_rows"]]
                write_bad_cells(files, bad_rows)
            if to_file:
                joined(outputs, Path(out))
        facts = manifest_of(opened_package.metadata, settings.manifest, options, records)
        if to_file:
            shutil.rmtree(ledger.place)
        else:
            ledger.finish(_manifest_name(shard), facts)
    if manifest:
        try:
            write_json(manifest, facts)
        except OSError as error:
            raise unwritable(manifest, error) from None
    for note in notes:
        say(f"note: {note}")
    for column in strange_in(records):
        say(f"{'warning' if column.all else 'note'}: {column}.")
    if facts["bad_rows"]:
        broken = "1 row breaks" if facts["bad_rows"] == 1 else f"{facts['bad_rows']} rows break"
        say(f"note: {broken} the schema: {bad_rows} says how.")
    rows: int = facts["rows"]
    return rows


def _check(source: Path | Afar, out: Path | str, wanted: Wanted) -> bool:
    """Refuse an output that cannot be written; return whether it is a file."""
    suffix = PurePosixPath(out).suffix
    here = isinstance(out, Path) and out.is_dir()
    to_file = bool(suffix) and not (here and suffix not in FILES)
    shown = source.shown if isinstance(source, Afar) else source
    if to_file and (source.is_directory() if isinstance(source, Afar) else source.is_dir()):
        raise UserError(f"{shown} is a directory of tables: write to a directory, not to {out}.")
    if to_file and suffix not in FILES:
        raise UserError(
            f"{out}: the name of the output must end in .csv or .parquet, or be a directory."
        )
    if to_file and here:
        raise UserError(f"{out} cannot be written: it is a directory.")
    if to_file and wanted.shard.total > 1:
        raise UserError(f"{out}: shards write parts: give a directory for the output.")
    if isinstance(out, str):
        _check_apart(at_url(out), source)
    paths = [path for path in (out, wanted.bad_rows, wanted.manifest) if isinstance(path, Path)]
    for number, path in enumerate(paths):
        _check_place(path, source, out)
        if path.resolve() in {other.resolve() for other in paths[:number]}:
            raise UserError(f"{path} is to be written twice: give each file a name of its own.")
    return to_file


def _check_beside(place: Path, parts: list[Part], *files: Path | None) -> None:
    """Refuse a file that is a part, or lies among the records of a run."""
    outputs = {part.output for part in parts}
    for path in filter(None, files):
        whole, around = path.resolve(), place.resolve()
        if around in whole.parents:
            name = whole.relative_to(around).as_posix()
            if name in outputs or name.startswith(f"{RECORDS}/"):
                raise UserError(f"{path} is a file of the output: write somewhere else.")


def _check_apart(out: Afar, source: Path | Afar) -> None:
    """Refuse an output at a URL that is the source, or in it, or around it."""
    if isinstance(source, Afar) and type(source.filesystem) is type(out.filesystem):
        places = [f"{place.path.rstrip('/')}/" for place in (source, out)]
        if places[0].startswith(places[1]) or places[1].startswith(places[0]):
            raise UserError(f"{out.shown} is in {source.shown}, or around it: write elsewhere.")


def _check_place(path: Path, source: Path | Afar, out: Path | str) -> None:
    """Refuse a path on this disk that cannot be written, or is read."""
    if path.is_dir() and path != out:
        raise UserError(f"{path} cannot be written: it is a directory.")
    if not path.parent.is_dir() and path.parent != out:
        raise UserError(f"{path.parent} is no directory: make it, or write somewhere else.")
    # What DVC tracks would be checked out to its own path
    given = Path(source.shown) if isinstance(source, Afar) else source
    if path.resolve() == given.resolve():
        kind = "directory" if path.is_dir() else "file"
        raise UserError(f"{path} is the {kind} to score: write the predictions somewhere else.")
    inside = given.is_dir() or isinstance(source, Afar)
    if inside and given.resolve() in path.resolve().parents:
        raise UserError(f"{path} is in {given}, which is read: write somewhere else.")


def _planned(
    package: Packaged,
    settings: Settings,
    source: Path | Afar,
    out: Path | str,
    wanted: Wanted,
    work: Path,
) -> tuple[list[Part], list[str]]:
    """Return the parts of this run, and how the tables were read, in sentences.

    Raises:
        UserError: a table cannot be read, or its columns are not those of the schema.
    """
    files, left = files_at(source)
    number, total = wanted.shard
    whole_files = len(files) >= total
    if whole_files:
        files = files[number - 1 :: total]
    name = source.shown if isinstance(source, Afar) else source.name
    notes = [f"files in {name} that are no tables and left out: {left}"] if left else []
    names = list(package.schema.features)
    parts: list[Part] = []
    no_rows = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    _, answerer = lend(settings, package)
    added = {*answerer.columns(no_rows)}
    suffix = PurePosixPath(out).suffix
    for place, given in enumerate(files):
        table, read = opened(given, package.schema, work / str(place), wanted.encoding)
        notes += read
        _check_header(table, package, settings, added)
        parts += parts_of(table, suffix if suffix in FILES else table.kind)
    outputs: dict[str, Table] = {}
    for part in parts:
        if outputs.setdefault(part.output.lower(), part.table) != part.table:
            raise UserError(
                f"{outputs[part.output.lower()].shown} and {part.table.shown} would both be "
                f"written to {part.output}: give one of them another name."
            )
    return (parts if whole_files else parts[number - 1 :: total]), notes


def _check_header(table: Table, package: Packaged, settings: Settings, added: set[str]) -> None:
    names = list(package.schema.features)
    shown = Path(table.name).name
    problems = header_problems(table.header, package.schema, names, shown)
    if problems:
        raise UserError(f"{table.shown} breaks {settings.shown}/schema.yaml:\n{report(problems)}")
    for name in table.header:
        if name in added or name == UNSEEN:
            raise UserError(
                f"{table.shown} has a column '{name}' already, which is one of the output."
            )


def _scored(
    settings: Settings, ledger: Ledger, parts: list[Part], say: Callable[[str], object]
) -> list[Record]:
    """Score what is not there yet, and return the records of all parts."""
    records = {part.output: ledger.record(part) for part in parts}
    left = [part for part in parts if records[part.output] is None]
    if len(left) < len(parts):
        there = len(parts) - len(left)
        say(f"note: {there} of {len(parts)} parts {'is' if there == 1 else 'are'} there already.")
    if left:
        ledger.unfinished()
    progress = Progress(sum(part.rows for part in left))
    try:
        with Workers[Record](len(left)) as workers:
            done = workers.run(
                score_part,
                [(settings, ledger, part) for part in left],
                lambda place, _: progress.scored(left[place].rows),
            )
    finally:
        progress.end()
    records |= {part.output: record for part, record in zip(left, done, strict=True)}
    return [record for record in records.values() if record is not None]


@contextmanager
def _kept_if_begun(ledger: Ledger, to_file: bool) -> Iterator[None]:
    """Say how to go on after an interruption; leave no parts of a file of which none is whole."""
    try:
        yield
    except KeyboardInterrupt:
        if ledger.records():
            warn("\nWhat is done stays: the same command goes on with what is left.")
        raise
    finally:
        if to_file and not ledger.records():
            shutil.rmtree(ledger.place, ignore_errors=True)


def _manifest_name(shard: Shard) -> str:
    if shard == ALL:
        return MANIFEST
    return f"{Path(MANIFEST).stem}-{shard.number}-of-{shard.total}.json"

"""The tables of data packages, as files: text as it is, what only Python reads as CSV."""

import hashlib
import random
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

TEXT = (".csv", ".tsv", ".csv.gz")
ENDS = (*TEXT, ".pkl.compress", ".csv.bz2", ".dta")
ROW_NAMES = ("rownames", "row_names", "unnamed: 0")
LEAST_ROWS, MOST_ROWS = 50, 5000
# A column of at most so many values is one of classes
CLASSES = 10


def tables(
    packages: Path, work: Path, seed: int, most: int | None = None
) -> Iterator[tuple[str, Path]]:
    """Yield name and file of every table of at least LEAST_ROWS rows, in a random order, once.

    Args:
        packages: directories with tables, one of each package or repository.
        work: a directory for what must be written anew.
        seed: of the order.
        most: so many tables at most of one directory; None for all.
    """
    seen, taken = set(), Counter[str]()
    given = [*_in_archives(packages, work)]
    given += [(path.relative_to(packages).as_posix(), path) for path in packages.rglob("*")]
    given = sorted(pair for pair in given if pair[0].endswith(ENDS))
    random.Random(seed).shuffle(given)
    for name, path in given:
        origin = name.partition("/")[0]
        if most and taken[origin] >= most:
            continue
        file = path if path.name.endswith(TEXT) else _written(path, work)
        content = file.read_bytes() if file else b""
        digest = hashlib.sha256(content).digest()
        if digest not in seen and content.count(b"\n") + content.count(b"\r") >= LEAST_ROWS:
            seen.add(digest)
            taken[origin] += 1
            yield name, file


def table_of(path: Path) -> pd.DataFrame | None:
    """Read a table as a person would who does not look, or return None where that fails."""
    try:
        return pd.read_csv(path, sep=None, engine="python", encoding_errors="replace")
    except Exception:
        return None


def targets(table: pd.DataFrame) -> list[str]:
    """Return the last column of few values and the last number, by the names in the file.

    A usable column has LEAST_ROWS cells that are not all alike. Row names, which R puts first, are
    none.
    """
    usable = [
        name
        for name in table
        if table[name].count() >= LEAST_ROWS
        and table[name].nunique() > 1
        and name.lower() not in ROW_NAMES
    ]
    if len(usable) < 2:
        return []
    classes = [name for name in usable if table[name].nunique() <= CLASSES]
    numbers = [
        name
        for name in usable
        if pd.api.types.is_numeric_dtype(table[name]) and table[name].nunique() > CLASSES
    ]
    return [*classes[-1:], *numbers[-1:]]


def _in_archives(packages: Path, work: Path) -> Iterator[tuple[str, Path]]:
    for archive in sorted(packages.rglob("resources.tar.gz")):
        with tarfile.open(archive) as opened:
            for member in opened.getmembers():
                inside = Path(member.name)
                if inside.suffix == ".csv" and not inside.name.startswith("."):
                    target = work / f"{archive.parent.name}-{inside.name}"
                    target.write_bytes(opened.extractfile(member).read())
                    yield f"{archive.parent.name}/{inside.name}", target


def _written(path: Path, work: Path) -> Path | None:
    """Write a table that pandas alone reads as CSV, and return where; None if it is no table."""
    target = Path(tempfile.mkdtemp(dir=work)) / (path.name.split(".")[0] + ".csv")
    try:
        if path.suffix == ".compress":
            table = pd.read_pickle(path, "xz")
        else:
            table = pd.read_stata(path) if path.suffix == ".dta" else pd.read_csv(path)
        table.to_csv(target, index=False)
    except Exception:
        return None
    return target

"""What is done of a run: a record beside each part, and the manifest when all are there."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from modelkeep.appearing import locked
from modelkeep.scoring.afar import at_url
from modelkeep.scoring.sources import Part
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256, write_json

# Where records are, in the directory of the parts; and the ending of the cells that break a rule
RECORDS, BAD = ".parts", ".bad.csv"
MANIFEST = "manifest.json"
# Held by the runs that write there
LOCK = "lock"
# What a run that was killed leaves of a part
PARTIAL = ".partial"

Record = dict[str, Any]


class Ledger:
    """The parts of a directory.

    Args:
        place: the directory.
        decides: what decides the bytes of every part, as plain data.
        set_aside: whether a part may lack rows that break the schema.
    """

    def __init__(self, place: Path, decides: dict[str, Any], set_aside: bool) -> None:
        self.place = place
        self._set_aside = set_aside
        self._decides = decides

    def begin(self) -> None:
        """Make the directory.

        Raises:
            UserError: something else is in it already.
        """
        if self.place.is_dir() and not (self.place / RECORDS).is_dir():
            for path in self.place.iterdir():
                raise foreign(self.place, path.name)
        try:
            (self.place / RECORDS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.place, error) from None

    @contextmanager
    def held(self, share: str) -> Iterator[None]:
        """Keep other runs from writing the same parts meanwhile; it ends with the process.

        Args:
            share: the name of the share of the parts that this run writes; empty for all of them.

        Raises:
            UserError: another run does.
        """
        locks = [(LOCK, not share), *([(f"{LOCK}-{share}", True)] if share else [])]
        with ExitStack() as files:
            for name, exclusive in locks:
                file = files.enter_context((self.place / RECORDS / name).open("w"))
                if not locked(file.fileno(), exclusive):
                    raise UserError(
                        f"another run writes to {self.place} now: wait for its end, or stop it."
                    )
            yield

    def key(self, part: Part) -> str:
        """Return a hash of all that decides the bytes of a part."""
        what = [self._decides, part.table.sha256, part.first, part.rows, part.output]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def record(self, part: Part) -> Record | None:
        """Return the record of a part that is there and whole; None of any other."""
        try:
            record = read_json(self._beside(part.output, ".json"))
            whole = record["key"] == self.key(part) and record["output"]["sha256"] == sha256(
                self.place / part.output
            )
            listed = self._set_aside and self.bad_cells(part).is_file()
            whole = whole and (record["bad_rows"] == 0 or listed)
        except (OSError, UserError, KeyError, TypeError):
            return None
        return record if whole else None

    def write(self, part: Part, record: Record) -> None:
        """Take down that a part is whole."""
        self._put(self._beside(part.output, ".json"), {"key": self.key(part), **record})

    def bad_cells(self, part: Part) -> Path:
        """Return the file with the cells of a part that break a rule."""
        return self._beside(part.output, BAD)

    def records(self) -> list[Path]:
        """Return the files of the records that there are."""
        return sorted((self.place / RECORDS).rglob("*.json"))

    def drop_others(self, parts: Iterable[Part]) -> None:
        """Remove the parts of an earlier run that this run does not have."""
        kept = {f"{part.output}.json" for part in parts}
        records = self.place / RECORDS
        for path in self.records():
            name = path.relative_to(records).as_posix()
            if name not in kept:
                output = name.removesuffix(".json")
                for file in (self.place / output, self._beside(output, BAD), path):
                    file.unlink(missing_ok=True)

    def finish(self, name: str, facts: Record) -> None:
        """Write the manifest."""
        self._put(self.place / name, facts)

    def unfinished(self) -> None:
        """Remove the manifest, which says that all is whole."""
        (self.place / MANIFEST).unlink(missing_ok=True)

    def _put(self, path: Path, facts: Record) -> None:
        try:
            write_json(path, facts)
        except OSError as error:
            raise unwritable(path, error) from None

    def _beside(self, output: str, ending: str) -> Path:
        return self.place / RECORDS / f"{output}{ending}"


class LedgerAfar(Ledger):
    """The parts of a directory at a URL; each is made on this disk, and then copied there.

    A storage gives a file its name when all of it has arrived. Records are kept on this disk too.

    Args:
        url: of the directory.
        place: a directory on this disk, which the caller removes.
        decides: what decides the bytes of every part, as plain data.
        set_aside: whether a part may lack rows that break the schema.
    """

    def __init__(self, url: str, place: Path, decides: dict[str, Any], set_aside: bool) -> None:
        super().__init__(place, decides, set_aside)
        self._url = url

    def begin(self) -> None:
        """Bring the records of an earlier run.

        Raises:
            UserError: something else is in the directory already, or it cannot be reached.
        """
        super().begin()
        afar = at_url(self._url)
        files = afar.files()
        records = [(name, path) for name, path in files if name.startswith(f"{RECORDS}/")]
        if files and not records:
            raise foreign(self._url, files[0][0])
        for name, path in records:
            afar.bring(path, self.place / name)

    def record(self, part: Part) -> Record | None:
        """Return the record of a part that is there and whole; None of any other."""
        afar, copy = at_url(self._url), self.place / part.output
        if self._beside(part.output, ".json").is_file():
            afar.bring_if_there(part.output, copy)
        try:
            return super().record(part)
        finally:
            copy.unlink(missing_ok=True)

    def write(self, part: Part, record: Record) -> None:
        """Copy a part to the directory, and take down that it is whole."""
        super().write(part, record)
        bad = [self.bad_cells(part)] if record["bad_rows"] else []
        for file in (self.place / part.output, *bad, self._beside(part.output, ".json")):
            self._copy(file)
        (self.place / part.output).unlink()

    def drop_others(self, parts: Iterable[Part]) -> None:
        """Remove the parts of an earlier run that this run does not have."""
        before = {*self.records()}
        super().drop_others(parts)
        for record in before - {*self.records()}:
            output = record.relative_to(self.place / RECORDS).as_posix().removesuffix(".json")
            for name in (output, f"{RECORDS}/{output}{BAD}", f"{RECORDS}/{output}.json"):
                at_url(self._url).remove(name)

    def finish(self, name: str, facts: Record) -> None:
        """Write the manifest."""
        super().finish(name, facts)
        self._copy(self.place / name)

    def unfinished(self) -> None:
        """Remove the manifest, which says that all is whole."""
        at_url(self._url).remove(MANIFEST)

    def _copy(self, file: Path) -> None:
        at_url(self._url).put(file, file.relative_to(self.place).as_posix())


def foreign(place: Path | str, name: str) -> UserError:
    """Return the mistake that a directory holds something else already."""
    return UserError(
        f"{place} has {name} in it, which is not of such a run: write to a directory of its own."
    )


def unwritable(path: Path, error: Exception) -> UserError:
    """Return the mistake that a place cannot be written; Polars has errors of its own for that."""
    reason = getattr(error, "strerror", None) or str(error).rpartition("IO error: ")[2]
    reason = re.sub(r" \(os error \d+\)$", "", reason)
    return UserError(f"{path} cannot be written: {reason}.")

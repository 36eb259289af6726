"""What is done of a run: a record beside each part, and the manifest when all are there."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modelkeep.scoring.sources import Part
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256, write_json

# Where records are, in the directory of the parts; and the ending of the cells that break a rule
RECORDS, BAD = ".parts", ".bad.csv"
MANIFEST = "manifest.json"
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
                raise UserError(
                    f"{self.place} has {path.name} in it, which is not of such a run: write to a "
                    "directory of its own."
                )
        try:
            (self.place / RECORDS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.place, error) from None

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
        write_json(self._beside(part.output, ".json"), {"key": self.key(part), **record})

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

    def _beside(self, output: str, ending: str) -> Path:
        return self.place / RECORDS / f"{output}{ending}"


def unwritable(path: Path, error: OSError) -> UserError:
    """Return the mistake that a place cannot be written."""
    return UserError(f"{path} cannot be written: {error.strerror or error}.")

"""What is recorded in the place of private values: a word, or a hash under a key.

With a key, the same value has the same hash, so that it can be counted and be found again by who
has the key; without the key, a hash says nothing (HMAC, RFC 2104, with SHA-256).
"""

import hmac
import os
from datetime import UTC, datetime
from typing import Any

from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column, Schema
from modelkeep_core.visible import counted

# The variable that holds the key, and what is recorded where there is none
KEY, HIDDEN = "SERVING_PRIVATE_KEY", "private"
# How many hexadecimal digits of a hash are recorded: enough that no two values meet
DIGITS = 32
LEAST = 16


class Hider:
    """Puts something else in the place of the private values of rows.

    Attributes:
        places: where the private features are in a row.
    """

    def __init__(self, schema: Schema, key: bytes | None) -> None:
        """Prepare for rows in the order of the schema's features.

        Args:
            schema: the contract.
            key: under which values are hashed, or None for none.
        """
        columns = enumerate(schema.features.items())
        self.places = {place: name for place, (name, column) in columns if column.private}
        self._columns = schema.features
        self._key = key

    def rows(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Return rows in which private values, but for missing ones, are hidden."""
        if not self.places:
            return rows
        return [
            [
                self.value(self.places[place], cell) if place in self.places else cell
                for place, cell in enumerate(row)
            ]
            for row in rows
        ]

    def value(self, name: str, value: Any) -> str | None:
        """Return what stands for a value of a column; None where it is missing."""
        if value is None:
            return None
        if self._key is None:
            return HIDDEN
        text = f"{name}\0{plain(value, self._columns[name])}".encode()
        return hmac.digest(self._key, text, "sha256").hex()[:DIGITS]


def plain(value: Any, column: Column) -> str:
    """Return a value of a column in one spelling.

    Whole numbers are without a point, booleans "true" and "false", datetimes ISO 8601 in UTC, as
    the model takes them.
    """
    if column.type == "datetime":
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def private_key() -> bytes | None:
    """Return the key for private values, or None where none is set.

    Raises:
        UserError: it is too short to be one.
    """
    key = os.environ.get(KEY)
    if key is None:
        return None
    key = key.strip("\r\n")
    if len(key) < LEAST:
        raise UserError(
            f"{KEY} has {counted(len(key), 'character')}: give it at least {LEAST}, such as what "
            "`openssl rand -hex 32` prints, or unset it to record nothing of private values."
        )
    return os.fsencode(key)

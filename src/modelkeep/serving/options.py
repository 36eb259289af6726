"""How the server is run: what the command line says, handed to each worker process."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Self

from modelkeep_core.errors import UserError

# The variables that workers inherit
SETTINGS, API_KEY = "SERVING_SETTINGS", "SERVING_API_KEY"
# Bytes of a key, which has to fit into the head of a request
LONGEST_KEY = 4096


@dataclass(frozen=True)
class Settings:
    """What a worker must know.

    Attributes:
        current: the file that says which package is to be served.
        records: the file for the records, or None.
        keep_inputs: whether inputs are recorded.
        keep_days: how many days a record is kept, or None for ever.
        max_rows: how many rows a request may have.
        max_bytes: how many bytes the body of a request may have.
        timeout: how many seconds a request may take.
        hosts: the names by which clients may call the server, or None for any.
        site: the address of the page of all versions, or None.
    """

    current: str
    records: str | None
    keep_inputs: bool
    keep_days: float | None
    max_rows: int
    max_bytes: int
    timeout: float
    hosts: list[str] | None = None
    site: str | None = None

    def hand_over(self) -> None:
        """Leave the settings where the workers find them."""
        os.environ[SETTINGS] = json.dumps(asdict(self))

    @classmethod
    def handed_over(cls) -> Self:
        """Return what `hand_over` left."""
        return cls(**json.loads(os.environ[SETTINGS]))


def api_key() -> str | None:
    """Return the key that requests must carry, or None where none is set.

    It is read from the environment, so that neither a command line nor a file shows it. A line end
    after it, as files with secrets have, is no part of it.

    Raises:
        UserError: it is set and empty, which is a secret that was not filled in; or no field of a
            head can carry it.
    """
    key = os.environ.get(API_KEY)
    if key is None:
        return None
    key = key.strip("\r\n")
    if not key.strip():
        raise UserError(
            f"{API_KEY} is set and empty: give it the key, or unset it to let everybody in who "
            "reaches the server."
        )
    if key != key.strip() or not key.isprintable() or len(key.encode()) > LONGEST_KEY:
        raise UserError(
            f"{API_KEY} could not be sent by anybody: a key has no blank at its ends, no line end "
            f"or other control character, and at most {LONGEST_KEY:,} bytes."
        )
    return key

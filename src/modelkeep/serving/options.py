"""How the server is run: what the command line says, handed to each worker process."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Self

# The variables that workers inherit
SETTINGS, API_KEY = "SERVING_SETTINGS", "SERVING_API_KEY"


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
    """

    current: str
    records: str | None
    keep_inputs: bool
    keep_days: float | None
    max_rows: int
    max_bytes: int
    timeout: float

    def hand_over(self) -> None:
        """Leave the settings where the workers find them."""
        os.environ[SETTINGS] = json.dumps(asdict(self))

    @classmethod
    def handed_over(cls) -> Self:
        """Return what `hand_over` left."""
        return cls(**json.loads(os.environ[SETTINGS]))


def api_key() -> str | None:
    """Return the key that requests must carry, or None where none is set.

    It is read from the environment, so that neither a command line nor a file shows it.
    """
    return os.environ.get(API_KEY) or None

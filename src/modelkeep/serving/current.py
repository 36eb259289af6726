"""Which package is to be served: a small file between the process that fetches and the workers."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from modelkeep_core.files import read_json, write_text


@dataclass(frozen=True)
class Current:
    """The package to be served.

    Attributes:
        package: its directory.
        version: its version number, or "" where it was not fetched by one.
        stage: the stage that it is assigned to, or "".
        failure: why the last look for a newer version failed, or "".
        trust_code: whether somebody vouches for the code of a project that it may carry.
    """

    package: str
    version: str = ""
    stage: str = ""
    failure: str = ""
    trust_code: bool = False

    def write(self, path: Path) -> None:
        """Write the file; it appears whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            UserError: it is missing or damaged.
        """
        return cls(**read_json(path))

"""Which package is to be served: a small file between the process that fetches and the workers."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from modelkeep_core.errors import UserError
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
        asked: what it is the answer to: repository, model, stage, version and the file of allowed
            signers; "" for a directory.
        manifest: the SHA-256 of the manifest that Git vouched for when it was fetched, or "".
        every: how often somebody looks for a newer version, in seconds, and touches this file
            after each look; 0 where nobody looks.
        counter: the number of the last signed tag that decides what is in the stage, or 0.
    """

    package: str
    version: str = ""
    stage: str = ""
    failure: str = ""
    trust_code: bool = False
    asked: str = ""
    manifest: str = ""
    every: float = 0.0
    counter: int = 0

    def write(self, path: Path) -> None:
        """Write the file; it appears whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            UserError: it is missing or damaged.
        """
        content = read_json(path)
        try:
            current = cls(**content)
        except TypeError:
            raise UserError(f"{path} was not written by this version of modelkeep.") from None
        for field in fields(cls):
            if type(getattr(current, field.name)) is not field.type:
                raise UserError(f"{path} has a value of another kind for '{field.name}'.")
        return current

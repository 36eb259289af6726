"""The file of allowed signers, as Git and ssh-keygen read it, and the stages of each signer.

A line is `NAMES [OPTIONS] KEYTYPE KEY`. Of the namespaces that a key may sign for, Git's is "git";
those that begin with "stage:" are stages that the signer may release to, and mean nothing to Git.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from modelkeep.registry.tags import STAGE

_NAMES = re.compile(r'(?:"([^"]*)"|(\S+))\s+(.*)')
_OPTIONS = re.compile(r'((?:[^\s"]|"[^"]*")+)\s+(.*)')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,|$)')
_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-\S+)\s+([A-Za-z0-9+/]+=*)(?:\s.*)?")
_OF_STAGE = "stage:"
_DATES = ("valid-after", "valid-before")


@dataclass(frozen=True)
class Signer:
    """A line of the file.

    Attributes:
        name: the first of its names.
        key: the public key, as SSH writes it in binary.
        stages: the stages that the signer may release to; None for all.
        line: the line, as it stands in the file.
        undated: the same without the dates between which the key is valid.
    """

    name: str
    key: bytes
    stages: frozenset[str] | None
    line: str
    undated: str

    def may_release_to(self, stage: str | None) -> bool:
        """Say whether the word of the signer counts for a stage; for a version (None), it does."""
        return stage is None or self.stages is None or stage in self.stages


def read_signers(content: bytes) -> list[Signer]:
    """Return the signers of a file, in its order.

    A line that cannot be read allows nobody; neither does one of a certificate authority.
    """
    text = content.decode("utf-8", errors="replace")
    lines = (line.strip() for line in text.splitlines())
    signers = (_signer(line) for line in lines if line and not line.startswith("#"))
    return [signer for signer in signers if signer]


def _signer(line: str) -> Signer | None:
    named = _NAMES.fullmatch(line)
    if not named:
        return None
    names, rest = named[1] or named[2], named[3]
    given = None if _KEY.fullmatch(rest) else _OPTIONS.fullmatch(rest)
    key = _KEY.fullmatch(given[2] if given else rest)
    options = _OPTION.findall(given[1]) if given else []
    if not key or any(name.lower() == "cert-authority" for name, _ in options):
        return None
    try:
        binary = base64.b64decode(key[2], validate=True)
    except binascii.Error:
        return None
    kept = [
        f'{name}="{value}"' if value else name
        for name, value in options
        if name.lower() not in _DATES
    ]
    words = [f'"{names}"', ",".join(kept), key[1], key[2]]
    name = names.split(",")[0]
    return Signer(name, binary, _stages(options), line, " ".join(filter(None, words)))


def _stages(options: list[tuple[str, str]]) -> frozenset[str] | None:
    """Return the stages among the namespaces; one that cannot be read stands for none."""
    spaces = [
        space.strip()
        for name, value in options
        if name.lower() == "namespaces"
        for space in value.split(",")
    ]
    named = [space.partition(_OF_STAGE)[2] for space in spaces if space.startswith(_OF_STAGE)]
    if not any(_OF_STAGE in space for space in spaces):
        return None
    return frozenset(stage for stage in named if STAGE.fullmatch(stage))

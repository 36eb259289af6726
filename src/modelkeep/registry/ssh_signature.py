"""The SSH signature of a tag, checked by ssh-keygen: who signed it, or why that does not count.

ssh-keygen is started from the PATH, in a directory of its own and with files that are written here:
no setting of a repository takes part.
"""

import base64
import binascii
import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelkeep.registry.allowed_signers import Signer
from modelkeep_core.errors import UserError, reason_of

PROGRAM = "ssh-keygen"
# Seconds that a check may take; it takes milliseconds.
PATIENCE = 60
# Git takes the last of these for the beginning of the signature.
_BEGIN = re.compile(
    rb"^-----BEGIN (SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----\r?$", re.MULTILINE
)
_ARMOUR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----"
)
_MAGIC = b"SSHSIG"


@dataclass(frozen=True)
class Judgement:
    """What a signature is worth.

    Attributes:
        signers: the allowed signers whose signature it is; none where it does not count.
        word: why it does not count, in a word or two, or "".
        reason: the same as the end of a sentence that begins with the tag.
    """

    signers: tuple[Signer, ...] = ()
    word: str = ""
    reason: str = ""


UNSIGNED = Judgement(word="not signed", reason="is not signed")


def judge(tag: bytes, when: datetime, allowed: Sequence[Signer]) -> Judgement:
    """Check the signature of a tag object.

    Args:
        tag: the content of the object.
        when: the date of the tag, at which the key must have been valid.
        allowed: whose signatures count.

    Raises:
        UserError: ssh-keygen cannot be run.
    """
    begins = [*_BEGIN.finditer(tag)]
    if not begins:
        return UNSIGNED
    if begins[-1][1] != b"SSH SIGNATURE":
        return Judgement(word="no SSH key", reason="is not signed with an SSH key")
    signed, signature = tag[: begins[-1].start()], tag[begins[-1].start() :]
    key = _key(signature)
    if not key:
        return Judgement(word="broken", reason="has a signature that cannot be read")
    candidates = [signer for signer in allowed if signer.key == key]
    if not candidates:
        fingerprint = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
        return Judgement(
            word="unknown key",
            reason=f"is signed with a key of no allowed signer (SHA256:{fingerprint})",
        )
    if good := [
        signer for signer in candidates if fits(signer.line, signer, signed, signature, when)
    ]:
        return Judgement(tuple(good))
    name = candidates[0].name
    if any(fits(signer.undated, signer, signed, signature, when) for signer in candidates):
        return Judgement(
            word="expired",
            reason=f"is signed by {name}, whose key was not valid on {when:%Y-%m-%d}",
        )
    return Judgement(
        word="broken",
        reason=f"has a signature with the key of {name} that does not fit it, or is not for Git",
    )


def fits(line: str, signer: Signer, signed: bytes, signature: bytes, when: datetime) -> bool:
    """Say whether a signature is that of a signer, as a line of the file allows it at a time.

    Raises:
        UserError: ssh-keygen cannot be run.
    """
    # A list of tags that are not signed does without.
    import tempfile

    # Dates without a zone are in UTC, wherever they are read.
    moment = when.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        Path(directory, "allowed").write_text(f"{line}\n", encoding="utf-8")
        Path(directory, "signature").write_bytes(signature)
        command = [
            *(program(), "-Y", "verify", "-n", "git", "-f", "allowed", "-s", "signature"),
            *("-I", signer.name, f"-Overify-time={moment}"),
        ]
        try:
            done = subprocess.run(
                command,
                cwd=directory,
                input=signed,
                env=os.environ | {"TZ": "UTC"},
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError(f"{PROGRAM} cannot check a signature: {reason_of(error)}.") from None
    return done.returncode == 0


def valid_at(signer: Signer, tag: bytes, when: datetime) -> bool:
    """Say whether a signature that was good when the tag was written would be so at a time.

    Raises:
        UserError: ssh-keygen cannot be run.
    """
    start = [*_BEGIN.finditer(tag)][-1].start()
    return fits(signer.line, signer, tag[:start], tag[start:], when)


def program() -> str:
    """Return where ssh-keygen is.

    Raises:
        UserError: it is not installed.
    """
    import shutil

    path = shutil.which(PROGRAM)
    if path is None:
        raise UserError(
            f"{PROGRAM} is not installed, which checks signatures: it comes with OpenSSH (8.8 or "
            "newer)."
        )
    return path


def _key(signature: bytes) -> bytes:
    """Return the public key that a signature names, as SSH writes it in binary; b"" for none."""
    armoured = _ARMOUR.match(signature)
    text = b"".join(armoured[1].split()) if armoured else b""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
    start = len(_MAGIC) + 8
    if not content.startswith(_MAGIC) or len(content) < start:
        return b""
    size = int.from_bytes(content[start - 4 : start])
    return content[start : start + size]

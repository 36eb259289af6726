"""Keys that sign tags, and files that say whose signatures count."""

import shutil
import subprocess
from pathlib import Path

import pytest

SIGNERS = ".modelkeep/allowed_signers"
NEEDED = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen here"
)


def make_key(directory: Path, name: str) -> Path:
    """Make a key without a passphrase, and return the file of its private half."""
    path = directory / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def signature(content: bytes, key: Path) -> bytes:
    """Return the signature of a tag's content, as Git lets ssh-keygen make it."""
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(key)]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def allowed(key: Path, options: str = "") -> str:
    """Return the line that allows a key to sign: its name, at example.org, options and key."""
    kind, public, _ = key.with_name(f"{key.name}.pub").read_text(encoding="utf-8").split()
    return " ".join(filter(None, [f"{key.name}@example.org", options, kind, public])) + "\n"


def asking(*stages: str) -> str:
    """Return a pyproject.toml that asks for signatures in stages."""
    return f"[tool.modelkeep]\nrequire_signed = {[*stages]!r}\n".replace("'", '"')

"""Follow a README: run the commands of its console blocks and hold their output against it.

A command stands behind "$ ", and the lines below it are what it prints; "..." stands for any text,
in a line or as lines. Hashes match any others, and so do dates.
"""

import os
import random
import re
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"[\w.{}-]+\.(csv|html|json|lock|md|py|toml|ya?ml)|([\w.{}-]+/)+[\w.{}-]*")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HASH = re.compile(r"\b(?:[0-9a-f]{7}|[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40,64})\b")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d( \d\d:\d\d)?\b")
MARK = "@@@ step"
# Seconds that a walk may take
PATIENCE = 1200
# Ports that no system gives to clients, so that none is taken between the choice and the start
PORTS = range(20_000, 30_000)


def files_of(readme: str) -> set[str]:
    """Return what stands for a file in code spans, and at the start of lines in text blocks."""
    texts = [text for language, text in FENCE.findall(readme) if language == "text"]
    words = [line.split()[0] for text in texts for line in text.splitlines() if line.strip()]
    words += re.findall(r"`([^`\n]+)`", FENCE.sub("", readme))
    return {word for word in words if FILE.fullmatch(word)}


@dataclass
class Step:
    """A command of a README and the output that stands below it."""

    command: str
    expected: str


def steps_of(readme: str) -> list[Step]:
    """Return the commands of all console blocks in order, each with the output below it."""
    steps = []
    for block in BLOCK.findall(readme):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command = re.match(r"(?:.*\\\n)*.*\n", part).group()
            steps.append(Step(command.strip(), part[len(command) :].strip("\n")))
    return steps


def walk(steps: list[Step], directory: Path, environment: dict[str, str]) -> list[str]:
    """Run all commands in one shell and return what each printed; a server has a free port.

    Where a command waits for ever, what it printed is the last.
    """
    port = free_port()
    lines = []
    for step in steps:
        command = step.command.replace("localhost:8000", f"localhost:{port}")
        command = command.replace("python -m serving ", f"python -m serving --port {port} ")
        lines.append(f"printf '\\n{MARK}\\n'\n{command}")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        shell = subprocess.Popen(
            ["bash", "-c", "\n".join(lines)],
            cwd=directory,
            env=environment | {"COLUMNS": "80"},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):
                shell.wait(PATIENCE)
        finally:
            # What a command leaves running ends with the walk.
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        printed.seek(0)
        return [tidy(output) for output in printed.read().split(f"\n{MARK}\n")[1:]]


def free_port() -> int:
    """Return a port of the loopback on which nobody listens."""
    while True:
        port = random.choice(PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def tidy(output: str) -> str:
    """Take away what is only there for the eye: trailing spaces and empty lines around."""
    return "\n".join(line.rstrip() for line in output.splitlines()).strip("\n")


def fits(expected: str, actual: str) -> bool:
    """Say whether the output of a command is what the README shows."""
    pattern = re.escape(_settled(expected)).replace(r"\.\.\.", ".*")
    return re.fullmatch(pattern, _settled(actual), re.DOTALL) is not None


def _settled(output: str) -> str:
    """Replace what is another on each day and in each repository."""
    return DATE.sub("2026-01-31", HASH.sub("0000000", output))


def shell_environment(home: Path) -> dict[str, str]:
    """Return the environment of a person with a Git identity and no other settings."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada Lovelace",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
    }

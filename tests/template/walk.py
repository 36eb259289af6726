"""Follow a page: run the commands of its console blocks and hold their output against it.

A command stands behind "$ ", and the lines below it are what it prints; "..." stands for any text,
in a line or as lines. Hashes match any others, and so do dates.

What a person writes into files stands in blocks of other languages, below a comment that says
where: `<!-- write FILE -->`, `<!-- insert into FILE before START -->` (the first line that starts
so) or `<!-- replace in FILE START -->`.
"""

import os
import random
import re
import shlex
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"[\w.{}-]+\.(csv|html|json|lock|md|py|toml|ya?ml)|([\w.{}-]+/)+[\w.{}-]*")
EDIT = (
    r"<!-- (?P<how>write|insert into|replace in) (?P<file>\S+)(?: before)? ?"
    r"(?P<line>[^\n]*?) -->\n+"
)
BLOCK = re.compile(
    rf"(?:^```console\n(?P<typed>.*?)|^{EDIT}```\w+\n(?P<content>.*?))^```$",
    re.DOTALL | re.MULTILINE,
)
# A command, whose lines end in a backslash but the last, and what stands up to the next one
STEP = re.compile(r"^\$ ((?:[^\n]*\\\n)*[^\n]*\n)((?:(?!\$ )[^\n]*\n)*)", re.MULTILINE)
HASH = re.compile(r"\b(?:[0-9a-f]{7}|[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40,64})\b")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d( \d\d:\d\d)?\b")
# Numbers with all of their digits, the last of which follow from the kind of processor
DIGITS = re.compile(r"(?<![\w.])-?\d+\.\d{12,}(?:e-?\d+)?\b")
MARK = "@@@ step"
SERVER = "localhost:8000"
END = "@@@ end"
# Puts the text of standard input before the first line that starts so, or in its place
INSERT = (
    "import pathlib, sys; how, file, start = sys.argv[1:]; file = pathlib.Path(file); "
    "lines = file.read_text('utf-8').splitlines(keepends=True); "
    "at = next(n for n, line in enumerate(lines) if line.startswith(start)); "
    "lines[at:at + how.startswith('replace')] = sys.stdin.read(); "
    "file.write_text(''.join(lines), 'utf-8')"
)
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


@dataclass(frozen=True)
class Step:
    """A command of a page and the output that stands below it.

    Attributes:
        command: what is typed, or what writes into a file what a person is told to write.
        expected: what it prints, without the line end.
        start, end: where the output stands in the page.
    """

    command: str
    expected: str
    start: int
    end: int


def steps_of(page: str) -> list[Step]:
    """Return the commands of all console blocks in order, each with the output below it."""
    steps = []
    for block in BLOCK.finditer(page):
        if block["typed"] is None:
            steps.append(Step(_edit(block), "", block.end(), block.end()))
            continue
        for part in STEP.finditer(page, *block.span("typed")):
            start, end = part.span(2)
            steps.append(Step(part[1].strip(), part[2].strip("\n"), start, end))
    return steps


def _edit(block: re.Match[str]) -> str:
    """Return the command that does to a file what a page tells a person to do."""
    file = shlex.quote(block["file"])
    if block["how"] == "write":
        command = f"cat > {file}"
    else:
        words = map(shlex.quote, (INSERT, block["how"], block["file"], block["line"]))
        command = f"python3 -c {' '.join(words)}"
    return f"{command} <<'{END}'\n{block['content']}{END}"


def recorded(page: str, printed: list[str]) -> str:
    """Return the page with what its commands printed, where that is not what it shows.

    Where anything is new, so are all hashes and dates: those of two walks contradict each other.
    """
    pairs = [*zip(steps_of(page), printed, strict=True)]
    if all(fits(step.expected, output) for step, output in pairs):
        return page
    for step, output in reversed(pairs):
        if "..." not in step.expected or not fits(step.expected, output):
            page = page[: step.start] + (f"{output}\n" if output else "") + page[step.end :]
    return page


def walk(steps: list[Step], directory: Path, environment: dict[str, str]) -> list[str]:
    """Run all commands in one shell and return what each printed; a server has a free port.

    Where a command waits for ever, what it printed is the last.
    """
    port = free_port()
    lines = []
    for step in steps:
        command = step.command.replace(SERVER, f"localhost:{port}")
        command = command.replace("modelkeep serve ", f"modelkeep serve --port {port} ")
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
        outputs = printed.read().replace(f"localhost:{port}", SERVER).split(f"\n{MARK}\n")[1:]
        return [tidy(output) for output in outputs]


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
    """Say whether the output of a command is what the page shows."""
    pattern = re.escape(_settled(expected)).replace(r"\.\.\.", ".*")
    return re.fullmatch(pattern, _settled(actual), re.DOTALL) is not None


def _settled(output: str) -> str:
    """Replace what is another on each day, in each repository and on each kind of processor."""
    output = DIGITS.sub(lambda number: f"{float(number[0]):.9g}", output)
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
        # On a busy machine, the threads of a tiny fit spend seconds waiting for each other.
        "OMP_NUM_THREADS": "1",
    }

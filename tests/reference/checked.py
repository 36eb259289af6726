"""A generated project that a test breaks and checks."""

from dataclasses import dataclass
from pathlib import Path

from cookiecutter.main import cookiecutter

from modelkeep.check.command import check
from modelkeep.check.findings import Finding
from project import git

TEMPLATE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Checked:
    """A project that a test breaks and checks."""

    root: Path

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def read(self, name: str) -> str:
        """Return the text of a file."""
        return (self.root / name).read_text(encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text that is in a file."""
        text = self.read(name)
        assert old in text, f"{name} has no {old!r}"
        self.write(name, text.replace(old, new, 1))

    def append(self, name: str, text: str) -> None:
        """Add a text to the end of a file."""
        self.write(name, self.read(name) + text)

    def git(self, *words: str) -> None:
        """Run Git."""
        git(self.root, *words)

    def check(self) -> list[Finding]:
        """Return what breaks a rule."""
        return check(self.root)

    def line(self, finding: Finding) -> str:
        """Return the line that a finding names."""
        return self.read(finding.file).splitlines()[finding.line - 1]


def generated(place: Path, **answers: object) -> Path:
    """Generate a project without its hooks, and let Git have it."""
    root = Path(
        cookiecutter(
            str(TEMPLATE),
            no_input=True,
            extra_context={"create_environment": False, **answers},
            output_dir=str(place),
            accept_hooks=False,
            default_config=True,
        )
    )
    git(root, "init", "--quiet", "--template=")
    git(root, "add", "--all")
    return root

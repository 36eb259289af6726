"""The generated README: it is short, and every console command prints what stands below it."""

import re
from pathlib import Path

import pytest

from conftest import PROJECT, ROOT, Bake
from walk import files_of, fits, shell_environment, steps_of, walk


def test_the_walk_sees_a_difference() -> None:
    """An output that is not what is written does not fit; dots stand for any text."""
    assert fits("rows: 3", "rows: 3")
    assert not fits("rows: 3", "rows: 4")
    assert fits("first\n...\nlast", "first\nand\nso on\nlast")
    assert not fits("first\n...", "second\n...")
    assert fits("74731e0 [looser]", "80fce22 [looser]")
    assert fits("Adelie,2.03346787435257,1", "Adelie,2.0334678743525716,1")
    assert not fits("Adelie,2.03346787435257,1", "Adelie,2.03346797435257,1")


def test_the_readme_is_short(bake: Bake, task: str) -> None:
    """What a person must read to begin fits on three screens, also where all options are on."""
    project = bake(task=task, ci="github", serving=True)
    assert len((project / "README.md").read_text("utf-8").splitlines()) <= 120


def test_the_readme_says_where_its_pages_are(bake: Bake) -> None:
    """A template that lies in a directory has no address: its pages are named with its name."""
    readme = (bake() / "README.md").read_text("utf-8")
    assert "a first day (`docs/tutorials/first-day.md` of the template)" in readme
    assert "The template is `cookiecutter-dvc-pipeline`" in readme


def test_the_pages_that_are_linked_exist() -> None:
    """Each page of the documentation that a generated file or a message leads to is there."""
    files = [
        path for path in PROJECT.rglob("*") if path.suffix in (".md", ".toml", ".yml", ".yaml")
    ]
    files += [path for path in (ROOT / "src").rglob("*.py")]
    names = {
        name
        for file in files
        for name in re.findall(
            r"\b((?:tutorials|how-to|reference|explanation)/[\w/-]+\.md)", file.read_text("utf-8")
        )
    }
    assert len(names) > 5
    for name in names:
        assert (ROOT / "docs" / name).is_file(), name


@pytest.mark.slow
def test_the_readme_shows_what_its_commands_print(
    bake: Bake, environment: Path, task: str, tmp_path: Path
) -> None:
    """Whoever types the generated README word for word sees what it shows, and finds its files."""
    project = bake(task=task)
    (project / ".venv").symlink_to(environment)
    (project / ".git" / "info" / "exclude").write_text(".venv\n", encoding="utf-8")
    readme = (project / "README.md").read_text("utf-8")
    steps = steps_of(readme)
    assert len(steps) > 15
    printed = walk(steps, project, shell_environment(tmp_path / "home"))
    assert len(printed) == len(steps), f"$ {steps[len(printed) - 1].command}\n{printed[-1]}"
    for step, output in zip(steps, printed, strict=True):
        assert fits(step.expected, output), f"$ {step.command}\n{output}\nREADME:\n{step.expected}"
    files = files_of(readme)
    assert {"package/MODEL_CARD.md", "pipeline/features.py", ".github/workflows/ci.yml"} < files
    for name in files - {".dvc/config.local"}:  # which may be there
        # Where the template is a directory, as here, its pages are named by their paths in it.
        place = ROOT if name.startswith("docs/") else project
        assert (place / name).exists(), name

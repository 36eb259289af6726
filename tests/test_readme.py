"""READMEs: every console command is run, and prints what stands below it."""

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


@pytest.mark.slow
def test_the_first_day(
    bake: Bake,
    environment: Path,
    task: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Whoever types the generated README word for word sees what it shows, and finds its files."""
    project = bake(task=task)
    (project / ".venv").symlink_to(environment)
    (project / ".git" / "info" / "exclude").write_text(".venv\n", encoding="utf-8")
    steps = steps_of((project / "README.md").read_text("utf-8"))
    assert len(steps) > 30
    person = shell_environment(tmp_path / "home")
    if task != "classification":
        # The only tests that read what the answers decided; one walk runs all the others too.
        person["PYTEST_ADDOPTS"] = "tests/test_wiring.py"
    printed = walk(steps, project, person)
    assert len(printed) == len(steps), f"$ {steps[len(printed) - 1].command}\n{printed[-1]}"
    if request.config.getoption("--record"):
        record(task, printed)
        pytest.skip("recorded: look at the difference, and run again without --record")
    for step, output in zip(steps, printed, strict=True):
        assert fits(step.expected, output), f"$ {step.command}\n{output}\nREADME:\n{step.expected}"
    files = files_of((project / "README.md").read_text("utf-8"))
    assert {"package/MODEL_CARD.md", "dvc_plots/index.html", ".github/workflows/ci.yml"} < files
    for name in files - {".dvc/config.local", ".dvc/tmp/rwlock"}:  # which may be there
        assert (project / name).exists() or (project / "tests" / name).exists(), name


def record(task: str, printed: list[str]) -> None:
    """Write what the commands printed where the README's template takes its outputs from."""
    lines = []
    for step, output in zip(
        steps_of((PROJECT / "README.md").read_text("utf-8")), printed, strict=True
    ):
        pattern = re.escape(step.expected).replace(r"\.\.\.", ".*")
        pattern = re.sub(r"\\{\\{\\ output\\\.(\w+)\\ \\}\\}", r"(?P<\1>.*)", pattern)
        found = re.fullmatch(pattern, output, re.DOTALL)
        for name, text in found.groupdict().items() if found else ():
            lines.append(f"{{%- set {name} %}}{text}{{% endset -%}}")
    file = ROOT / "templates" / "readme" / f"{task}.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")

"""The template's own files hold together."""

import hashlib
import json
import re
import subprocess

import pytest
import yaml
from conftest import PROJECT, ROOT


def test_the_sample_is_tracked_and_is_what_its_pointer_says() -> None:
    """The data file is in Git although the project ignores it, and raw.dvc has its hash."""
    sample = PROJECT / "data" / "raw" / "penguins.csv"
    tracked = subprocess.run(
        ["git", "ls-files", "--", str(sample.relative_to(ROOT))],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert tracked.stdout
    content = sample.read_bytes()
    listing = [{"md5": hashlib.md5(content).hexdigest(), "relpath": "penguins.csv"}]
    directory = hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest()
    (pointer,) = yaml.safe_load((PROJECT / "data" / "raw.dvc").read_text("utf-8"))["outs"]
    assert pointer["md5"] == f"{directory}.dir"
    assert pointer["size"] == len(content)
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert "doi:10.5281/zenodo.3960218, CC0 1.0" in readme


@pytest.mark.parametrize(
    "path", [*PROJECT.rglob("*.py"), PROJECT / "dvc.yaml"], ids=lambda path: path.name
)
def test_code_is_not_a_template(path) -> None:
    """Python files and dvc.yaml hold no Jinja: they are linted and tested where they lie."""
    assert not re.search(r"\{\{ *cookiecutter|\{%", path.read_text("utf-8"))


def test_the_plots_page_loads_nothing() -> None:
    """The page that DVC fills in has its scripts inside and names no address to load from."""
    page = (PROJECT / ".dvc" / "plots" / "page.html").read_text("utf-8")
    assert page.count("{plot_divs}") == 1
    assert "{scripts}" not in page
    assert not re.search(r"<script[^>]*\ssrc|<link|(src|href)=.?(https?:)?//", page)
    assert "default-src 'none'" in page


def test_nothing_points_at_one_machine() -> None:
    """No tracked file names a home directory or a package index."""
    listed = subprocess.run(
        ["git", "grep", "-lE", r"/root/|/home/[a-z]|--index-url|--find-links"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert set(listed.stdout.split()) <= {"tests/test_template.py"}

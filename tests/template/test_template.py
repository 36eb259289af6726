"""The template's own files hold together."""

import hashlib
import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import PROJECT, ROOT
from tools.picture import SIZES
from walk import files_of

WORKFLOWS = ROOT / ".github" / "workflows"


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
    assert "Palmer penguins, Horst, Hill, Gorman (2020), CC0" in readme


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
        ["git", "grep", "-lE", r"/root/|/home/[a-z]|--index-url"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert set(listed.stdout.split()) <= {"tests/template/test_template.py"}


@pytest.mark.parametrize("path", SIZES, ids=lambda path: path.stem)
def test_the_pictures_in_the_readme_are_there(path: Path) -> None:
    """The README shows pictures of the size that their script takes, none of more than 150 kB."""
    picture = path.read_bytes()
    assert f"](docs/{path.name})" in (ROOT / "README.md").read_text("utf-8")
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == tuple(map(int, SIZES[path].split(",")))
    assert len(picture) <= 150_000


def test_without_a_browser_the_picture_says_what_it_needs() -> None:
    """The script that takes the picture names what is missing before it generates anything."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "picture.py"],
        env={"PATH": ""},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: there is no Chromium here")


@pytest.mark.parametrize("readme", ["README.md", "CONTRIBUTING.md"])
def test_every_file_that_a_readme_names_is_there(readme: str) -> None:
    """No link of the template's own pages leads nowhere, and no name is that of no file."""
    text = (ROOT / readme).read_text("utf-8")
    for link in re.findall(r"\]\((?!https?://)([^)#]+)\)", text):
        assert (ROOT / link).exists(), link
    files = files_of(text)
    assert len(files) > 5
    # What commands write: stages, the hook, tools/wheels.py
    for name in files - {"model.json", "vendor/", "dist/"}:
        places = [ROOT / name, PROJECT / name, *ROOT.glob(f"*/{name}"), WORKFLOWS / name]
        assert any(place.exists() for place in places), name

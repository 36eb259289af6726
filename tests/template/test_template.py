"""The template's own files hold together."""

import hashlib
import json
import re
import shutil
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
TRIALS = [
    {"trial": "1", "estimator": "Ridge", "score": "0.9", "parameters": "alpha=0.1"},
    {"trial": "2", "estimator": "Ridge", "score": "0.8", "parameters": "alpha=10.0"},
    {"trial": "3", "estimator": "SVR", "score": "", "parameters": "kernel=rbf; depth=2"},
    {"trial": "4", "estimator": "SVR", "score": "0.7", "parameters": "kernel=poly; depth=3"},
]
ANCHORS = {
    "TITLE": "Trials", "X": "parameters", "Y": "score", "X_LABEL": "Parameter", "Y_LABEL": "Metric",
}  # fmt: skip
# In Node.js, where a library would look for others by `require`
ALONE = "(function(exports, module, require, define) {{{0}}}).call(globalThis)"
DRAW = """
const logger = { warn: console.error, error: console.error, info() {}, debug() {} };
const { spec } = vegaLite.compile(JSON.parse(require("fs").readFileSync(0)), { logger });
new vega.View(vega.parse(spec), { renderer: "none" }).toSVG().then(console.log);
"""


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


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
@pytest.mark.parametrize("rows", [TRIALS, TRIALS[:1], []], ids=["search", "one trial", "none"])
def test_the_plot_of_a_search_sets_the_score_against_each_number(rows, tmp_path) -> None:
    """The Vega of the page draws it without a warning, also where there is little to draw."""
    plots = PROJECT / ".dvc" / "plots"
    text = (plots / "search.json").read_text("utf-8")
    for anchor, given in ANCHORS.items():
        text = text.replace(f"<DVC_METRIC_{anchor}>", given)
    spec = json.loads(text) | {"data": {"values": rows}}
    page = (plots / "page.html").read_text("utf-8")
    scripts = re.findall(r'<script data-package="vega(?:-lite)?@[^>]*>\n(.*?)</script>', page, re.S)
    script = tmp_path / "draw.js"
    script.write_text(";\n".join([*map(ALONE.format, scripts), DRAW]), encoding="utf-8")
    drawn = subprocess.run(
        ["node", str(script)],
        input=json.dumps(spec),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert drawn.stderr == ""
    titles = re.findall(r"<text[^>]*>(alpha|kernel|depth|score)</text>", drawn.stdout)
    # Each is an axis of the first drawing; a number that was tried has a drawing of its own
    tried = "; ".join(row["parameters"] for row in rows)
    expected = {name: 1 for name in ("alpha", "kernel", "depth") if name in tried}
    expected |= {"score": 1} if rows else {}
    expected |= {name: 2 for name in ("alpha", "depth") if name in tried}
    assert {name: titles.count(name) for name in titles} == expected


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

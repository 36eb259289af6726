"""The same files give the same wheel everywhere, and an installation gives back its wheel."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import modelkeep_core
from modelkeep_core.boosters import BOOSTERS
from modelkeep_core.wheel import build, rebuilt

SOURCES = Path(modelkeep_core.__file__).parents[1]
PYPROJECT = """\
[project]
name = "small-library"
version = "1.2"
description = "A library."
license = "MIT"
requires-python = ">=3.11,<3.15"
dependencies = ["numpy>=2", "six; python_version < '4'"]

[project.optional-dependencies]
more = ["pandas>=3", "uvloop>=0.22; sys_platform != 'win32'"]

[project.scripts]
small = "small_library.cli:main"

[project.urls]
Source = "https://example.org/small"
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "__init__.py": '"""A library."""\n\n__version__ = "1.2"\n',
    "cli.py": "def main():\n    print('ü')\n",
    "deep/__init__.py": "",
    "deep/page.html": "<p>hello</p>\n",
    "py.typed": "",
    "notes.txt": "of no use to anybody\n",
}
BUILD = """
import sys
from pathlib import Path
from modelkeep_core.wheel import build
print(build(Path(sys.argv[1])).sha256)
"""


def written(directory, line_end="\n"):
    """Write the sources of a small library and return their directory."""
    source = directory / "small_library"
    for name, text in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8", newline=line_end)
    return source


@pytest.fixture
def source(tmp_path):
    """The sources of a small library."""
    return written(tmp_path)


def test_a_wheel_has_modules_templates_metadata_and_a_record(source, tmp_path):
    """Nothing else: sources of other kinds stay behind."""
    wheel = build(source)
    (tmp_path / wheel.filename).write_bytes(wheel.content)
    with zipfile.ZipFile(tmp_path / wheel.filename) as archive:
        names = archive.namelist()
        metadata = archive.read("small_library-1.2.dist-info/METADATA").decode()
        scripts = archive.read("small_library-1.2.dist-info/entry_points.txt").decode()
    info = ("METADATA", "WHEEL", "entry_points.txt", "RECORD")
    assert names == [
        *("small_library/__init__.py", "small_library/cli.py", "small_library/deep/__init__.py"),
        *("small_library/deep/page.html", "small_library/py.typed"),
        *(f"small_library-1.2.dist-info/{name}" for name in info),
    ]
    assert wheel.filename == "small_library-1.2-py3-none-any.whl"
    assert wheel.locked == f"small-library==1.2 \\\n    --hash=sha256:{wheel.sha256}"
    assert scripts == "[console_scripts]\nsmall = small_library.cli:main\n"
    for line in (
        "Name: small-library",
        "Version: 1.2",
        "License-Expression: MIT",
        "Requires-Python: >=3.11,<3.15",
        "Project-URL: Source, https://example.org/small",
        "Requires-Dist: numpy>=2",
        "Requires-Dist: six; python_version < '4'",
        "Provides-Extra: more",
        "Requires-Dist: pandas>=3; extra == 'more'",
        "Requires-Dist: uvloop>=0.22; (sys_platform != 'win32') and extra == 'more'",
    ):
        assert line in metadata.splitlines()


def test_a_checkout_of_another_day_or_system_gives_the_same_bytes(source, tmp_path):
    """Neither times, nor modes, nor Windows line ends, nor compiled code are in the wheel."""
    before = build(source).content
    windows = written(tmp_path / "other", "\r\n")
    assert build(windows).content == before
    for path in source.rglob("*"):
        os.utime(path, (0, 0))
    (source / "cli.py").chmod(0o755)
    cache = source / "__pycache__"
    cache.mkdir()
    (cache / "cli.cpython-311.pyc").write_bytes(b"compiled")
    assert build(source).content == before


def test_the_order_of_files_and_hashes_does_not_matter(source):
    """Processes with other hash seeds build the same bytes."""
    variables = {**os.environ, "PYTHONPATH": str(SOURCES)}
    hashes = {
        subprocess.run(
            [sys.executable, "-c", BUILD, str(source)],
            env=variables | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert hashes == {build(source).sha256}


@pytest.mark.parametrize(
    "change",
    [
        lambda source: (source / "cli.py").write_text("def main(): ...\n", encoding="utf-8"),
        lambda source: (source / "more.py").write_text("", encoding="utf-8"),
        lambda source: (source / "cli.py").rename(source / "cly.py"),
        lambda source: (source / "py.typed").unlink(),
        lambda source: (source / "pyproject.toml").write_text(
            PYPROJECT.replace("numpy>=2", "numpy>=3"), encoding="utf-8"
        ),
    ],
    ids=["an edit", "a module more", "another name", "a file less", "a requirement"],
)
def test_whatever_a_user_gets_changes_the_bytes(source, change):
    """A wheel of the same version can be told from another by its hash."""
    before = build(source).sha256
    change(source)
    assert build(source).sha256 != before


@pytest.mark.parametrize("name", ["modelkeep_core", "modelkeep"])
def test_both_libraries_can_be_built(name):
    """Every module of a library is in its wheel, under the version that it says."""
    wheel = build(SOURCES / name)
    for path in (SOURCES / name).rglob("*.py"):
        assert f"{path.relative_to(SOURCES).as_posix()}".encode() in wheel.content
    text = (SOURCES / name / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{wheel.version}"' in text
    assert wheel.filename == f"{name}-{wheel.version}-py3-none-any.whl"


# From an installation


def installed_in(site):
    """Return the library that is installed in a directory."""
    (info,) = site.glob("*.dist-info")
    return Distribution.at(info)


def test_an_installed_library_gives_back_its_wheel(library, core_wheel):
    """Byte for byte, whatever installers add to it."""
    assert rebuilt(installed_in(library)) == core_wheel.content
    (info,) = library.glob("*.dist-info")
    for name in ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"):
        (info / name).write_text("{}\n", encoding="utf-8")
    with (info / "RECORD").open("a", encoding="utf-8") as record:
        record.write(f"{info.name}/INSTALLER,,\n../../../bin/modelkeep,,\n")
        record.write("modelkeep_core/__pycache__/card.cpython-311.pyc,,\n")
    assert rebuilt(installed_in(library)) == core_wheel.content


@pytest.mark.parametrize(
    "change",
    [
        lambda site: (site / "modelkeep_core" / "card.py").write_text("x", encoding="utf-8"),
        lambda site: (site / "modelkeep_core" / "more.py").write_text("", encoding="utf-8"),
        lambda site: (site / "modelkeep_core" / "card.py").unlink(),
        lambda site: next(site.glob("*.dist-info/METADATA")).write_text("x", encoding="utf-8"),
        lambda site: next(site.glob("*.dist-info/RECORD")).unlink(),
        lambda site: shutil.rmtree(site / "modelkeep_core"),
    ],
    ids=["an edit", "a module more", "a module less", "metadata", "no list", "no library"],
)
def test_an_installation_that_was_changed_gives_another_wheel(library, core_wheel, change):
    """An edited, an added or a missing file is seen."""
    change(library)
    assert rebuilt(installed_in(library)) != core_wheel.content


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pip", "uv pip"])
def test_pip_and_uv_install_what_is_locked(core_wheel, tmp_path, installer):
    """Both check the hash of the lock, and both leave the wheel's bytes; an edit is found."""
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / core_wheel.filename).write_bytes(core_wheel.content)
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"--find-links vendor\n{core_wheel.locked}\n", encoding="utf-8")
    environment = tmp_path / "environment"
    options = ["--no-deps", "--no-index", "--require-hashes", "-r", str(lock)]
    subprocess.run(
        [sys.executable, "-m", "uv", "venv", "--quiet", environment, "--python", sys.executable],
        check=True,
    )
    (python,) = (*environment.glob("bin/python"), *environment.glob("Scripts/python.exe"))
    if installer == "pip":
        run = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", *options]
    else:
        run = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            str(python),
            *options,
        ]
    # `vendor` is beside the lock, from wherever the installer runs
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(run, cwd=tmp_path.parent, env=variables, check=True)
    (info,) = environment.rglob("modelkeep_core-*.dist-info")
    assert rebuilt(Distribution.at(info)) == core_wheel.content
    with (info.parent / "modelkeep_core" / "card.py").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert rebuilt(Distribution.at(info)) != core_wheel.content


def test_an_editable_installation_is_another_wheel(core_wheel, tmp_path):
    """What can change at any moment is not what was locked."""
    site = tmp_path / "site"
    info = site / f"modelkeep_core-{core_wheel.version}.dist-info"
    info.mkdir(parents=True)
    (site / "modelkeep_core.pth").write_text(f"{SOURCES}\n", encoding="utf-8")
    (info / "METADATA").write_text("Name: modelkeep-core\n", encoding="utf-8")
    names = ["modelkeep_core.pth", *(f"{info.name}/{name}" for name in ("METADATA", "RECORD"))]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in names), encoding="utf-8")
    assert rebuilt(Distribution.at(info)) != core_wheel.content


def test_another_distribution_gives_bytes_or_none():
    """Whatever is installed, asking does no harm."""
    assert rebuilt(distribution("packaging"))


def test_what_is_optional_is_an_extra_with_the_packages_that_messages_name():
    """Core declares an extra for each package that a value of params.yaml may need."""
    project = tomllib.loads((SOURCES / "modelkeep_core" / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    assert {*extras} == {"tpe", "dask", "lightgbm", "xgboost"}
    assert extras["tpe"] == ["optuna>=5"]
    named = {Requirement(line).name for lines in extras.values() for line in lines}
    assert named == {"optuna", "distributed", *(package for _, package in BOOSTERS.values())}

"""The wheels of the two libraries: the same bytes everywhere, and what the locks name."""

import base64
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from conftest import ROOT, Bake, interpreter
from modelkeep_core.wheel import Wheel, build, rebuilt

LIBRARIES = ["modelkeep_core", "modelkeep"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
# How wheels, archives and programs begin; test data may be packed
PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"\x7fELF", b"MZ", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe")

Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheels() -> dict[str, Wheel]:
    """Return the wheels of this checkout by their packages."""
    return {package: build(ROOT / "src" / package) for package in LIBRARIES}


@pytest.fixture(scope="module")
def project(bake: Bake) -> Path:
    """Return a generated project."""
    return bake()


def project_of(package: str) -> dict:
    """Return the table `project` of a library's pyproject.toml."""
    path = ROOT / "src" / package / "pyproject.toml"
    return tomllib.loads(path.read_text("utf-8"))["project"]


@pytest.mark.parametrize("package", LIBRARIES)
def test_the_checkout_does_not_matter(
    wheels: dict[str, Wheel], package: str, tmp_path: Path
) -> None:
    """Line ends, times, modes, the order of files, caches and the directory change no byte."""
    names = [path for path in (ROOT / "src" / package).rglob("*") if path.is_file()]
    for name in sorted(names, reverse=True):
        copy = tmp_path / "elsewhere" / name.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = name.read_bytes()
        if "__pycache__" not in name.parts:
            content = content.replace(b"\n", b"\r\n")
        copy.write_bytes(content)
        copy.chmod(0o755)
        os.utime(copy, (1_700_000_000, 1_700_000_000))
    source = tmp_path / "elsewhere" / "src" / package
    (source / "__pycache__").mkdir(exist_ok=True)
    (source / "__pycache__" / "left.cpython-311.pyc").write_bytes(b"left by a tool")
    assert build(source).content == wheels[package].content


@pytest.mark.parametrize("version", PYTHONS)
def test_the_python_does_not_matter(wheels: dict[str, Wheel], version: str, tmp_path: Path) -> None:
    """Every supported Python, with nothing but its standard library, builds the same two wheels."""
    command = [interpreter(version), "-I", "-S", "-B", ROOT / "tools" / "wheels.py", tmp_path]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert built == {wheel.filename: wheel.content for wheel in wheels.values()}
    printed = [line.split()[0] for line in done.stdout.splitlines()]
    assert printed == [wheel.sha256 for wheel in wheels.values()]


def test_a_change_of_one_character_gives_another_wheel(
    wheels: dict[str, Wheel], tmp_path: Path
) -> None:
    """A wheel follows from its files: a comment more is another hash."""
    source = shutil.copytree(ROOT / "src" / "modelkeep_core", tmp_path / "modelkeep_core")
    with (source / "files.py").open("a", encoding="utf-8") as module:
        module.write("#\n")
    assert build(source).sha256 != wheels["modelkeep_core"].sha256


@pytest.mark.parametrize("package", LIBRARIES)
def test_a_wheel_has_every_file_of_its_package(wheels: dict[str, Wheel], package: str) -> None:
    """What lies in the package's directory is in the wheel, with py.typed, and nothing else is."""
    with zipfile.ZipFile(io.BytesIO(wheels[package].content)) as archive:
        names = set(archive.namelist())
    root = ROOT / "src"
    files = {
        path.relative_to(root).as_posix()
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "pyproject.toml"
    }
    assert f"{package}/py.typed" in names
    info = f"{package}-{wheels[package].version}.dist-info/"
    assert {name for name in names if not name.startswith(info)} == files
    assert {name.removeprefix(info) for name in names if name.startswith(info)} >= {
        "METADATA",
        "RECORD",
        "WHEEL",
    }


@pytest.mark.parametrize("package", LIBRARIES)
def test_a_wheel_lists_its_files(wheels: dict[str, Wheel], package: str) -> None:
    """RECORD names every file with its hash and size, and no file is compressed or has a date."""
    with zipfile.ZipFile(io.BytesIO(wheels[package].content)) as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        (record,) = (name for name in archive.namelist() if name.endswith("/RECORD"))
        rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert [row[0] for row in rows] == archive.namelist()
        for name, listed, size in rows[:-1]:
            content = archive.read(name)
            assert int(size) == len(content)
            padded = listed.removeprefix("sha256=").translate(str.maketrans("-_", "+/")) + "="
            assert base64.b64decode(padded) == hashlib.sha256(content).digest()


@pytest.mark.parametrize("package", LIBRARIES)
def test_the_metadata_are_valid(wheels: dict[str, Wheel], package: str) -> None:
    """METADATA hold to the standard, and say what pyproject.toml says: names, versions, extras."""
    with zipfile.ZipFile(io.BytesIO(wheels[package].content)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = Metadata.from_email(archive.read(name), validate=True)
    declared = project_of(package)
    assert metadata.name == declared["name"]
    assert str(metadata.version) == declared["version"]
    assert metadata.summary == declared["description"]
    assert metadata.requires_python == declared["requires-python"]
    extras = declared.get("optional-dependencies", {})
    assert metadata.provides_extra == (list(extras) or None)
    required = {Requirement(line) for line in declared["dependencies"]}
    plain = {item for item in metadata.requires_dist or () if "extra" not in str(item.marker)}
    assert plain == required
    for extra, lines in extras.items():
        for system in ("linux", "win32"):
            environment = {"extra": extra, "sys_platform": system}
            wanted = {
                (item.name, str(item.specifier))
                for item in map(Requirement, lines)
                if item.marker is None or item.marker.evaluate(environment)
            }
            offered = {
                (item.name, str(item.specifier))
                for item in (metadata.requires_dist or ())
                if item not in plain
                and item.marker is not None
                and item.marker.evaluate(environment)
            }
            assert offered == wanted


@pytest.mark.parametrize("serving", [True, False])
def test_the_locks_name_the_wheels_of_the_project(
    bake: Bake, wheels: dict[str, Wheel], serving: bool
) -> None:
    """vendor/ has the wheels of the checkout, and the locks their hashes and no address."""
    project = bake(serving=serving)
    vendor = {path.name: path.read_bytes() for path in (project / "vendor").iterdir()}
    assert vendor == {wheel.filename: wheel.content for wheel in wheels.values()}
    named = {
        path.name: dict(re.findall(r"^(modelkeep\S*) \\\n +--hash=(sha256:\S+)$", text, re.M))
        for path in project.glob("requirements*.lock")
        if (text := path.read_text("utf-8"))
    }
    core, tool = (
        {f"{wheel.name}=={wheel.version}": f"sha256:{wheel.sha256}"} for wheel in wheels.values()
    )
    assert named.pop("requirements.lock") == core
    assert named.pop("requirements-dev.lock") == core | tool
    assert named == ({"requirements-serving.lock": core | tool} if serving else {})
    for path in project.glob("requirements*.lock"):
        options = set(re.findall(r"^--.*", path.read_text("utf-8"), re.M))
        assert options == {"--find-links vendor"}, path.name


@pytest.fixture(scope="module")
def libraries_lock(project: Path) -> Path:
    """Return a lock in the project that has what its locks say of the libraries, and no more."""
    lines = (project / "requirements-dev.lock").read_text("utf-8")
    entries = re.findall(r"^modelkeep\S* \\\n +--hash=\S+\n", lines, re.M)
    assert len(entries) == 2
    lock = project / "libraries.lock"
    lock.write_text("".join(["--find-links vendor\n", *entries]), encoding="utf-8")
    return lock


@pytest.fixture
def install(libraries_lock: Path, tmp_path: Path) -> Install:
    """Return a function that installs the libraries, by pip or uv, into a new environment."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = str(venv / SCRIPTS / "python")
    tools = {"pip": ["pip", "--python", python, "install"], "uv": ["uv", "pip", "install"]}

    def install(tool: str, here: Path) -> subprocess.CompletedProcess[str]:
        lock = os.path.relpath(libraries_lock, here)
        command = [sys.executable, "-m", *tools[tool], "--require-hashes", "-r", lock]
        command += ["--no-deps", "--no-index"]
        environment = {"UV_CACHE_DIR": str(tmp_path / "uv"), "UV_PYTHON": python}
        environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1"}
        return subprocess.run(
            command,
            cwd=here,
            env=os.environ | environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return install


@pytest.mark.slow
@pytest.mark.parametrize("where", ["root", "data", "elsewhere"])
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_the_libraries_are_installed_from_the_lock(
    project: Path,
    wheels: dict[str, Wheel],
    install: Install,
    tmp_path: Path,
    tool: str,
    where: str,
) -> None:
    """Both tools find vendor/ from any directory; what they install gives the same wheel again."""
    here = {"root": project, "data": project / "data", "elsewhere": tmp_path}[where]
    done = install(tool, here)
    assert done.returncode == 0, done.stderr
    (site,) = (tmp_path / "venv").rglob("site-packages")
    installed = {item.metadata["Name"]: rebuilt(item) for item in distributions(path=[str(site)])}
    assert installed == {wheel.name: wheel.content for wheel in wheels.values()}


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_another_wheel_under_the_same_name_is_refused(
    project: Path, wheels: dict[str, Wheel], install: Install, tmp_path: Path, tool: str
) -> None:
    """A wheel in vendor/ that is not the one of the lock is not installed."""
    source = shutil.copytree(ROOT / "src" / "modelkeep", tmp_path / "modelkeep")
    (source / "more.py").write_text("", encoding="utf-8")
    path = project / "vendor" / wheels["modelkeep"].filename
    try:
        path.write_bytes(build(source).content)
        done = install(tool, project)
    finally:
        path.write_bytes(wheels["modelkeep"].content)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()


@pytest.mark.slow
def test_the_command_of_the_wheel_works(
    project: Path, install: Install, wheels: dict[str, Wheel], tmp_path: Path
) -> None:
    """The installed wheels bring the command `modelkeep`, which is also a module that runs."""
    done = install("uv", project)
    assert done.returncode == 0, done.stderr
    scripts = tmp_path / "venv" / SCRIPTS
    for command in ([scripts / "modelkeep"], [scripts / "python", "-m", "modelkeep"]):
        done = subprocess.run(
            [*command, "--version"],
            cwd=tmp_path,
            # What the libraries need is in this environment.
            env=os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert wheels["modelkeep"].version in done.stdout


def test_nothing_packed_is_in_the_repository() -> None:
    """Git has no wheel, program or compiled module; only tests may have archives, as data."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout
    names = [name for name in tracked.split("\0") if name and (ROOT / name).is_file()]
    assert not [name for name in names if name.endswith((".whl", ".pyc", ".so", ".pyd", ".exe"))]
    assert not [name for name in names if "/vendor/" in name]
    packed = [
        name
        for name in names
        if not name.startswith("tests/") and (ROOT / name).read_bytes().startswith(PACKED)
    ]
    assert not packed


@pytest.mark.parametrize(
    ("tag", "core", "sentences"),
    [
        ("v1.2.0", "0.7.0", []),
        ("v1.3.0", "0.7.0", ["the tag is v1.3.0", "src/modelkeep/pyproject.toml"]),
        ("1.2.0", "0.7.0", ["the tag is 1.2.0"]),
        ("v1.2.0", "0.8.0", ['does not require "modelkeep-core==0.8.0"']),
    ],
)
def test_a_tag_has_to_fit_the_versions(
    tmp_path: Path, tag: str, core: str, sentences: list[str]
) -> None:
    """A release stops, and writes no wheel, where tag, template, tool and core do not agree."""
    for place, name, version, dependencies in (
        (".", "template", "1.2.0", []),
        ("src/modelkeep_core", "modelkeep-core", core, []),
        ("src/modelkeep", "modelkeep", "1.2.0", ["modelkeep-core==0.7.0"]),
    ):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "{version}"\ndescription = "A library."\n'
            f'license = "MIT"\nrequires-python = ">=3.11"\ndependencies = {dependencies}\n',
            encoding="utf-8",
        )
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "wheels.py", tmp_path / "tools")
    shutil.copy(ROOT / "src" / "modelkeep_core" / "wheel.py", tmp_path / "src" / "modelkeep_core")
    done = subprocess.run(
        [sys.executable, tmp_path / "tools" / "wheels.py", tmp_path / "dist", "--tag", tag],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == (1 if sentences else 0), done.stderr
    assert all(sentence in done.stderr for sentence in sentences)
    assert "Traceback" not in done.stderr
    assert len(list(tmp_path.glob("dist/*.whl"))) == (0 if sentences else 2)

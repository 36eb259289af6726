"""The lock is read as pip reads it, and an environment that differs from it is refused."""

import shutil
import sys
from importlib.metadata import version

import pytest

from modelkeep_core.environment import check_environment, locked, read_lock
from modelkeep_core.errors import UserError

NUMPY = version("numpy")


@pytest.fixture
def lock(tmp_path):
    """Return a function that writes a lock and gives its path."""

    def write(*lines):
        path = tmp_path / "requirements.lock"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_names_and_versions_are_read_without_hashes_and_comments(lock):
    """Only lines that pin a package count."""
    path = lock(
        "# made by a tool==1",
        "numpy==2.4.6 \\",
        "    --hash=sha256:00==00 \\",
        "    --hash=sha256:11",
        "    # via pandas==3",
        "ruamel.yaml==0.18.1",
        "",
    )
    assert locked(path) == {"numpy": "2.4.6", "ruamel.yaml": "0.18.1"}


def test_packages_of_other_machines_are_left_out(lock):
    """A marker that does not hold here asks for nothing here."""
    other = "linux" if sys.platform == "win32" else "win32"
    path = lock(
        f"tzdata==1.0 ; sys_platform == '{other}' \\",
        "    --hash=sha256:00",
        f"six==2.0 ; sys_platform == '{sys.platform}' and python_version >= '3' \\",
        "    --hash=sha256:00",
        "numpy==1.0 ; python_full_version < '3.0'",
        "numpy==2.0 ; python_full_version >= '3.0'",
    )
    assert locked(path) == {"six": "2.0", "numpy": "2.0"}


def test_every_hash_of_a_package_is_read(lock):
    """A package may have several files, of which any may be installed."""
    path = lock(
        "six==2.0 ; python_version >= '3' \\", "    --hash=sha256:00 \\", "    --hash=sha256:11"
    )
    assert read_lock(path)["six"].hashes == {"00", "11"}


# Against what is installed


@pytest.fixture
def checked(lock, core_wheel, library, monkeypatch):
    """Return a function that checks an environment in which the built library is installed.

    It takes the lines of a lock, to which that of the library is added.
    """
    monkeypatch.syspath_prepend(library)

    def check(*lines):
        check_environment(lock(*lines, *core_wheel.locked.splitlines()))

    return check


def test_the_locked_environment_is_taken(checked):
    """Nothing happens where the versions are those of the lock, and the library is its own."""
    checked(f"numpy=={NUMPY} \\", "    --hash=sha256:00")


def test_another_version_is_refused(checked):
    """The message names the package, both versions, and the command that helps."""
    message = rf"(?s)says numpy 0\.1, and here it is {NUMPY}.*pip install --require-hashes"
    with pytest.raises(UserError, match=message):
        checked("numpy==0.1")


def test_a_missing_package_is_refused(checked):
    """A package that is not installed is named, after those that are."""
    with pytest.raises(UserError, match=r"says no-such-package 1\.0, and here it is missing"):
        checked(f"numpy=={NUMPY}", "no-such-package==1.0")


def edited(site):
    """Change a byte of the library."""
    with (site / "modelkeep_core" / "card.py").open("ab") as file:
        file.write(b"\n")


def added_to(site):
    """Add a module to the library."""
    (site / "modelkeep_core" / "more.py").write_text("x = 1\n", encoding="utf-8")


def cut(site):
    """Take a module of the library away."""
    (site / "modelkeep_core" / "card.py").unlink()


def made_editable(site):
    """Let only a path to the sources be installed, as `pip install --editable` does."""
    shutil.rmtree(site / "modelkeep_core")
    (site / "modelkeep_core.pth").write_text("/src\n", encoding="utf-8")
    (info,) = site.glob("*.dist-info")
    names = ["modelkeep_core.pth", *(f"{info.name}/{path.name}" for path in info.iterdir())]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in names), encoding="utf-8")


def unlisted(site):
    """Take away the list of files."""
    (info,) = site.glob("*.dist-info")
    (info / "RECORD").unlink()


@pytest.mark.parametrize("change", [edited, added_to, cut, made_editable, unlisted])
def test_a_library_that_is_not_byte_for_byte_the_locked_one_is_refused(checked, library, change):
    """The version alone proves nothing: the files are what decides a model."""
    change(library)
    message = "modelkeep-core .*, and here it is an edited, editable or other build of it"
    with pytest.raises(UserError, match=message):
        checked(f"numpy=={NUMPY}")


def test_compiled_code_beside_the_library_changes_nothing(checked, library):
    """What Python makes of the modules is not what was installed."""
    cache = library / "modelkeep_core" / "__pycache__"
    cache.mkdir()
    (cache / "card.cpython-311.pyc").write_bytes(b"compiled")
    checked()


def test_a_lock_that_does_not_name_the_library_is_refused(lock):
    """Without it, what decides a model would not be in its recipe."""
    with pytest.raises(UserError, match=r"does not name modelkeep-core.*--hash=sha256"):
        check_environment(lock(f"numpy=={NUMPY}"))


def test_a_missing_lock_is_refused(tmp_path):
    """The message names the path."""
    with pytest.raises(UserError, match=r"requirements\.lock is missing"):
        check_environment(tmp_path / "requirements.lock")


HERE = ".".join(map(str, sys.version_info[:2]))


@pytest.mark.parametrize("text", [f"{HERE}\n", HERE, f"{HERE}.99\n"])
def test_the_python_that_is_asked_for_is_taken(checked, tmp_path, text):
    """Its minor version counts: bug fixes change no model."""
    (tmp_path / ".python-version").write_text(text, encoding="utf-8")
    checked()


@pytest.mark.parametrize("wanted", ["2.7", "3.1", "3.99", "pypy3"])
def test_another_python_is_refused(checked, tmp_path, wanted):
    """The message names the file, both versions, and both ways out."""
    (tmp_path / ".python-version").write_text(f"{wanted}\n", encoding="utf-8")
    message = rf"\.python-version says Python {wanted}, and here it is {HERE}\. .*write {HERE}"
    with pytest.raises(UserError, match=message):
        checked()

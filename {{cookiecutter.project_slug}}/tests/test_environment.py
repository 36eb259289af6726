"""The lock is read as pip reads it, and an environment that differs from it is refused."""

import sys
from importlib.metadata import version

import pytest

from pipeline.environment import check_installed, locked
from pipeline.refusal import Refusal

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


def test_the_locked_environment_is_taken(lock):
    """Nothing happens where the versions are those of the lock."""
    check_installed(lock(f"numpy=={NUMPY} \\", "    --hash=sha256:00"))


def test_another_version_is_refused(lock):
    """The message names the package, both versions, and the command that helps."""
    message = rf"(?s)says numpy 0\.1, and here it is {NUMPY}.*pip install --require-hashes"
    with pytest.raises(Refusal, match=message):
        check_installed(lock("numpy==0.1"))


def test_a_missing_package_is_refused(lock):
    """A package that is not installed is named, after those that are."""
    with pytest.raises(Refusal, match=r"says no-such-package 1\.0, and here it is missing"):
        check_installed(lock(f"numpy=={NUMPY}", "no-such-package==1.0"))

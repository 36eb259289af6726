"""Wheels whose bytes follow from their files: built from sources, rebuilt from an installation.

The same files give the same wheel on every machine and Python, so a lock can name its SHA-256
before it exists, and an installed library can be compared with the lock. Only the standard library
is used: the template builds the wheels of a new project with this module.

Source: the binary distribution format of the Python Packaging User Guide.
"""

import base64
import csv
import hashlib
import io
import tomllib
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX, READABLE = 3, 0o644 << 16
SOURCES = (".py", ".html", ".css", ".js", ".typed")
# What installers add to the files of a wheel
ADDED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")


class Wheel(NamedTuple):
    """A built wheel.

    Attributes:
        name: the distribution, such as "modelkeep-core".
        version: its version.
        filename: what its file is called.
        content: the bytes of that file.
    """

    name: str
    version: str
    filename: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, as a lock names it."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def locked(self) -> str:
        """The lines of a lock that name it."""
        return f"{self.name}=={self.version} \\\n    --hash=sha256:{self.sha256}"


def build(source: Path) -> Wheel:
    """Build the pure wheel of a package directory that has its pyproject.toml inside.

    Args:
        source: the directory, which has the name of the package.
    """
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    files = {
        path.relative_to(source.parent).as_posix(): path.read_bytes().replace(b"\r\n", b"\n")
        for path in source.rglob("*")
        if path.suffix in SOURCES and path.is_file()
    }
    info = f"{source.name}-{project['version']}.dist-info"
    files[f"{info}/METADATA"] = _metadata(project).encode()
    files[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: modelkeep\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    if scripts := project.get("scripts"):
        lines = [f"{name} = {place}" for name, place in scripts.items()]
        files[f"{info}/entry_points.txt"] = "\n".join(["[console_scripts]", *lines, ""]).encode()
    return Wheel(
        project["name"],
        project["version"],
        f"{source.name}-{project['version']}-py3-none-any.whl",
        _archive(files, info),
    )


def rebuilt(installed: Distribution) -> bytes | None:
    """Return the bytes of the wheel that an installed distribution came from.

    Its files as they are now decide: those that it lists, and all others in its directories. So a
    changed, added or missing one gives other bytes, and so does an editable installation. None
    where no files are listed or one cannot be read.
    """
    root = Path(str(installed.locate_file("")))
    listed = {PurePosixPath(path) for path in installed.files or ()}
    # Scripts lie elsewhere; they follow from the metadata
    tops = {path.parts[0] for path in listed if len(path.parts) > 1} - {".."}
    infos = [top for top in tops if top.endswith(".dist-info")]
    if len(infos) != 1:
        return None
    names = {path.as_posix() for path in listed if len(path.parts) == 1}
    for path in (path for top in tops for path in (root / top).rglob("*")):
        name = path.relative_to(root)
        added = name.parts[0] == infos[0] and name.name in ADDED
        if path.is_file() and not added and "__pycache__" not in name.parts:
            names.add(name.as_posix())
    try:
        return _archive({name: (root / name).read_bytes() for name in names}, infos[0])
    except OSError:
        return None


def _metadata(project: Mapping[str, Any]) -> str:
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Project-URL: {name}, {url}" for name, url in project.get("urls", {}).items()),
        *(f"Requires-Dist: {requirement}" for requirement in project["dependencies"]),
    ]
    for extra, requirements in project.get("optional-dependencies", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        for requirement in requirements:
            name, _, marker = requirement.partition(";")
            both = f"({marker.strip()}) and " if marker else ""
            lines.append(f"Requires-Dist: {name.strip()}; {both}extra == '{extra}'")
    return "\n".join(lines) + "\n"


def _archive(files: Mapping[str, bytes], info: str) -> bytes:
    """Return the archive of files and their RECORD, in order, stored, without a time of day.

    Compressed bytes would differ between builds of zlib.
    """
    ordered = sorted(files, key=lambda name: (name.startswith(f"{info}/"), name))
    record = io.StringIO()
    writer = csv.writer(record, lineterminator="\n")
    for name in ordered:
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
        writer.writerow([name, f"sha256={digest.decode()}", len(files[name])])
    writer.writerow([f"{info}/RECORD", "", ""])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        members = [*((name, files[name]) for name in ordered)]
        for name, content in [*members, (f"{info}/RECORD", record.getvalue().encode())]:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = UNIX, READABLE
            archive.writestr(entry, content, zipfile.ZIP_STORED)
    return buffer.getvalue()

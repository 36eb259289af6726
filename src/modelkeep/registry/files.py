"""One file of a version, from Git or from what DVC keeps."""

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.outputs import outputs_of
from modelkeep.registry.storage import storage_of
from modelkeep.registry.version import Version
from modelkeep_core.dvc_yaml import covers


def file_of(catalogue: Catalogue, version: Version, path: str) -> bytes | None:
    """Return the bytes of a file as the commit of a version has it; None where it has none.

    Raises:
        UserError: its bytes are nowhere.
    """
    committed = catalogue.git.read_one(f"{version.commit}:{version.directory}{path}")
    if committed is not None:
        return committed
    with storage_of(catalogue.git, version) as storage:
        for output in outputs_of(catalogue, version):
            if covers(output.path, path):
                place = storage.of(output.remote)
                below = path.removeprefix(output.path).lstrip("/")
                name = place.files(output.md5, output.path).get(below)
                if name:
                    place.get({name: path})
                    return place.path(name).read_bytes()
    return None

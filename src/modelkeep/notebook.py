"""For notebooks: a version with its metadata and test rows, and the code of the project."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelkeep.place import check_project, project_root

if TYPE_CHECKING:
    import pandas as pd

    from modelkeep_core.predictions import Predictions
    from modelkeep_core.schema import Schema


@dataclass(frozen=True)
class Loaded:
    """A version that was loaded.

    Attributes:
        label: its number, or the beginning of its commit where it has none.
        model: the fitted scikit-learn pipeline.
        schema: the contract of its inputs.
        metadata: the content of its model.json.
        test: the rows that it was tested on, with the target.
    """

    label: str
    model: Any
    schema: "Schema"
    metadata: dict[str, Any]
    test: "pd.DataFrame"

    def predict(self, table: "pd.DataFrame") -> "Predictions":
        """Predict the rows of a table that has at least the features of the schema.

        Raises:
            UserError: it lacks a feature.
            ValueError: a cell is not of the type of its column.
        """
        from modelkeep_core.inputs import model_inputs
        from modelkeep_core.predictions import predict

        return predict(self.model, model_inputs(table, self.schema))


def load(reference: str, repo: str | Path = ".", model: str | None = None) -> Loaded:
    """Load a version, verified, without leaving a file behind.

    Its own code comes from its package and never from the work tree; Git vouches for it.

    Args:
        reference: a version (v1.2.0), a stage (prod), a Git revision or the beginning of a recipe.
        repo: a directory in a clone, or the URL of a Git repository.
        model: the name of the model, where there are several.

    Raises:
        UserError: there is no such repository or version, its signature is asked for and does not
            count, its bytes are nowhere, or the installed libraries are not those that it needs.
    """
    import tempfile

    import pandas as pd

    from modelkeep.registry.catalogue import Catalogue
    from modelkeep.registry.fetch import fetch
    from modelkeep.registry.git import opened
    from modelkeep.registry.reference import find
    from modelkeep.registry.tested_on import put_test_rows
    from modelkeep_core.packaged import open_package

    place = Path(repo)
    if place.is_dir():
        repo = project_root(place) or place
    with opened(str(repo)) as git, tempfile.TemporaryDirectory(prefix="notebook-") as directory:
        catalogue = Catalogue(git, model)
        version = find(catalogue, reference, signed=True)
        package, rows = Path(directory, "package"), Path(directory, "test.parquet")
        fetch(catalogue, version, package)
        put_test_rows(catalogue, version, rows)
        opened_package = open_package(package, trust_code=True)
        return Loaded(
            version.label,
            opened_package.model,
            opened_package.schema,
            opened_package.metadata,
            pd.read_parquet(rows),
        )


def use_code(place: str | Path = ".") -> Path:
    """Let a notebook in any directory of a project import the code that lies at its root.

    Args:
        place: a directory in the project.

    Returns:
        The root, from which `import` takes modules before all others.

    Raises:
        UserError: it is in no project.
    """
    root = check_project(Path(place))
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return root

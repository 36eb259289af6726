"""A package that is ready to answer: checked, loaded, and tried on its own example."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelkeep.ready import EXAMPLE, Predictor, open_ready, predictor, try_example
from modelkeep.serving.private import Hider, private_key
from modelkeep.serving.rows import Contract, Rows
from modelkeep.unseen import Learned, Unseen, learned_values, unseen
from modelkeep_core.errors import UserError
from modelkeep_core.explain import Explanation, explain, unexplainable
from modelkeep_core.files import read_json
from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.intervals import Interval, interval_of

NEEDED = (EXAMPLE, "profile.json", "MODEL_CARD.md")


@dataclass(frozen=True)
class ServedModel:
    """A model that is loaded and answers requests.

    Attributes:
        directory: the package.
        version: its version number, or "" where it was not fetched by one.
        metadata: what the package says of itself (model.json).
        contract: what is asked of its inputs.
        example: rows by the names of their columns, with the predictions that are expected.
        profile: the profile of the training rows.
        card: the model card, in Markdown.
        classes: the names of its classes as JSON has them, or None for a regression.
        predict: from rows that fit the contract to what the model predicts for them.
        explain: from such rows to what each feature contributes to what is predicted for them.
        unexplainable: why it cannot be explained, or None.
        interval: the interval around its predictions, or None.
        learned: the values that the model has learned of each category.
        hider: hides private values in what is recorded.
    """

    directory: Path
    version: str
    metadata: dict[str, Any]
    contract: Contract
    example: dict[str, Any]
    profile: dict[str, Any]
    card: str
    classes: list[Any] | None
    predict: Predictor
    explain: Callable[[Rows], Explanation]
    unexplainable: str | None
    interval: Interval | None
    learned: Learned
    hider: Hider

    @property
    def recipe_id(self) -> str:
        """The recipe of the model."""
        return self.metadata["recipe_id"]

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.metadata["name"]

    def unseen(self, rows: Rows) -> list[Unseen]:
        """Return the categories in rows that fit the contract, but were in no training row."""
        places = enumerate(self.contract.features)
        columns = (
            (name, [row[place] for row in rows]) for place, name in places if name in self.learned
        )
        return unseen(columns, self.learned, self.contract.schema.private)


def load(directory: Path, version: str = "", trust_code: bool = False) -> ServedModel:
    """Check and load a package; nothing but the package is used, and no project around it.

    Args:
        directory: the package.
        version: its version number, or "" where it was not fetched by one.
        trust_code: whether somebody vouches for the code of a project that it may carry.

    Raises:
        UserError: a file is missing or changed, a library is another one than the model was made
            with, the schema is not the model's, its code is not vouched for, or it predicts
            something else for its example here.
    """
    opened = open_ready(directory, trust_code)
    for name in NEEDED:
        if not (directory / name).is_file():
            raise UserError(f"{directory} has no {name}: make the package again with `dvc repro`.")
    schema, metadata, model = opened.schema, opened.metadata, opened.model
    profile = read_json(directory / "profile.json")
    served = ServedModel(
        directory=directory,
        version=version,
        metadata=metadata,
        contract=Contract(schema, profile),
        example=read_json(directory / EXAMPLE),
        profile=profile,
        card=(directory / "MODEL_CARD.md").read_text(encoding="utf-8"),
        classes=model.classes_.tolist() if hasattr(model, "classes_") else None,
        predict=predictor(opened),
        explain=lambda rows: explain(model, inputs_from_rows(rows, schema)),
        unexplainable=unexplainable(model),
        interval=interval_of(metadata),
        learned=learned_values(model, schema),
        hider=Hider(schema, private_key()),
    )
    try_example(directory, opened, served.example, served.predict)
    # What is loaded stays: looking through it for garbage would make requests wait.
    gc.collect()
    gc.freeze()
    return served

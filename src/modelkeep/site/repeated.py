"""Which parameters of a fitted estimator only repeat what params.yaml says of it."""

from collections.abc import Mapping
from typing import Any

from modelkeep.site.clean import mapping, word

# Equal to no value
UNLIKE = object()


def repeated(metadata: Mapping[str, Any]) -> list[str]:
    """Return the names of these parameters, and "estimator" where no search chose another one.

    Of an estimator that is built around others, the names of theirs have "__" in front, and what
    it is built around repeats the names in its section.
    """
    parameters, given = mapping(metadata, "training", "parameters"), _given(metadata)
    inner = {name.rpartition("__")[0] for name in parameters} - {""}
    kinds = {name: word(parameters.get(name)).partition("(")[0] for name in inner}
    kinds[""] = word(mapping(metadata, "training").get("estimator"))

    def repeats(name: str, value: Any) -> bool:
        owner, _, own = name.rpartition("__")
        if name in inner or (own == "estimators" and isinstance(value, list)):
            return True
        otherwise = given.get("seed") if own == "random_state" else UNLIKE
        return value == mapping(given, kinds.get(owner, "")).get(own, otherwise)

    same = word(given.get("estimator")).rpartition(".")[2] == kinds[""]
    names = ["estimator"] if same else []
    return [*names, *(name for name, value in parameters.items() if repeats(name, value))]


def _given(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section "train"; a second model has it below the name of its own file."""
    parameters = mapping(metadata, "recipe", "parameters")
    sections = [parameters, *(part for part in parameters.values() if isinstance(part, dict))]
    return next((mapping(part, "train") for part in sections if mapping(part, "train")), {})

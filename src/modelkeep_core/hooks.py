"""The hooks of a project: `[tool.modelkeep]` of pyproject.toml."""

from pathlib import Path

from pydantic import Field, ValidationError

from modelkeep_core import recording
from modelkeep_core.errors import UserError
from modelkeep_core.files import Section
from modelkeep_core.foreign import parse_toml

PYPROJECT = "pyproject.toml"
# The hooks that are lists of modules of the project
MODULES = ("trusted", "metrics")


class Hooks(Section):
    """What a project says of its own code.

    Attributes:
        trusted: modules whose functions and classes a model may hold, such as "pipeline.features";
            a package that holds some carries the code of their modules.
        metrics: modules with metrics of the project's own, such as "pipeline.metrics"; a package
            carries the code of those that have some.
        require_signed: the stages in which `modelkeep` uses signed tags only; it goes by what the
            default branch says.
        docs: the address of the pages that messages name.
    """

    trusted: list[str] = Field(default_factory=list)
    metrics: list[str] = Field(default_factory=list)
    require_signed: list[str] = Field(default_factory=list)
    docs: str | None = None


def read_hooks(root: Path | str) -> Hooks:
    """Read the hooks of the project in a directory; a project without any has the defaults.

    Raises:
        UserError: pyproject.toml is not TOML, or a hook is unknown or of a wrong type.
    """
    root = Path(root)
    path = root / PYPROJECT
    if not path.is_file():
        return Hooks()
    # It decides what is refused, never what a model is, so it is no input of a stage
    with recording.paused():
        content = path.read_bytes()
    tools = parse_toml(content, str(path)).get("tool", {})
    if not isinstance(tools, dict):
        raise UserError(f"{path}: tool: it is no table.")
    try:
        return Hooks.model_validate(tools.get("modelkeep", {}))
    except ValidationError as invalid:
        first = invalid.errors()[0]
        where = ".".join(map(str, ("tool.modelkeep", *first["loc"])))
        reason = first.get("ctx", {}).get("error", first["msg"])
        raise UserError(f"{path}: {where}: {reason}") from None

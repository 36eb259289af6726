"""How a package gets into this environment, for messages that name what is missing."""

from importlib.util import find_spec


def install(what: str) -> str:
    """Return the command that installs what pip's arguments `what` say.

    Environments of uv have no pip, unless one asked for it.
    """
    tool = "python -m pip" if find_spec("pip") else "uv pip"
    return f"{tool} install {what}"

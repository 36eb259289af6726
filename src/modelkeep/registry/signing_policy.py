"""Whose signatures count, and where they are asked for: as the default branch says, or a person."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelkeep.registry.allowed_signers import read_signers
from modelkeep.registry.default_branch import default_branches, shown
from modelkeep.registry.git import Git
from modelkeep.registry.tags import STAGE
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import parse_toml

SIGNERS = ".modelkeep/allowed_signers"
PYPROJECT, KEY = "pyproject.toml", "require_signed"


@dataclass(frozen=True)
class Policy:
    """Whose signatures count, and where they are asked for.

    Attributes:
        signers: the content of the file of allowed signers; None where there is none.
        stages: the stages that need a signature; None for all.
        where: where that is said, for messages.
    """

    signers: bytes | None
    stages: frozenset[str] | None
    where: str

    def asks(self, stage: str | None) -> bool:
        """Say whether a stage needs a signature; None stands for a version number."""
        if self.stages is None or stage is None:
            return self.stages != frozenset()
        return stage in self.stages


def read_policy(git: Git, directory: str) -> Policy:
    """Return what the default branch says of the project in a directory.

    Args:
        git: the repository.
        directory: "" or "some/directory/".

    Raises:
        UserError: what it says cannot be used, or which branch it is, is not known and makes a
            difference.
    """
    refs = default_branches(git)
    policies = set()
    for ref in refs:
        signers, pyproject = _files(git, ref, directory)
        policies.add((signers, _stages(pyproject, shown([ref]))))
    if len(policies) > 1:
        raise UserError(
            f"whose signatures count is said by {directory}{SIGNERS} of the default branch of "
            "origin, and this clone does not know which branch that is: "
            "`git remote set-head origin --auto` asks origin."
        )
    signers, stages = policies.pop() if policies else (None, frozenset())
    return Policy(signers, stages, f"{directory}{SIGNERS} of {shown(refs[:1])}")


def named_policy(path: Path) -> Policy:
    """Return what a file of allowed signers says that a person names.

    Raises:
        UserError: it cannot be read, or allows nobody.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    if not read_signers(content):
        raise UserError(
            f"{path} allows nobody to sign: a line of it is `NAME ssh-ed25519 KEY`, with the "
            "public key of a signer."
        )
    return Policy(content, None, str(path))


def _files(git: Git, ref: str, directory: str) -> tuple[bytes | None, bytes | None]:
    """Return the files that say it, as a branch has them; None for one that it does not have.

    Raises:
        UserError: the branch has one, and it cannot be read, as where origin has to be asked for it
            and is away.
    """
    paths = (f"{directory}{SIGNERS}", f"{directory}{PYPROJECT}")
    signers, pyproject = git.read(f"{ref}:{path}" for path in paths)
    for path, content in zip(paths, (signers, pyproject), strict=True):
        above, _, name = path.rpartition("/")
        # A partial clone has all directories, and not all files.
        if content is None and f" {name}\0".encode() in (git.read_one(f"{ref}:{above}") or b""):
            raise UserError(
                f"{path} of {shown([ref])} cannot be read, so it is not known whose signatures "
                "count: try again, or use a whole clone."
            )
    return signers, pyproject


def _stages(pyproject: bytes | None, branch: str) -> frozenset[str]:
    """Return the stages that need signatures by the content of a pyproject.toml.

    Raises:
        UserError: it cannot be read, or they are no stages.
    """
    if pyproject is None or KEY.encode() not in pyproject:
        return frozenset()
    content: Any = parse_toml(pyproject, f"{PYPROJECT} of {branch}")
    for table in ("tool", "modelkeep"):
        content = content.get(table, {})
        if not isinstance(content, dict):
            raise UserError(f"{PYPROJECT} of {branch}: {table}: it is no table.")
    stages = content.get(KEY, [])
    if not isinstance(stages, list) or not all(
        isinstance(stage, str) and STAGE.fullmatch(stage) for stage in stages
    ):
        raise UserError(
            f'{PYPROJECT} of {branch}: tool.modelkeep.{KEY} is no list of stages, such as ["prod"].'
        )
    return frozenset(stages)

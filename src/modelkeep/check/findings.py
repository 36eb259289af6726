"""What a check finds, and the rules that find it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelkeep.check.project import Project


@dataclass(frozen=True, order=True)
class Finding:
    """A place in a file that breaks a rule.

    Attributes:
        file: relative to the root of the project.
        line: counted from 1.
        rule: its id, such as "MK101".
        message: what is wrong, in one sentence.
        remedy: what to do about it.
    """

    file: str
    line: int
    rule: str
    message: str
    remedy: str

    def __str__(self) -> str:
        """Return the finding as two lines: where and what, then the remedy."""
        return f"{self.file}:{self.line}: {self.rule} {self.message}\n    {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON can hold it."""
        return asdict(self)


Check = Callable[["Project"], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        id: "MK" and three digits; the first of them is the group.
        summary: what every project is to keep, in one sentence.
        check: yields what breaks the rule in a project.
    """

    id: str
    summary: str
    check: Check


RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Check], Check]:
    """Make a function the check of a new rule; its docstring is what the rule says."""

    def register(check: Check) -> Check:
        RULES[name] = Rule(name, (check.__doc__ or "").strip().splitlines()[0], check)
        return check

    return register

"""`modelkeep check`: find what is wrong with the project, without running it."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from modelkeep.check.findings import RULES, Finding
from modelkeep.place import check_project
from modelkeep.text import as_json
from modelkeep_core.visible import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `modelkeep check` takes."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.epilog = (
        "The exit status is 0 where every rule is kept, 1 where one is broken, and 2 where there "
        "is nothing to check. A comment `# noqa: MK102` keeps a rule silent about its line."
    )


def run(args: argparse.Namespace) -> int:
    """Check the project in this directory, and print what breaks a rule.

    Returns:
        1 where a rule is broken, else 0.

    Raises:
        UserError: this is no project, or DVC would not take its dvc.yaml.
    """
    check_project()
    findings = check(Path())
    if args.json:
        print(as_json([finding.as_dict() for finding in findings]))
    else:
        for finding in findings:
            print(visible(str(finding)))
        count = len(findings)
        print(f"{count or 'no'} finding{'' if count == 1 else 's'}, {len(RULES)} rules")
    return 1 if findings else 0


def check(root: Path) -> list[Finding]:
    """Return what breaks a rule in the project at `root`, by file and line.

    Raises:
        UserError: there is no dvc.yaml, or DVC would not take it.
    """
    from modelkeep.check import rules  # noqa: F401
    from modelkeep.check.project import Project

    project = Project(root)
    # What cannot be read is told last, when all rules have tried to read it.
    ordered = sorted(RULES.values(), key=lambda rule: (rule.id == "MK001", rule.id))
    findings = {finding for rule in ordered for finding in rule.check(project)}
    return sorted(finding for finding in findings if not _silenced(root, finding))


def _silenced(root: Path, finding: Finding) -> bool:
    """Say whether the line of a finding has a comment that names its rule."""
    return finding.rule in _rules_named(root / finding.file, finding.line)


def _rules_named(path: Path, number: int) -> Iterator[str]:
    if path.is_file():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        comment = (
            re.search(r"#\s*noqa:\s*(.*)", lines[number - 1]) if number <= len(lines) else None
        )
        if comment:
            yield from re.findall(r"MK\d{3}", comment[1])

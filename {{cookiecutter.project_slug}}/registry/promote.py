"""`promote`: let a stage hold a version, if the version passes the gate."""

import argparse
from typing import Any

from pipeline.refusal import Refusal
from registry import publish
from registry.catalogue import Catalogue
from registry.gate import Verdict, judge
from registry.reference import find
from registry.tags import STAGE
from registry.version import Version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("reference", metavar="REF", help="the version")
    parser.add_argument("stage", metavar="STAGE", help="such as staging or prod")
    parser.add_argument("-m", "--message", metavar="TEXT", help="why")
    parser.add_argument(
        "--force", action="store_true", help="promote what does not pass the gate; needs -m"
    )
    parser.add_argument("--push", action="store_true", help="send the tag to origin")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Assign the version to the stage.

    Raises:
        Refusal: there is no such version, it is there already, or the gate refuses it; nothing
            was written.
    """
    if not STAGE.fullmatch(args.stage):
        raise Refusal(
            f"'{args.stage}' cannot be a stage: letters, digits, '-', '_' and '/', "
            "with a letter or digit at both ends."
        )
    if args.force and not args.message:
        raise Refusal("--force needs a reason, which is kept with the tag: -m 'why'.")
    version = find(catalogue, args.reference)
    live = present(catalogue, version, args.stage)
    if args.push:
        publish.check_remote(catalogue, version.model)
    verdict = judged(catalogue, version, live, args.force)
    if not verdict.passed and not args.force:
        raise Refusal(
            f"{version.label} does not pass the gate to {args.stage}.\n\n{verdict.table}\n\n"
            "The thresholds are in params.yaml, section promote; --force -m 'why' promotes it "
            "all the same, and keeps the reason."
        )
    state = "passed" if verdict.passed else "forced"
    reason = args.message or f"Promote {version.label} to {args.stage}"
    message = f"{reason}\n\nGate: {state}\n\n{verdict.table}"
    tag = publish.assignment(catalogue, version.model, args.stage)
    done = publish.write(catalogue, tag, version.commit, message, args.push)
    before = f", not {live.label}" if live else ""
    shown = f"{verdict.table}\n\n{args.stage} holds {version.model} {version.label} now{before}."
    return None, f"{shown}\n{done}"


def present(catalogue: Catalogue, version: Version, stage: str) -> Version | None:
    """Return what the stage holds now, or None.

    Raises:
        Refusal: the version has no number, or the stage holds it already.
    """
    if version.number is None:
        raise Refusal(
            f"commit {version.label} has no version number: check it out and "
            "`python -m registry register` it first."
        )
    held = catalogue.held.get(version.model, {}).get(stage)
    live = catalogue.at(version.model, held.commit) if held else None
    if live and live.commit == version.commit:
        raise Refusal(f"{stage} holds {version.label} already.")
    return live


def judged(catalogue: Catalogue, version: Version, live: Version | None, force: bool) -> Verdict:
    """Return the verdict of the gate; where it cannot judge and that is forced, why not.

    Raises:
        Refusal: the gate cannot judge, for want of a package or of test data.
    """
    try:
        return judge(catalogue, version, live)
    except Refusal as refusal:
        if force:
            return Verdict(False, f"not judged: {refusal}")
        raise

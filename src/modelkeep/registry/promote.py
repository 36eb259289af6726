"""`promote`: assign a version to a stage, if the version passes the gate."""

import argparse
from typing import Any

from modelkeep.registry import publish
from modelkeep.registry.believed import check_history
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.gate import Incomparable, Unscored, Verdict, judge
from modelkeep.registry.reference import find
from modelkeep.registry.servable import check_remote_has, check_whole
from modelkeep.registry.tags import STAGE
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("reference", metavar="REF", help="the version")
    parser.add_argument("stage", metavar="STAGE", help="such as staging or prod")
    parser.add_argument("-m", "--message", metavar="TEXT", help="why")
    parser.add_argument(
        "--force", action="store_true", help="promote what does not pass the gate; needs -m"
    )
    parser.add_argument(
        "--local", action="store_true", help="accept that the DVC remote does not have its bytes"
    )
    parser.add_argument("--push", action="store_true", help="send the tag to origin")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Assign the version to the stage.

    Raises:
        UserError: there is no such version, it is there already, its bytes cannot be had, or the
            gate refuses it; nothing was written.
    """
    if not STAGE.fullmatch(args.stage):
        raise UserError(
            f"'{args.stage}' cannot be a stage: letters, digits, '-', '_' and '/', "
            "with a letter or digit at both ends."
        )
    if args.force and not args.message:
        raise UserError("--force needs a reason, which is kept with the tag: -m 'why'.")
    version = find(catalogue, args.reference, signed=True)
    assigned = present(catalogue, version, args.stage)
    if args.push:
        publish.check_remote(catalogue, version.model)
    verdict = judged(catalogue, version, assigned, args.force)
    if not args.local:
        check_remote_has(catalogue, version, args.force, deep=True)
    if not verdict.passed and not args.force:
        raise UserError(
            f"{version.label} does not pass the gate to {args.stage}.\n\n{verdict.table}\n\n"
            f"The thresholds are in {verdict.params}, section promote; --force -m 'why' promotes "
            "it all the same, and keeps the reason.",
            "explanation/the-gate.md#what-it-checks",
        )
    state = "passed" if verdict.passed else "forced"
    reason = args.message or f"Promote {version.label} to {args.stage}"
    message = f"{reason}\n\nGate: {state}\n\n{verdict.table}"
    tag = publish.assignment(catalogue, version.model, args.stage)
    done = publish.write(catalogue, tag, version.commit, message, args.push)
    before = f", not {assigned.label}" if assigned else ""
    now = f"{args.stage} is assigned {version.model} {version.label} now{before}."
    return None, f"{verdict.table}\n\n{now}\n{done}"


def present(catalogue: Catalogue, version: Version, stage: str) -> Version | None:
    """Return the version that is in the stage now, or None; none that lacks its signature only.

    Raises:
        UserError: the version has no number, or is in the stage already; its model was deprecated;
            or this clone cannot know what is in the stage.
    """
    if version.number is None:
        raise UserError(
            f"commit {version.label} has no version number: check it out and "
            "`modelkeep register` it first."
        )
    check_history(catalogue.git)
    if retired := catalogue.deprecations.get(version.model):
        raise UserError(
            f"{version.model} was deprecated by {retired.author} (tag {retired.tag}): "
            f"{retired.reason or 'no reason given'}. `git tag -d {retired.tag}` and `git push "
            f"origin :refs/tags/{retired.tag}` take that back."
        )
    assigned = catalogue.assigned(version.model, stage)
    if assigned and assigned.commit == version.commit:
        if accepted(catalogue, version, stage):
            raise UserError(f"{version.label} is in {stage} already.")
        return None
    return assigned


def accepted(catalogue: Catalogue, version: Version, stage: str) -> bool:
    """Say whether nothing is wrong with the signature by which a version is in a stage."""
    try:
        catalogue.check_signed(catalogue.assignments[version.model][stage])
    except UserError:
        return False
    return True


def judged(
    catalogue: Catalogue, version: Version, assigned: Version | None, force: bool
) -> Verdict:
    """Return the verdict of the gate; where it cannot judge and that is forced, why not.

    Raises:
        UserError: the gate cannot judge, for want of a package or of test data; forced, only for
            want of the version's own package.
    """
    try:
        return judge(catalogue, version, assigned)
    except UserError as error:
        if force:
            # The gate may be forced; what is not there cannot be served by force.
            check_whole(catalogue, version)
            return Verdict(False, f"not judged: {error}")
        if isinstance(error, Incomparable | Unscored):
            lacking = "the comparison" if isinstance(error, Incomparable) else "a score"
            raise UserError(
                f"{error} To promote {version.label} without {lacking}, say why, which is kept: "
                "--force -m 'why'."
            ) from None
        raise

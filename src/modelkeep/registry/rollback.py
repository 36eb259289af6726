"""`rollback`: assign an earlier version to a stage again; history is kept."""

import argparse
import sys
from typing import Any

from modelkeep.registry import publish
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.outputs import package_output
from modelkeep.registry.reference import find, model_in
from modelkeep.registry.servable import check_remote_has, check_servable
from modelkeep.registry.storage import storage_of
from modelkeep.registry.tags import of_model
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

MARK = "Rollback"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("stage", metavar="STAGE", help="such as prod")
    parser.add_argument(
        "--to", metavar="REF", help="the version (default: what was in the stage before)"
    )
    parser.add_argument("-m", "--message", metavar="TEXT", required=True, help="why")
    parser.add_argument(
        "--local", action="store_true", help="accept that the DVC remote does not have the package"
    )
    parser.add_argument("--push", action="store_true", help="send the tag to origin")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Assign the older version.

    Raises:
        UserError: nothing is in the stage, there is no older version, or it cannot be served here;
            nothing was written.
    """
    model = model_in(catalogue, args.stage)
    earlier = stack(catalogue, model, args.stage)
    present = catalogue.at(model, catalogue.assignments[model][args.stage].commit)
    target = chosen(catalogue, args.to, earlier, present, args.stage)
    if args.push:
        publish.check_remote(catalogue, model)
    check_servable(catalogue, target)
    if not args.local:
        check_shared(catalogue, target)
    tag = publish.assignment(catalogue, model, args.stage)
    message = f"{args.message}\n\n{MARK}: from {present.label} to {target.label}"
    done = publish.write(catalogue, tag, target.commit, message, args.push)
    return (
        None,
        f"{args.stage} is assigned {model} {target.label} again, not {present.label}.\n{done}",
    )


def check_shared(catalogue: Catalogue, target: Version) -> None:
    """Make sure that servers elsewhere can go back as well.

    A remote that cannot be reached is noted: no outage keeps a server from what it has.

    Raises:
        UserError: the remote does not have the package.
    """
    with storage_of(catalogue.git, target) as storage:
        try:
            package = package_output(catalogue, target)
            storage.of(package.remote).in_remote([package.md5])
        except UserError as error:
            print(
                f"note: whether others can have {target.label} is not checked: {error}",
                file=sys.stderr,
            )
            return
    check_remote_has(catalogue, target, forced=True)


def stack(catalogue: Catalogue, model: str, stage: str) -> list[str]:
    """Return the commits that a rollback can go back to, the present one last.

    A promotion puts a commit on top, a rollback takes away what lies above its target: so a
    version that was rolled back is not what the next rollback returns to. Nor is one whose
    promotion or number was taken back.
    """
    commits: list[str] = []
    for event in of_model(catalogue.events, model):
        if event.stage != stage:
            continue
        if event.back or catalogue.withdrawn(model, event.commit):
            commits = [commit for commit in commits if commit != event.commit]
            continue
        if event.trailer(MARK) and event.commit in commits:
            del commits[commits.index(event.commit) :]
        if commits[-1:] != [event.commit]:
            commits.append(event.commit)
    return commits


def check_earlier(catalogue: Catalogue, target: Version, stage: str) -> None:
    """Make sure that what was in a stage before was put there by a signature that counts.

    Raises:
        UserError: it was not, and signatures are asked for.
    """
    own = of_model(catalogue.events, target.model)
    events = [event for event in own if event.stage == stage and event.commit == target.commit]
    if catalogue.trust.policy(target.directory).asks(stage):
        remedy = f"--to {target.commit[:12]} goes there all the same, with your signature."
        catalogue.trust.check(events[-1], stage, remedy)


def chosen(
    catalogue: Catalogue, reference: str | None, earlier: list[str], present: Version, stage: str
) -> Version:
    """Return the version to go back to.

    Raises:
        UserError: there is none, it was never in the stage or was taken back, or it is there now;
            or it is not signed as the stage asks for.
    """
    if reference is None:
        older = [commit for commit in earlier if commit != present.commit]
        if not older:
            raise UserError(
                f"no version was in {stage} before {present.label}: say where to go with --to REF."
            )
        target = catalogue.at(present.model, older[-1])
        check_earlier(catalogue, target, stage)
        return target
    target = find(catalogue.of(present.model), reference, signed=True)
    if target.commit == present.commit:
        raise UserError(f"{present.label} is in {stage} now.")
    assigned = {
        event.commit for event in of_model(catalogue.events, present.model) if event.stage == stage
    }
    if catalogue.withdrawn(target.model, target.commit):
        raise UserError(f"commit {target.label} has no number any more: its tag was taken back.")
    if target.commit not in assigned:
        raise UserError(
            f"{target.label} was never in {stage}: `modelkeep promote {target.label} {stage}` puts "
            "it there, through the gate."
        )
    return target

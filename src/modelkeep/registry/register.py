"""`register`: give the model of this commit a version number, once it can be found for good."""

import argparse
from pathlib import Path
from typing import Any

from modelkeep import text
from modelkeep.registry import publish
from modelkeep.registry.catalogue import Catalogue, making, package_of
from modelkeep.registry.dvc_internals import forget_remote, locked_project
from modelkeep.registry.fetch import is_package_of
from modelkeep.registry.imported import check_source
from modelkeep.registry.metadata import Metadata
from modelkeep.registry.outputs import Output, outputs_of
from modelkeep.registry.presence import MISSING, Fault, faults
from modelkeep.registry.same_recipe import check_recipe, check_unregistered
from modelkeep.registry.storage import Storage, storage_of
from modelkeep.registry.summary import UNLOCKED, trailers
from modelkeep.registry.tags import VERSION, order
from modelkeep.registry.version import Version
from modelkeep.unnoticed import unnoticed
from modelkeep_core.dvc_yaml import covers, read_stages, upstream
from modelkeep_core.errors import UserError
from modelkeep_core.guard import check_seen
from modelkeep_core.merges import REMEDY, half_merged
from modelkeep_core.packaged import check_manifest

FIRST = "v1.0.0"
PARTS = ("major", "minor", "patch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    number = parser.add_mutually_exclusive_group()
    number.add_argument("version", nargs="?", metavar="VERSION", help="such as v1.2.0")
    number.add_argument(
        "--bump", choices=PARTS, default="minor", help="the part to raise (default: minor)"
    )
    parser.add_argument("-m", "--message", metavar="TEXT", help="what is new in it")
    parser.add_argument(
        "--same-recipe",
        action="store_true",
        help="register another package of a recipe that has a number, such as with another "
        "evaluation",
    )
    parser.add_argument(
        "--unlocked-because",
        metavar="TEXT",
        help="register a model that was not made in the locked environment",
    )
    parser.add_argument(
        "--local", action="store_true", help="accept that data and model are not in the DVC remote"
    )
    parser.add_argument(
        "--deep", action="store_true", help="read and hash all that the DVC remote has of it"
    )
    parser.add_argument("--push", action="store_true", help="send the tag to origin")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Register the model of HEAD.

    Raises:
        UserError: one of the checks does not hold; nothing was written.
    """
    if catalogue.git.bare:
        raise UserError("a version is registered in a work tree, where its files can be checked.")
    _check_merged(catalogue)
    model = only_model(catalogue)
    with locked_project() as repo:
        # What was read before the others were kept out may have changed.
        catalogue = catalogue.of(model)
        version = checked(catalogue, model, repo, args)
        number = next_number(catalogue, model, args.version, args.bump)
        metadata = catalogue.records.of(version)
        tag = publish.registration(catalogue, model, number)
        message = message_of(catalogue, version, args.message, args.unlocked_because)
        done = publish.write(catalogue, tag, version.commit, message, args.push)
    recipe, commit = text.short(metadata["recipe_id"]), text.short(version.commit)
    return None, f"{model} {number} is recipe {recipe} of commit {commit}.\n{done}"


def _check_merged(catalogue: Catalogue) -> None:
    """Refuse a project in which a merge is half done, whether it was committed or not.

    Raises:
        UserError: naming a file, and the line if it has both sides.
    """
    names = catalogue.git.run("ls-files", "-z").split("\0")
    for name, line in half_merged(Path(catalogue.git.directory), names):
        raise UserError(f"{name}, line {line}: {REMEDY}")
    listed = catalogue.git.run("diff", "--name-only", "--diff-filter=U", "-z", "--", ".")
    if unmerged := listed.split("\0")[:-1]:
        raise UserError(
            f"a merge is under way, and both sides have changed {unmerged[0]}{_more(unmerged)}: "
            "`git add` what is right of both, run `dvc repro`, and commit the merge."
        )


def message_of(
    catalogue: Catalogue, version: Version, reason: str | None, unlocked_because: str | None
) -> str:
    """Return the message of the tag: what is new, and the metadata that it vouches for."""
    metadata = catalogue.records.of(version)
    headline = metadata["metrics"]["headline"]
    path = catalogue.records.paths(version.model)[0]
    blob = catalogue.git.run("rev-parse", f"{version.commit}:{version.directory}{path}").strip()
    reason = reason or f"{headline['metric']} {text.interval(headline)}"
    unlocked = f"\n{UNLOCKED}: {' '.join(unlocked_because.split())}" if unlocked_because else ""
    package = package_of(catalogue.pipeline(version), version)
    return f"{reason}\n\n{trailers(metadata, path, blob, package)}{unlocked}"


def only_model(catalogue: Catalogue) -> str:
    """Return the model that dvc.yaml names, or the one that was chosen.

    Raises:
        UserError: there is none, there are several, or there is no commit yet.
    """
    if catalogue.git.commit("HEAD") is None:
        raise UserError(
            "there is no commit yet: `git commit` the project, and what made the model."
        )
    models = [catalogue.model] if catalogue.model else catalogue.current_models
    if not models:
        raise UserError("dvc.yaml of this commit names no model under `artifacts:`.")
    if len(models) > 1:
        raise UserError(f"there are several models ({', '.join(models)}): say which with --model.")
    return models[0]


def checked(catalogue: Catalogue, model: str, repo: Any, args: argparse.Namespace) -> Version:
    """Check the model of HEAD and return it.

    Raises:
        UserError: it is not committed, not what the pipeline makes of what is committed, changed,
            registered already, of another recipe than it says, or could not be found again from
            elsewhere.
    """
    git = catalogue.git
    changed = git.run("status", "--porcelain", "--untracked-files=normal", "--", ".").splitlines()
    if changed:
        raise UserError(
            f"the work tree is not clean ({changed[0].strip()}{_more(changed)}): commit, ignore or "
            "remove what is there, so that the version is what its commit says."
        )
    version = catalogue.at(model, git.commit("HEAD") or "")
    check_unregistered(catalogue, version, args.same_recipe)
    check_locked(catalogue.records.of(version), args.unlocked_because)
    if args.push:
        publish.check_remote(catalogue, model)
    pipeline = catalogue.pipeline(version)
    path, _ = package_of(pipeline, version)
    check_noticed(path)
    _, last = making(pipeline, version)
    # That the source of an import has newer data makes nothing stale: the commit names the old.
    status = repo.status(targets=[last], with_deps=True)
    stages = [stage.addressing for stage in repo.index.stages]
    stale = [name for name in stages if not _only_newer(status.get(name, ()))]
    if stale:
        raise UserError(
            f"dvc.lock is not in step with the work ({', '.join(stale)}): `dvc repro` and "
            "commit, or `dvc checkout` to go back."
        )
    package = Path(path)
    check_manifest(package)
    check_seen(package)
    if not is_package_of(catalogue, version, package):
        raise UserError(
            f"{package} does not have the metadata that are committed: `dvc repro` and commit."
        )
    check_recipe(Path(), path, catalogue.records.of(version))
    if not args.local:
        check_pushed(catalogue, version, path, repo, args.deep)
    return version


def check_noticed(package: str) -> None:
    """Make sure that DVC notices a change of all that a package was made from.

    Raises:
        UserError: a stage that it was made by is frozen, or always changed.
    """
    for stage in upstream(read_stages(Path("dvc.yaml")), package):
        if found := unnoticed(stage):
            raise UserError(" ".join(found), "reference/checks/MK206.md")


def _only_newer(changes: Any) -> bool:
    """Say whether all that DVC sees changed is that an import could be updated."""
    return all(
        isinstance(change, dict)
        and change.keys() == {"changed deps"}
        and all(news == "update available" for news in change["changed deps"].values())
        for change in changes
    )


def check_locked(metadata: Metadata, reason: str | None) -> None:
    """Make sure that a model was made in the locked environment, or that there is a reason.

    Raises:
        UserError: it was not, and there is none; or there is one that is not needed.
    """
    if metadata.get("reproducible", True):
        if reason is not None:
            raise UserError(
                "the model was made in the locked environment: --unlocked-because has nothing to "
                "explain."
            )
    elif not reason or not reason.strip():
        unlocked = "; ".join(map(str, metadata.get("unlocked", [])))
        raise UserError(
            f"the model was not made in the locked environment ({unlocked}), so nobody can make "
            "it again. Make it anew, with `dvc repro --force` in that environment; "
            "--unlocked-because 'why' registers it all the same, and keeps the reason.",
            "how-to/environment.md",
        )


def check_pushed(
    catalogue: Catalogue, version: Version, package: str, repo: Any, deep: bool = False
) -> None:
    """Make sure that every object of the commit is in the remote, as large as it should be.

    The objects of the package are read and hashed. What comes from another repository must be
    there still.

    Args:
        catalogue: the versions.
        version: the version.
        package: the path of its package.
        repo: the DVC project.
        deep: whether all objects are read and hashed.

    Raises:
        UserError: one is not, or a remote cannot be reached.
    """
    outputs = outputs_of(catalogue, version)
    hashed = [output.path for output in outputs] if deep else [package]
    with storage_of(catalogue.git, version) as storage:
        if wrong := faults(outputs, storage, hashed):
            _check_withheld(outputs, wrong)
            remote = wrong[0].remote
            own = [fault for fault in wrong if fault.remote == remote]
            raise UserError(_remedy(own, storage.of(remote), repo))
        for output in outputs:
            if output.imported:
                check_source(catalogue.git, version, output, storage)


def _check_withheld(outputs: list[Output], wrong: list[Fault]) -> None:
    """Make sure that `dvc push` sends what a remote has not.

    Raises:
        UserError: `push: false` keeps it from that.
    """
    for output in outputs:
        own = [fault for fault in wrong if covers(output.path, fault.meaning)]
        if output.withheld and own:
            where = "dvc.yaml" if output.stage else "its .dvc file"
            raise UserError(
                f"the remote '{own[0].remote}' does not have {output.path}, and `push: false` in "
                f"{where} keeps `dvc push` from sending it: take that out, commit and `dvc push`; "
                "--local accepts the risk that nobody else can restore this version."
            )


def _remedy(wrong: list[Fault], storage: Storage, repo: Any) -> str:
    """Return what is wrong with a remote and what helps, after that was made true.

    DVC takes for whole what the remote has under its name, and a directory whose list is there.
    What `dvc push` would not send is sent here, and what DVC noted of the remote is forgotten.
    """
    forget_remote(repo, str(storage.remote))
    unsent = {fault.name: fault.meaning for fault in wrong if fault.unsent}
    missing = [fault.meaning for fault in wrong if not fault.unsent]
    if not unsent:
        return (
            f"the remote '{storage.remote}' does not have {missing[0]}{_more(missing)}: whoever "
            "clones this has a version without its files. `dvc push` sends them; --local accepts "
            "the risk."
        )
    storage.send(unsent)
    names = [*unsent.values()]
    first = next(fault for fault in wrong if fault.unsent)
    state = "does not have" if first.problem == MISSING else "has damaged"
    rest = f" `dvc push` sends {missing[0]}{_more(missing)}, not there either." if missing else ""
    return (
        f"the remote '{storage.remote}' {state} {names[0]}{_more(names)}: whoever clones this has "
        "a version without its files. `dvc push` would not send them, since it believes what the "
        f"remote lists; they were sent just now, from the cache.{rest} `modelkeep fsck` tells what "
        "else was lost; then register again."
    )


def next_number(catalogue: Catalogue, model: str, wanted: str | None, bump: str) -> str:
    """Return the number of the next version: the one that is wanted, or the largest raised.

    Raises:
        UserError: it is no version number, taken, or not larger than all others.
    """
    used = catalogue.numbers_in_tags(model)
    largest = max(used, key=order, default=None)
    following = raised(largest, bump) if largest else FIRST
    if wanted is None:
        return following
    number = wanted if wanted.startswith("v") else f"v{wanted}"
    if not VERSION.fullmatch(number):
        raise UserError(f"'{wanted}' is no version number: it is like v1.2.0 (semver.org).")
    if number in used:
        raise UserError(f"{number} is taken. The next is {following}.")
    if largest and order(number) <= order(largest):
        raise UserError(f"{number} is not larger than {largest}. The next is {following}.")
    return number


def raised(version: str, part: str) -> str:
    """Return the next version number: v1.2.3 raised by "minor" is v1.3.0."""
    from gto.versions import SemVer

    return SemVer(version).bump(**{f"bump_{part}": True}).version


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""

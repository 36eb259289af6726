"""MK4: each file is kept by Git or by DVC, and by one of them, where others can get it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from modelkeep.check.findings import Finding, rule
from modelkeep.check.project import DVC_YAML, Project
from modelkeep_core.dvc_yaml import covers

CONFIG = ".dvc/config"
SECTION = re.compile(r"""\s*\[\s*(['"]?)\s*remote\s+"(?P<name>[^"]+)"\s*\1\s*\]""")
OPTION = re.compile(r"\s*(?P<key>[A-Za-z_]\w*)\s*=\s*(?P<value>.*?)\s*$")
SECRETS = re.compile(
    r"password|passphrase|secret|token|connection_string|account_key|sas|custom_auth_header", re.I
)
# Options that speak of a secret and hold none
NO_SECRETS = ("ask_password", "credentialpath", "gdrive_service_account_json_file_path")
IN_URL = re.compile(r"://[^/@:]+:[^/@]+@|[?&](sig|signature|token)=", re.I)


class _Option(NamedTuple):
    """An option of a remote in .dvc/config, and its line."""

    remote: str
    key: str
    value: str
    line: int


@rule("MK401")
def cached_output_ignored(project: Project) -> Iterator[Finding]:
    """Every output that DVC keeps is ignored by Git."""
    if project.git is None:
        return
    kept = {
        entry.path: (DVC_YAML, entry.line)
        for stage in project.stages.values()
        for entry in stage.outs
        if entry.cached
    } | project.tracked_data
    inside = {path: place for path, place in kept.items() if not path.startswith(("..", "/"))}
    ignored = project.git.ignored(inside)
    for path, (file, line) in inside.items():
        if path not in ignored:
            yield Finding(
                file,
                line,
                "MK401",
                f"DVC keeps {path}, and .gitignore does not name it: after a stage that fails, "
                "`git add` would take it into Git.",
                f"Add to .gitignore: /{path}",
            )


@rule("MK402")
def uncached_output_in_git(project: Project) -> Iterator[Finding]:
    """No output that DVC does not keep is ignored by Git."""
    if project.git is None:
        return
    entries = {
        entry.path: entry
        for stage in project.stages.values()
        for entry in stage.outs
        if not entry.cached and not entry.path.startswith(("..", "/"))
    }
    for path in project.git.ignored(entries):
        yield Finding(
            DVC_YAML,
            entries[path].line,
            "MK402",
            f"{path} has `cache: false`, so that Git keeps it, and .gitignore names it: nothing "
            "keeps it.",
            f"Take {path} out of .gitignore, or let DVC keep it without `cache: false`.",
        )


@rule("MK403")
def tracked_in_output(project: Project) -> Iterator[Finding]:
    """No file of Git lies in an output that DVC keeps."""
    tracked = project.git.tracked if project.git else ()
    places = [
        (entry.path, DVC_YAML, entry.line)
        for stage in project.stages.values()
        for entry in stage.outs
        if entry.cached
    ]
    places += [(path, file, line) for path, (file, line) in project.tracked_data.items()]
    for path, file, line in places:
        inside = [name for name in tracked if covers(path, name)]
        if inside:
            more = f" and {len(inside) - 1} more" if len(inside) > 1 else ""
            yield Finding(
                file,
                line,
                "MK403",
                f"Git has {inside[0]}{more}, in {path} that DVC keeps: `dvc checkout` removes or "
                "refuses it.",
                f"Type: git rm -r --cached {path}",
            )


@rule("MK404")
def relative_remote(project: Project) -> Iterator[Finding]:
    """The address of a remote does not depend on where somebody stands."""
    for option in _options(project):
        url = option.value.strip("\"'")
        absolute = "://" in url or re.match(r"[A-Za-z]:[\\/]", url) or url.startswith(("/", "\\\\"))
        if option.key == "url" and not absolute and not re.fullmatch(r"[\w.-]+@[\w.-]+:.+", url):
            yield Finding(
                CONFIG,
                option.line,
                "MK404",
                f"the remote '{option.remote}' has the relative address {url!r}: from a bare "
                "clone, and for other revisions, DVC takes it from another directory.",
                f"Write an absolute one: dvc remote modify {option.remote} url /absolute/path",
            )


@rule("MK405")
def secret_in_config(project: Project) -> Iterator[Finding]:
    """No password, key or token is in .dvc/config, which Git keeps."""
    for option in _options(project):
        secret = SECRETS.search(option.key) and option.key not in NO_SECRETS
        if (secret and not option.key.endswith(("_path", "_file"))) or (
            option.key == "url" and IN_URL.search(option.value)
        ):
            yield Finding(
                CONFIG,
                option.line,
                "MK405",
                f"'{option.key}' of the remote '{option.remote}' is a secret, in a file that Git "
                "keeps.",
                f"Remove it and type `dvc remote modify --local {option.remote} {option.key} ...`; "
                "change the secret if it was ever committed.",
            )


def _options(project: Project) -> Iterator[_Option]:
    """Yield the options of all remotes."""
    path = project.root / CONFIG
    remote = ""
    lines = project.text(CONFIG).splitlines() if path.is_file() else []
    for number, text in enumerate(lines, 1):
        if text.strip().startswith("["):
            section = SECTION.match(text)
            remote = section["name"] if section else ""
        elif remote and not text.strip().startswith(("#", ";")) and (option := OPTION.match(text)):
            yield _Option(remote, option["key"], option["value"], number)

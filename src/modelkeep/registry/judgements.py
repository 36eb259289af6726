"""What signatures are worth, remembered: a check takes milliseconds, and a list has many."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelkeep.registry.allowed_signers import Signer, read_signers
from modelkeep.registry.git import Git, GitError
from modelkeep.registry.ssh_signature import Judgement, judge
from modelkeep.registry.tags import Event
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import MOST_JSON, parse_json, read_file

# In the directory of Git, which whoever may write to may change everything in
PLACE = ("modelkeep", "signatures.json")
GONE = Judgement(word="broken", reason="is not the tag that was read before")


class Judgements:
    """The judgements on tags of a repository.

    They are kept in its Git directory, unless that is somebody else's, or goes away. A judgement
    holds for the very bytes of a tag, under the very bytes of the file of allowed signers.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._kept: dict[str, list[Any]] | None = None

    def of(self, events: Sequence[Event], allowed: bytes) -> list[Judgement]:
        """Return what the signatures of tags are worth.

        Args:
            events: the tags.
            allowed: the file of allowed signers.

        Raises:
            UserError: ssh-keygen cannot be run.
        """
        kept = self._kept = self._read() if self._kept is None else self._kept
        signers = read_signers(allowed)
        contents = [*self._git.read(event.oid for event in events)]
        keys = [
            hashlib.sha256(allowed + b"\0" + (content or b"")).hexdigest() for content in contents
        ]
        new = {
            key: (content, event)
            for key, content, event in zip(keys, contents, events, strict=True)
            if key not in kept and says(content, event)
        }

        if new:
            for key, judgement in zip(new, _judged([*new.values()], signers), strict=True):
                lines = [signer.line for signer in judgement.signers]
                kept[key] = [lines, judgement.word, judgement.reason]
            self._write(kept)
        return [
            _judgement(kept[key], signers) if says(content, event) else GONE
            for key, content, event in zip(keys, contents, events, strict=True)
        ]

    def _place(self) -> Path | None:
        if self._git.foreign or self._git.fresh:
            return None
        with suppress(GitError):
            common = self._git.run("rev-parse", "--git-common-dir").strip()
            return Path(self._git.directory, common).joinpath(*PLACE)
        return None

    def _read(self) -> dict[str, list[Any]]:
        place = self._place()
        if place is None or not place.is_file():
            return {}
        with suppress(UserError, AttributeError, TypeError, ValueError):
            content = read_file(place, MOST_JSON)
            return {
                str(key): [[str(line) for line in lines], str(word), str(reason)]
                for key, (lines, word, reason) in parse_json(content, str(place)).items()
            }
        return {}

    def _write(self, kept: dict[str, list[Any]]) -> None:
        if place := self._place():
            from modelkeep_core.files import write_text

            # A repository that may only be read is asked again the next time.
            with suppress(OSError):
                write_text(place, json.dumps(kept))


def _judged(tags: list[tuple[bytes | None, Event]], signers: list[Signer]) -> list[Judgement]:
    """Judge tags beside each other: each waits for a program."""
    from concurrent.futures import ThreadPoolExecutor

    def judged(tag: tuple[bytes | None, Event]) -> Judgement:
        return judge(tag[0] or b"", tag[1].when, signers)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [*pool.map(judged, tags)]


def says(content: bytes | None, event: Event) -> bool:
    """Say whether a tag object is the one that an event was read from: same name, same commit."""
    start = f"object {event.commit}\ntype commit\ntag {event.tag}\n".encode()
    return content is not None and content.startswith(start)


def _judgement(kept: list[Any], signers: list[Signer]) -> Judgement:
    lines, word, reason = kept
    return Judgement(tuple(signer for signer in signers if signer.line in lines), word, reason)

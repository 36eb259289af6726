"""A signature counts if ssh-keygen says so; else a word and a sentence say why not."""

from datetime import UTC, datetime, timedelta

import pytest

from modelkeep.registry.allowed_signers import read_signers
from modelkeep.registry.ssh_signature import judge, valid_at
from modelkeep_core.errors import UserError
from signing import NEEDED, allowed, signature

pytestmark = NEEDED
TAG = b"object 1\ntype commit\ntag model@v1.0.0\ntagger Ada <a> 0 +0000\n\nWhy\n"
WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def judged(content, *lines, when=WHEN):
    """Judge a tag by lines of allowed signers."""
    return judge(content, when, read_signers("".join(lines).encode()))


def test_the_signature_of_an_allowed_signer_counts(keys):
    """Whoever else may sign."""
    content = TAG + signature(TAG, keys["ada"])
    judgement = judged(content, allowed(keys["bob"]), allowed(keys["ada"], 'namespaces="git"'))
    assert [signer.name for signer in judgement.signers] == ["ada@example.org"]
    assert (judgement.word, judgement.reason) == ("", "")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda good: TAG, "not signed"),
        (lambda good: good.replace(b"Why", b"Who"), "broken"),
        (lambda good: good.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"), "no SSH key"),
        (lambda good: good[: len(TAG) + 60], "broken"),
        (lambda good: TAG + b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END", "broken"),
        # Git takes the last signature: what stands before it is part of what was signed.
        (lambda good: good + b"-----BEGIN PGP SIGNATURE-----\n", "no SSH key"),
    ],
    ids=["none", "changed", "pgp", "cut", "short", "two"],
)
def test_what_is_wrong_with_a_signature_is_said(keys, change, word):
    """In a word, for tables."""
    content = change(TAG + signature(TAG, keys["ada"]))
    judgement = judged(content, allowed(keys["ada"]))
    assert (judgement.signers, judgement.word) == ((), word)


def test_a_key_of_nobody_is_named_by_its_fingerprint(keys):
    """As ssh-keygen prints it, so that it can be looked for."""
    judgement = judged(TAG + signature(TAG, keys["eve"]), allowed(keys["ada"]))
    assert judgement.word == "unknown key"
    assert "a key of no allowed signer (SHA256:" in judgement.reason


def test_a_signature_for_something_else_does_not_count(keys):
    """A key that may sign files is no key that may sign tags."""
    content = TAG + signature(TAG, keys["ada"])
    assert judged(content, allowed(keys["ada"], 'namespaces="file"')).word == "broken"


def test_a_key_counts_from_and_until_its_dates(keys):
    """They are in UTC, wherever they are read."""
    content = TAG + signature(TAG, keys["ada"])
    line = allowed(keys["ada"], 'valid-after="202603010000",valid-before="202603020000"')
    assert judged(content, line).signers
    day = timedelta(days=1)
    for when in (WHEN - day, WHEN + day):
        judgement = judged(content, line, when=when)
        assert judgement.word == "expired"
        assert judgement.reason.endswith(f"whose key was not valid on {when:%Y-%m-%d}")


def test_the_zone_of_this_machine_changes_nothing(keys, monkeypatch):
    """Ten hours from UTC, the same key is valid."""
    monkeypatch.setenv("TZ", "UTC-14")
    content = TAG + signature(TAG, keys["ada"])
    line = allowed(keys["ada"], 'valid-before="202603011300"')
    assert judged(content, line).signers


def test_a_key_may_have_two_lines(keys):
    """As when it was prolonged after a while, or has another name for another stage."""
    content = TAG + signature(TAG, keys["ada"])
    old = allowed(keys["ada"], 'valid-before="20250101"')
    (signer,) = judged(content, old, allowed(keys["ada"])).signers
    assert signer.line == signer.undated.replace('"', "")


def test_validity_at_another_time_is_asked_anew(keys):
    """What was good when it was written may be so no more."""
    content = TAG + signature(TAG, keys["ada"])
    (signer,) = judged(content, allowed(keys["ada"], 'valid-before="20260401"')).signers
    assert valid_at(signer, content, WHEN)
    assert not valid_at(signer, content, WHEN + timedelta(days=60))


def test_without_ssh_keygen_nothing_is_believed(keys, monkeypatch):
    """It is said what is missing, and where it comes from."""
    content = TAG + signature(TAG, keys["ada"])
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(UserError, match=r"ssh-keygen is not installed.*OpenSSH"):
        judged(content, allowed(keys["ada"]))

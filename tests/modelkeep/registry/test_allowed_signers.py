"""The file of allowed signers is read as ssh-keygen reads it, and stages are found in it."""

import pytest

from modelkeep.registry.allowed_signers import read_signers

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHN5bnRoZXRpYyBrZXkgb2YgYSB0ZXN0IG9ubHk="


def read(*lines):
    """Read lines as a file."""
    return read_signers("\n".join(lines).encode())


def test_names_and_keys_are_read():
    """With and without options, comments and quotes; of several names, the first is shown."""
    signers = read("# Us", "", f"ada@example.org {KEY} Ada", f'"bob,b@example.org" {KEY}', "  ")
    assert [signer.name for signer in signers] == ["ada@example.org", "bob"]
    assert all(signer.key.startswith(b"\0\0\0\x0bssh-ed25519") for signer in signers)
    assert all(signer.may_release_to("prod") for signer in signers)


@pytest.mark.parametrize(
    ("options", "stages"),
    [
        ('namespaces="git"', None),
        ('namespaces="git,stage:prod"', {"prod"}),
        ('NAMESPACES="stage:a/b, git,stage:dev"', {"a/b", "dev"}),
        ('namespaces="git,!stage:prod"', set()),
        ('namespaces="git,stage:*"', set()),
    ],
)
def test_stages_stand_among_the_namespaces(options, stages):
    """Without any, a signer may release to all; one that cannot be read stands for none."""
    (signer,) = read(f"ada {options} {KEY}")
    assert signer.stages == (None if stages is None else frozenset(stages))
    assert signer.may_release_to(None)


def test_a_line_is_known_without_its_dates():
    """So that a key which expired can be told from a signature that is wrong."""
    (signer,) = read(f'ada namespaces="git",valid-before="20260101" {KEY} Ada')
    assert signer.undated == f'"ada" namespaces="git" {KEY}'


@pytest.mark.parametrize(
    "line",
    [
        "ada",
        "ada ssh-ed25519",
        "ada ssh-ed25519 A",
        f'ada namespaces="git {KEY}',
        f"*.example.org cert-authority {KEY}",
    ],
)
def test_a_line_that_cannot_be_read_allows_nobody(line):
    """Nor does one that stands for an authority, whose certificates are not looked at."""
    assert read(line, f"bob {KEY}")[0].name == "bob"

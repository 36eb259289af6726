"""Workers get the settings that the command was given, and the key from nowhere else."""

import pytest

from modelkeep.serving.options import API_KEY, SETTINGS, Settings, api_key
from modelkeep_core.errors import UserError
from server import DEFAULTS


def test_settings_arrive_as_they_were_handed_over(monkeypatch):
    """Every one of them."""
    monkeypatch.setenv(SETTINGS, "")
    settings = Settings(current="a/b.json", records=None, **DEFAULTS)
    settings.hand_over()
    assert Settings.handed_over() == settings


def test_the_key_comes_from_the_environment(monkeypatch):
    """With the line end that a file of secrets has after it, or without."""
    for text in ("secret", "secret\n", "secret\r\n"):
        monkeypatch.setenv(API_KEY, text)
        assert api_key() == "secret"
    monkeypatch.delenv(API_KEY)
    assert api_key() is None


@pytest.mark.parametrize("empty", ["", "\n", "  "])
def test_an_empty_key_is_a_secret_that_was_not_filled_in(monkeypatch, empty):
    """It opens nothing: the server does not start."""
    monkeypatch.setenv(API_KEY, empty)
    with pytest.raises(UserError, match="SERVING_API_KEY is set and empty"):
        api_key()


@pytest.mark.parametrize("key", [" secret", "secret\t", "one\ntwo", "a\x00b", "\udce9", "x" * 4097])
def test_a_key_that_nobody_can_send_is_refused(monkeypatch, key):
    """Or nobody would come in, and nothing would say why."""
    monkeypatch.setattr("os.environ", {API_KEY: key})
    with pytest.raises(UserError, match="could not be sent by anybody"):
        api_key()


@pytest.mark.parametrize("key", ["with a blank", "schlüssel", "x" * 4096, "a'; DROP TABLE x;--"])
def test_a_strange_key_is_a_key(monkeypatch, key):
    """Whatever a head can carry."""
    monkeypatch.setenv(API_KEY, key)
    assert api_key() == key

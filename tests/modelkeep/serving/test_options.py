"""Workers get the settings that the command was given, and the key from nowhere else."""

from modelkeep.serving.options import API_KEY, SETTINGS, Settings, api_key
from server import DEFAULTS


def test_settings_arrive_as_they_were_handed_over(monkeypatch):
    """Every one of them."""
    monkeypatch.setenv(SETTINGS, "")
    settings = Settings(current="a/b.json", records=None, **DEFAULTS)
    settings.hand_over()
    assert Settings.handed_over() == settings


def test_the_key_comes_from_the_environment(monkeypatch):
    """An empty one is none."""
    monkeypatch.setenv(API_KEY, "secret")
    assert api_key() == "secret"
    monkeypatch.setenv(API_KEY, "")
    assert api_key() is None
    monkeypatch.delenv(API_KEY)
    assert api_key() is None

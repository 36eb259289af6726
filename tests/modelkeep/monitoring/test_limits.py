"""What an alarm takes can be set, within reason."""

import argparse

import pytest

from modelkeep.monitoring.limits import Limits, add_arguments, count, limits_of, share


def parsed(*words):
    """Return the limits that a command line sets."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--rows", type=count, default=Limits.rows)
    return limits_of(parser.parse_args(words))


def test_without_options_the_limits_are_the_defaults():
    """There is one place for them."""
    assert parsed() == Limits()


def test_every_limit_has_an_option():
    """Each sets its own."""
    words = "--level 0.05 --distance 0.2 --cells 0.1 --refused 0.5 --rows 30"
    assert parsed(*words.split()) == Limits(0.05, 0.2, 0.1, 0.5, 30)


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "much"])
def test_a_share_is_between_0_and_1(text):
    """Nothing else is taken."""
    with pytest.raises(ValueError, match=r"."):
        share(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many"])
def test_a_count_is_at_least_1(text):
    """Nothing can be said of no rows."""
    with pytest.raises(ValueError, match=r"."):
        count(text)

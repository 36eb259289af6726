"""A person's mistake ends in a message, a programmer's in a traceback."""

import pytest

from modelkeep_core.errors import UserError, exit_on_user_error, suggestion


def test_a_refusal_becomes_its_message_and_a_failed_exit():
    """A UserError leaves the program with its message, which Python prints with exit status 1."""
    with pytest.raises(SystemExit) as ended, exit_on_user_error():
        raise UserError("the file is missing")
    assert ended.value.code == "error: the file is missing"


def test_any_other_error_keeps_its_traceback():
    """An error that is no UserError is a bug and is not hidden."""
    with pytest.raises(ZeroDivisionError), exit_on_user_error():
        _ = 1 / 0


def test_work_that_succeeds_is_left_alone():
    """Nothing happens where nothing is refused."""
    done = []
    with exit_on_user_error():
        done.append("work")
    assert done == ["work"]


def test_the_nearest_known_word_is_suggested():
    """A misspelt word is told with the one that was meant."""
    assert suggestion("tset_size", ["seed", "test_size", "split"]) == (
        " (did you mean 'test_size'?)"
    )


def test_nothing_is_suggested_where_no_word_is_near():
    """A word that resembles none of the known ones gets no misleading suggestion."""
    assert suggestion("zzz", ["seed", "test_size"]) == ""

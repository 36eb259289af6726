"""Stop where no answer was checked: with a replay file that does not name the extension."""

# {{ answers_are_checked }}: without it Cookiecutter knows no such name, and removes what it began.

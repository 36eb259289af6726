"""Refuse answers that cannot be used: the last look, for those that come from a replay file."""

import sys

REFUSALS = {{cookiecutter | refusals | quoted}}

if REFUSALS:
    sys.exit(REFUSALS)

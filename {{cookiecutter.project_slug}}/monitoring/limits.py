"""What an alarm takes, the options that change it, and the exit status that tells it."""

import argparse
from dataclasses import dataclass, fields

# The exit status for what was found
ENDED = {"in order": 0, "alarm": 1, "not enough data": 2}
MEANING = {
    "level": "how many reports may be false alarms where nothing drifts",
    "effect": "how far apart distributions must be to matter, from 0 to 1",
    "cells": "how many more of the cells must be missing, or unseen, to matter",
    "refused": "how much of what comes in, rows and refused values, may be refused",
}


@dataclass(frozen=True)
class Limits:
    """What an alarm takes.

    Attributes:
        level: the share of reports on traffic without drift that may raise an alarm.
        effect: the least distance between distributions that matters.
        cells: the least share of unseen cells that matters, and change of that of missing ones.
        refused: the greatest share of what comes in, rows answered and values refused, that may be
            refused.
        rows: fewer rows are not judged.
    """

    level: float = 0.01
    effect: float = 0.1
    cells: float = 0.05
    refused: float = 0.05
    rows: int = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe an option for each share; `rows` is one of all commands."""
    for name, meaning in MEANING.items():
        default = getattr(Limits, name)
        parser.add_argument(
            f"--{name}",
            type=share,
            default=default,
            metavar="SHARE",
            help=f"{meaning} ({default})",
        )


def limits_of(args: argparse.Namespace) -> Limits:
    """Return what the options say."""
    return Limits(**{field.name: getattr(args, field.name) for field in fields(Limits)})


def share(text: str) -> float:
    """Read a share, from 0 to 1.

    Raises:
        ValueError: it is none.
    """
    found = float(text)
    if not 0 <= found <= 1:
        raise ValueError(text)
    return found


def count(text: str) -> int:
    """Read a number of rows, at least 1.

    Raises:
        ValueError: it is none.
    """
    found = int(text)
    if found < 1:
        raise ValueError(text)
    return found

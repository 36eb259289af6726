"""What an alarm takes, the options that change it, and the exit status that tells it."""

import argparse
from dataclasses import dataclass, fields

# The exit status for each state
ENDED = {"in order": 0, "alarm": 1, "not enough data": 2}
MEANING = {
    "level": "how many reports may be false alarms where nothing drifts",
    "distance": "the distance between distributions, from 0 to 1, that matters",
    "cells": "the share of cells, more missing or out of range, that matters",
    "refused": "which share of the rows that come in may be refused",
}


@dataclass(frozen=True)
class Limits:
    """What an alarm takes.

    Attributes:
        level: the share of reports on traffic without drift that may raise an alarm.
        distance: the least distance between distributions that matters.
        cells: the least share of cells out of range that matters, and change in the share of
            missing cells.
        refused: the greatest share of the rows that come in that may be refused.
        rows: fewer rows are not judged.
    """

    level: float = 0.01
    distance: float = 0.1
    cells: float = 0.05
    refused: float = 0.05
    rows: int = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe an option for each share; `rows` belongs to other commands too."""
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
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(text)
    return number


def count(text: str) -> int:
    """Read a number of rows, at least 1.

    Raises:
        ValueError: it is none.
    """
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number

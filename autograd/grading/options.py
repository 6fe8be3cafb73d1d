"""The options of commands that judge files, and the types of numbers in options."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from autograd.grading.fence import MEMORY


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that judges many files."""
    parser.add_argument("--hint", action="store_true", help="say which equation is wrong, but not what is wrong in it")
    parser.add_argument("--timeout", type=positive, default=60.0, metavar="X",
        help="stop a file after X seconds (default: %(default)s)")  # fmt: skip
    parser.add_argument("--memory", type=whole_number(1), default=MEMORY, metavar="MB",
        help="let a file hold MB megabytes (default: %(default)s)")  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_const", const="json", dest="form", help="print a list of verdicts as JSON"
    )
    form.add_argument("--csv", action="store_const", const="csv", dest="form", help="print a line of CSV for each file")
    form.add_argument("--junit", action="store_const", const="junit", dest="form",
        help="print the verdicts as JUnit XML, which GitHub Classroom, GitLab and Jenkins read")  # fmt: skip
    parser.add_argument("--jobs", type=whole_number(1), default=1, metavar="N",
        help="judge N files at a time (default: 1)")  # fmt: skip


def whole_number(least: int) -> Callable[[str], int]:
    """Make the type of an option that is a whole number of at least `least`."""

    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return value

    return whole


def not_negative(text: str) -> float:
    """Read an option that is a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number of at least 0")
    return value


def positive(text: str) -> float:
    """Read an option that is a finite number greater than 0."""
    value = not_negative(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not greater than 0")
    return value

"""Options that several commands of the training package share."""

from __future__ import annotations

import argparse

from .datasets.kinds import KINDS

# A kind of data that is no set of pictures.
PANORAMAS = "panoramas"


def add_data(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """`--data`, repeatable: what `training.datasets.sets.Source.parse` reads."""
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        required=required,
        metavar="[KIND:]DIR[@SHARE]",
        help=f"pictures; repeatable. Kinds, see docs/training.md: {', '.join((*KINDS, PANORAMAS))}",
    )


def parse_count(text: str) -> int:
    """A number above 0.

    Raises:
        argparse.ArgumentTypeError: it is not above 0.
    """
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found '{text}'")
    return value

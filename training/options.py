"""Options that several commands of the training package share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .datasets.kinds import KINDS
from .datasets.sets import Source

# A kind of data that is no set of pictures.
PANORAMAS = "panoramas"


def add_data(parser: argparse.ArgumentParser, *, required: bool = False, others: Sequence[str] = ()) -> None:
    """`--data`, repeatable: what `training.datasets.sets.Source.parse` reads, and kinds that the caller takes."""
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        required=required,
        metavar="[KIND:]DIR[@SHARE]",
        help=f"pictures; repeatable. Kinds, see docs/training.md: {', '.join((*KINDS, *others))}",
    )


def add_training_data(parser: argparse.ArgumentParser) -> None:
    """`--data` and `--panoramas`, for `find_training_data`."""
    add_data(parser, others=(PANORAMAS,))
    parser.add_argument(
        "--panoramas",
        type=Path,
        metavar="DIR",
        help="folder of panoramas in linear light (.hdr, .exr), for recipes that cut views",
    )


def find_training_data(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> tuple[list[Source], Path | None]:
    """The sets of pictures, and the folder of panoramas, which is one kind of `--data` too; one of them is there."""
    # Views are cut, where other kinds are pictures already; the recipe says how many and how often.
    marker = f"{PANORAMAS}:"
    folders = [Path(text.removeprefix(marker)) for text in arguments.data if text.startswith(marker)]
    folders += [arguments.panoramas] if arguments.panoramas is not None else []
    if len(folders) > 1:
        parser.error("expected one folder of panoramas; put them into one")
    sources = [Source.parse(text) for text in arguments.data if not text.startswith(marker)]
    if not sources and not folders:
        parser.error("--data is missing; training needs it, or --panoramas")
    return sources, next(iter(folders), None)

"""The options of every program that enhances: with which model, and how the result shall look."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any, Literal

from edge_dce.models.accelerator import ACCELERATORS
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.models.contracts import ENHANCING
from edge_dce.pixels.look import AUTO, LEAST_MAX_BRIGHTNESS, MAX_STRENGTH
from edge_dce.terminal.arguments import parse_positive


def add_model_options(parser: Any) -> None:
    """Add --model and the options that `edge_dce.load` takes to a parser or a group of one."""
    parser.add_argument("-m", "--model", default=DEFAULT_MODEL, help="bundled model or path (default: %(default)s)")
    parser.add_argument(
        "--threads", type=parse_positive, metavar="N", help="threads to use (default: depends on the cores)"
    )
    parser.add_argument("--contract", choices=ENHANCING, help="what a model without a card returns")
    add_accelerator_option(parser)


def add_accelerator_option(parser: Any) -> None:
    """Add --accelerator to a parser or a group of one."""
    parser.add_argument(
        "--accelerator",
        choices=ACCELERATORS,
        help="compile the network for it with LiteRT, where the machine has it (gpu and npu are untried)",
    )


def add_look_options(parser: Any) -> None:
    """Add --strength, --max-brightness and --denoise, the fields of a `Look`, to a parser or a group of one."""
    for name, low, high, default, purpose in (
        ("--strength", 0, MAX_STRENGTH, 1.0, "how strongly to enhance"),
        ("--max-brightness", LEAST_MAX_BRIGHTNESS, 1, 1.0, "protect highlights: brighten nothing beyond this level"),
    ):
        explained = f"{purpose}, {low} to {high} (default: %(default)s)"
        parser.add_argument(name, type=_make_range_parser(low, high), default=default, metavar="N", help=explained)
    parser.add_argument(
        "--denoise",
        type=parse_denoise,
        default=AUTO,
        metavar="auto|N",
        help="noise to smooth away: measured, or a number from 0 (none; leaves black skies to the network, too) to 1 "
        "(default: %(default)s)",
    )


def parse_denoise(text: str) -> float | Literal["auto"]:
    """The denoise of a `Look`, from text."""
    return AUTO if text == AUTO else _make_range_parser(0, 1, f"{AUTO}, or a number")(text)


def _make_range_parser(low: float, high: float, kind: str = "a number") -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected {kind} from {low} to {high}, found '{text}'")
        return value

    return parse

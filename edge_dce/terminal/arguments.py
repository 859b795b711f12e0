"""What command lines take, checked: sizes, counts, lists of them."""

from __future__ import annotations

import argparse


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) of "1920x1080"."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WxH such as 1920x1080, found '{text}'")
    return int(width), int(height)


def parse_count(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number, found '{text}'")
    return int(text)


def parse_positive(text: str) -> int:
    """A whole number above 0."""
    value = parse_count(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found '{text}'")
    return value


def parse_positives(text: str) -> tuple[int, ...]:
    """Whole numbers above 0, separated by commas, each once."""
    return tuple(dict.fromkeys(parse_positive(part.strip()) for part in text.split(",")))


def parse_above_zero(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found '{text}'")
    return value

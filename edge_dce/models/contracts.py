"""What a model file returns: every contract that this version knows, once.

A card may name a contract of a later version. It is read all the same; running the file is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from edge_dce.pixels.curve import ITERATIONS
from edge_dce.pixels.tone import COUNT

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a model file returns.

    Attributes:
        name: as cards and command lines have it.
        purpose: for people, after "a file that returns".
        output: the shapes that the output may have, for people.
        fits: whether an output of the second shape may be of this contract, for an input (1, H, W, C) of the first;
            C is one of `COLORS`.
        range: lowest and highest real value of the output.
        color: "RGB" where the output is an image, None where it is not.
        is_enhancing: whether `Enhancer` makes pictures with it.
    """

    name: str
    purpose: str
    output: str
    fits: Callable[[Shape, Shape], bool]
    range: tuple[float, float]
    color: str | None
    is_enhancing: bool


# What the channels of a network's input are, by their number: RGBN is RGB and near infrared.
COLORS = {1: "GREY", 3: "RGB", 4: "RGBN"}


def _fits_curves(image: Shape, output: Shape) -> bool:
    return (
        len(output) == 4
        and output[0] == 1
        and all(0 < side <= limit for side, limit in zip(output[1:3], image[1:3], strict=True))
        and output[3] in (image[3], image[3] * ITERATIONS)
    )


CURVES = Contract(
    "curves",
    "a map of curves, for edge-dce",
    output=f"(1, h, w, 3) or (1, h, w, {3 * ITERATIONS}) that is no larger",
    fits=_fits_curves,
    range=(-1.0, 1.0),
    color=None,
    is_enhancing=True,
)
TONE = Contract(
    "tone",
    "the tone of a picture, for edge-dce",
    output=f"(1, {COUNT})",
    fits=lambda image, output: image[3] == 3 and output == (1, COUNT),
    range=(-1.0, 1.0),
    color=None,
    is_enhancing=True,
)
IMAGE = Contract(
    "image",
    "the enhanced image, for other apps",
    output="(1, H, W, 3)",
    fits=lambda image, output: len(output) == 4 and output[0] == 1 and output[3] == image[3] == 3,
    range=(0.0, 1.0),
    color="RGB",
    is_enhancing=False,
)

CONTRACTS = {contract.name: contract for contract in (CURVES, TONE, IMAGE)}
ENHANCING = tuple(name for name, contract in CONTRACTS.items() if contract.is_enhancing)

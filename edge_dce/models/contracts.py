"""What a model file returns: every contract that this version knows, once.

A card may name a contract of a later version. It is read all the same; running the file is refused.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a model file returns.

    Attributes:
        name: as cards and command lines have it.
        purpose: for people, after "a file that returns".
        range: lowest and highest real value of the output.
        color: "RGB" where the output is an image, None where it is not.
        is_enhancing: whether `Enhancer` makes pictures with it.
    """

    name: str
    purpose: str
    range: tuple[float, float]
    color: str | None
    is_enhancing: bool


CURVES = Contract("curves", "a map of curves, for edge-dce", (-1.0, 1.0), color=None, is_enhancing=True)
IMAGE = Contract("image", "the enhanced image, for other apps", (0.0, 1.0), color="RGB", is_enhancing=False)

CONTRACTS = {contract.name: contract for contract in (CURVES, IMAGE)}
ENHANCING = tuple(name for name, contract in CONTRACTS.items() if contract.is_enhancing)

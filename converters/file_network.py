"""What a file takes and returns, as a Keras network of one size."""

from __future__ import annotations

from typing import Any

import keras

from .errors import ConversionError
from .formats import CONTRACTS, find_product
from .layers import call_network
from .source import SourceNetwork


def build_network(source: SourceNetwork, contract: str, width: int, height: int) -> Any:
    """The network at one size, (1, height, width, channels) in [0, 1] in.

    Args:
        contract: one of `CONTRACTS`: what the network is to return, a batch of one.

    Raises:
        ConversionError: the network is of one size, and not of this; or of what it returns nothing of this contract can
            be made.
    """
    product = find_product(contract)
    if source.returns not in product.build:
        possible = " or ".join(f"--contract {name}" for name, each in CONTRACTS.items() if source.returns in each.build)
        raise ConversionError(
            f"{source.name}: returns {source.returns}, which cannot make '{contract}'; use {possible}"
        )
    if source.channels != 3 and product.returns_image:
        raise ConversionError(f"{source.name}: sees {source.channels} channels, not RGB; use --contract curves")
    image = keras.Input((height, width, source.channels), batch_size=1, name="image")
    try:
        output = call_network(source.network, image)
    except ValueError as error:
        raise ConversionError(
            f"{source.name}: expected a network that takes {width}x{height}, "
            f"found {source.network.input_shape}; choose another --size"
        ) from error
    output = product.build[source.returns](image, output, source.root)
    return keras.Model(image, output, name=f"{source.name}_{contract}")

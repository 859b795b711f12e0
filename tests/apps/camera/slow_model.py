"""A model whose network takes a second."""

from __future__ import annotations

import time
from typing import Any

import numpy.typing as npt

import edge_dce


class SlowEnhancer(edge_dce.Enhancer):
    def estimate(self, image: npt.NDArray[Any], *, channel_order: str = "RGB") -> npt.NDArray[Any]:
        time.sleep(1.0)
        return super().estimate(image, channel_order=channel_order)


def open_slow(name: str) -> edge_dce.Enhancer:
    """For the app's `open_model`."""
    enhancer = edge_dce.load(name)
    enhancer.__class__ = SlowEnhancer
    return enhancer

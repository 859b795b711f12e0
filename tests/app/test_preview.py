"""The live view's pixels, drawn by Mesa and read back."""

from __future__ import annotations

import numpy as np
import pytest

from apps.camera.preview import Preview
from edge_dce.curve import CurveShape, apply_exact
from edge_dce.look import Look

# Ten bits of the map cost 0.6 at worst (apps/camera/packing.py), rounding to bytes 0.5, on both sides.
TOLERANCE = 2


def draw(preview: Preview) -> np.ndarray:
    """The widget as it stands on the screen, (H, W, 3), first row on top."""
    texture = preview.export_as_image().texture
    return np.frombuffer(texture.pixels, np.uint8).reshape(texture.height, texture.width, 4)[..., :3]


def make_frame(width: int = 322, height: int = 183) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_preview(frame: np.ndarray, curves: np.ndarray, shape: CurveShape, order: str = "RGB", **properties) -> Preview:
    preview = Preview(size=frame.shape[1::-1], pos=(0, 0), size_hint=(None, None), **properties)
    preview.show_frame(frame, order)
    preview.show_curves(curves, shape)
    return preview


def smooth_map(low: float, high: float) -> np.ndarray:
    return np.random.default_rng(2).uniform(low, high, (16, 24, 3)).astype(np.float32)


@pytest.mark.parametrize("shape", [CurveShape(8, 1), CurveShape(8, 2), CurveShape(8, 4)], ids=str)
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-0.3, 0)])
@pytest.mark.parametrize("strength", [0.5, 1.5])
def test_view_agrees_with_the_formula(shape: CurveShape, low: float, high: float, strength: float) -> None:
    frame, curves = make_frame(), smooth_map(low, high)
    preview = make_preview(frame, curves, shape, strength=strength)
    expected = apply_exact(frame, curves, shape=shape, look=Look(strength=strength))
    difference = np.abs(draw(preview).astype(int) - expected)
    print(shape, low, high, strength, difference.max(), difference.mean())
    assert difference.max() <= TOLERANCE

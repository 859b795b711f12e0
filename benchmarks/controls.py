"""What each control of `edge-dce enhance` does to one photo: a strip of labeled crops per control, for docs/."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.enhancer import load
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.pixels.look import AUTO, Look

Uint8Array = npt.NDArray[np.uint8]

_CELL_PX = 240
_LABEL_PX, _GAP_PX = 24, 4
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.42
# The sample photo has no noise to smooth away: it is given a sixth of its light and the noise of a small sensor.
_DARKENED = 1 / 6
_NOISE_LEVELS = 1.5


@dataclasses.dataclass(frozen=True)
class _Control:
    """One strip.

    Attributes:
        crop: x, y, width, height in the photo, in pixels; the strip shows it enlarged to one width for all.
        cells: label -> model and look.
        is_noisy: the photo is darkened and given noise first.
    """

    crop: tuple[int, int, int, int]
    cells: dict[str, tuple[str, Look]]
    is_noisy: bool = False


_MODELS = (DEFAULT_MODEL, "zero-dce-scene-256x256-int8", "zero-dce-128x128-int8")
_CONTROLS = {
    "strength": _Control(
        (200, 150, 240, 277), {f"--strength {value}": (DEFAULT_MODEL, Look(value)) for value in (0.5, 1, 1.5)}
    ),
    "max-brightness": _Control(
        (250, 330, 140, 97),
        {f"--max-brightness {value}": (DEFAULT_MODEL, Look(max_brightness=value)) for value in (1, 0.8, 0.6)},
    ),
    "denoise": _Control(
        (285, 110, 80, 80),
        {f"--denoise {value}": (DEFAULT_MODEL, Look(denoise=value)) for value in (0, AUTO, 1)},
        is_noisy=True,
    ),
    "model": _Control(
        (0, 67, 360, 360),
        {model: (model, Look()) for model in _MODELS},
    ),
}


def draw_controls(photo: Uint8Array) -> dict[str, Uint8Array]:
    """Control -> (H, W, 3) uint8 RGB: a crop before, and after with several values of the control.

    Args:
        photo: (427, 640, 3) uint8 RGB: the sample photo, which the crops are chosen in.

    Raises:
        ModelError, ImageError: as `edge_dce.load` and `Enhancer.enhance`.
    """
    return {name: _draw(control, photo) for name, control in _CONTROLS.items()}


def _draw(control: _Control, photo: Uint8Array) -> Uint8Array:
    if control.is_noisy:
        photo = _take_in_the_dark(photo)
    x, y, width, height = control.crop
    images = {"before": photo} | {
        label: load(model).enhance(photo, look) for label, (model, look) in control.cells.items()
    }
    cells = [_label(image[y : y + height, x : x + width], label) for label, image in images.items()]
    gap = np.full((cells[0].shape[0], _GAP_PX, 3), 255, np.uint8)
    return np.hstack([part for cell in cells for part in (cell, gap)][:-1])


def _take_in_the_dark(photo: Uint8Array) -> Uint8Array:
    noise = np.random.default_rng(0).normal(0, _NOISE_LEVELS, photo.shape)
    return np.clip(np.rint(photo * _DARKENED + noise), 0, 255).astype(np.uint8)


def _label(crop: Uint8Array, text: str) -> Uint8Array:
    """A crop of the strip's width with its label above."""
    height = round(_CELL_PX * crop.shape[0] / crop.shape[1])
    # Enlarged pixels stay visible: they are what is shown.
    smaller = crop.shape[1] > _CELL_PX
    cell = cv2.resize(crop, (_CELL_PX, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_NEAREST)
    label = np.full((_LABEL_PX, _CELL_PX, 3), 255, np.uint8)
    cv2.putText(label, text, (2, _LABEL_PX - 8), _FONT, _FONT_SCALE, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([label, cell]).astype(np.uint8, copy=False)

"""A virtual camera that stands where a panorama was taken."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

# Keeps the logarithm of black finite, far below what 8 bits show.
_BLACK = np.float32(1e-6)


@dataclasses.dataclass(frozen=True)
class Camera:
    """Where a camera looks, in degrees, and its picture's size.

    Args:
        yaw: to the right of the panorama's middle.
        pitch: up.
        roll: clockwise.
        field_of_view: along the longer side of the picture.
        size: (width, height) in pixels.
    """

    yaw: float
    pitch: float
    roll: float
    field_of_view: float
    size: tuple[int, int]


def draw_camera(random: np.random.Generator, size: tuple[int, int]) -> Camera:
    """A camera held by hand: about level, 40 to 90 degrees wide, one of three times upright (`size` turned)."""
    width, height = size
    return Camera(
        yaw=random.uniform(-180, 180),
        pitch=float(np.clip(random.normal(0, 10), -25, 25)),
        roll=random.normal(0, 2),
        field_of_view=random.uniform(40, 90),
        size=(height, width) if random.random() < 1 / 3 else (width, height),
    )


def cut_view(panorama: FloatArray, camera: Camera) -> FloatArray:
    """(height, width, 3) of the light that falls into the camera, from an equirectangular panorama (H, W, 3).

    Interpolates the light's logarithm: beside a lamp a thousand times as bright as its wall, edges stay smooth.
    """
    height, width = panorama.shape[:2]
    directions = _aim_rays(camera)
    longitude = np.arctan2(directions[..., 0], directions[..., 2])
    latitude = np.arctan2(directions[..., 1], np.hypot(directions[..., 0], directions[..., 2]))
    # Pixel centers: column 0 looks half a pixel to the right of -180 degrees.
    columns = (longitude / (2 * math.pi) + 0.5) * width - 0.5
    rows = (latitude / math.pi + 0.5) * height - 0.5
    logarithm = cv2.remap(
        np.log(panorama + _BLACK),
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    light: FloatArray = np.maximum(np.exp(logarithm) - _BLACK, 0).astype(np.float32)
    return light


def _aim_rays(camera: Camera) -> FloatArray:
    """(height, width, 3) of directions: x to the right, y down, z ahead."""
    width, height = camera.size
    focal_px = max(width, height) / 2 / math.tan(math.radians(camera.field_of_view) / 2)
    x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    rays = np.stack([x / focal_px, y / focal_px, np.ones_like(x)], axis=-1).astype(np.float32)
    turn = _turn_yaw(camera.yaw) @ _turn_pitch(camera.pitch) @ _turn_roll(camera.roll)
    return np.asarray(rays @ turn.T, np.float32)


def _turn_yaw(degrees: float) -> FloatArray:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], np.float32)


def _turn_pitch(degrees: float) -> FloatArray:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]], np.float32)


def _turn_roll(degrees: float) -> FloatArray:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float32)

"""A street at night with sensor noise, for machines without a camera: the same every time, and cheap."""

from __future__ import annotations

import time

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.camera.frames import ClosingSource, Frame, Pace

Uint8Array = npt.NDArray[np.uint8]

# Of 255 levels, as a small sensor has at high gain.
_NOISE_SD = 5
# The difference of two windows of one picture of bytes: new noise of both signs every frame, for two additions.
_NOISE_MARGIN_PX = 128
_DRIVE_FRAMES = 240


class SyntheticSource(ClosingSource):
    """Houses, street lamps and a car that drives by, RGB. Frame `n` is the same in every run."""

    def __init__(self, *, size: tuple[int, int], fps: float) -> None:
        self.name = "synthetic"
        self.size = size
        self.fps = fps
        self._random = np.random.default_rng(8)
        self._street = _draw_street(*size, self._random)
        self._car = _draw_car(size[1])
        self._noise = _make_noise(*size, self._random)
        self._pace = Pace(fps)
        self._sequence = 0

    def read(self) -> Frame:
        self._pace.wait()
        image = self.draw()
        frame = Frame(image, "RGB", time.monotonic(), self._sequence)
        self._sequence += 1
        return frame

    def draw(self) -> Uint8Array:
        """The next frame's (H, W, 3) uint8 RGB image, without waiting for its time."""
        image = np.empty_like(self._street)
        cv2.add(self._street, self._cut_noise(), dst=image)
        self._add_car(image)
        cv2.subtract(image, self._cut_noise(), dst=image)
        return image

    def _cut_noise(self) -> Uint8Array:
        width, height = self.size
        left, top = self._random.integers(_NOISE_MARGIN_PX, size=2)
        return self._noise[top : top + height, left : left + width]

    def _add_car(self, image: Uint8Array) -> None:
        width, height = self.size
        car_height, car_width = self._car.shape[:2]
        share = self._sequence % _DRIVE_FRAMES / _DRIVE_FRAMES
        left = round(share * (width + car_width)) - car_width
        visible = slice(max(0, left), min(width, left + car_width))
        top = height - car_height - height // 14
        if visible.start < visible.stop:
            target = image[top : top + car_height, visible]
            target[:] = cv2.add(target, self._car[:, visible.start - left : visible.stop - left])


def _draw_street(width: int, height: int, random: np.random.Generator) -> Uint8Array:
    light = np.zeros((height, width, 3), np.float32)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis]
    # Sky glow above the roofs, and asphalt that fades toward the viewer.
    light += (rows < 0.8)[..., np.newaxis] * rows[..., np.newaxis] * np.array([10, 12, 20], np.float32)
    light += (rows >= 0.8)[..., np.newaxis] * np.array([16, 15, 14], np.float32)
    left = 0
    while left < width:
        right = left + int(random.integers(width // 10, width // 6))
        _draw_house(light, left, min(right, width), random)
        left = right
    for share in (0.18, 0.5, 0.82):
        _draw_lamp(light, round(share * width), random)
    return _round(light)


def _draw_house(light: npt.NDArray[np.float32], left: int, right: int, random: np.random.Generator) -> None:
    height = light.shape[0]
    roof, ground = int(height * random.uniform(0.2, 0.5)), round(height * 0.8)
    light[roof:ground, left:right] = random.uniform(4, 14, size=3)
    pitch = max(6, height // 14)
    for top in range(roof + pitch // 2, ground - pitch, pitch):
        for edge in range(left + pitch // 2, right - pitch // 2, pitch):
            is_lit = random.random() < 0.12
            color = np.array([150, 118, 60]) * random.uniform(0.4, 1) if is_lit else np.array([7, 8, 10])
            light[top : top + pitch // 2, edge : edge + pitch // 2] = color


def _draw_lamp(light: npt.NDArray[np.float32], x: int, random: np.random.Generator) -> None:
    height, width = light.shape[:2]
    y = round(height * 0.45)
    across, down = np.meshgrid(np.arange(width) - x, np.arange(height) - y)
    distance = np.hypot(across, down) / height
    glow = 26 * np.exp(-distance / 0.16) + 210 * np.exp(-((distance / 0.012) ** 2))
    light[y : round(height * 0.82), x - height // 300 : x + height // 300 + 1] = 3
    light += glow[..., np.newaxis].astype(np.float32) * np.array([1, 0.78, 0.45], np.float32)


def _draw_car(scene_height: int) -> Uint8Array:
    height = max(8, scene_height // 8)
    width = 4 * height
    car = np.zeros((height, width, 3), np.float32)
    cv2.rectangle(car, (width // 5, height // 2), (3 * width // 5, 9 * height // 10), (14, 4, 4), -1)
    cv2.rectangle(car, (width // 4, height // 4), (width // 2, height // 2), (8, 8, 12), -1)
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    for x, color in ((3 * width // 5, (250, 240, 200)), (width // 5, (160, 12, 8))):
        distance = np.hypot(across - x, down - 0.65 * height) / height
        car += np.exp(-distance / 0.12)[..., np.newaxis].astype(np.float32) * np.array(color, np.float32)
    # Nothing left at the rim, or the glow's rectangle would show.
    car *= np.hanning(height + 2)[1:-1, np.newaxis, np.newaxis].astype(np.float32) ** 0.5
    return _round(car)


def _make_noise(width: int, height: int, random: np.random.Generator) -> Uint8Array:
    shape = height + _NOISE_MARGIN_PX, width + _NOISE_MARGIN_PX, 3
    sd = _NOISE_SD / 2**0.5
    noise = random.standard_normal(shape, np.float32) * np.float32(sd) + np.float32(4 * sd)
    return _round(noise)


def _round(light: npt.NDArray[np.float32]) -> Uint8Array:
    rounded: Uint8Array = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    return rounded

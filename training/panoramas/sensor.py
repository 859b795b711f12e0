"""What a camera makes of light: exposure, a wrong white balance, noise, clipping, 8 bits of sRGB, JPEG."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

# Room below black for noise and above white for clipping, in the 16 bits that a mosaic is interpolated in.
_MOSAIC_BLACK, _MOSAIC_WHITE = 4096, 56000


@dataclasses.dataclass(frozen=True)
class Noise:
    """Noise of a sensor: in linear light, where 1 is white, the variance of light x is shot·x + read².

    `shot` is 1 / (electrons that fill a pixel, after the gain); `read` the standard deviation in the dark.
    """

    shot: float = 0.0
    read: float = 0.0

    def measure_at(self, level: float) -> float:
        """Standard deviation around an output level, both in levels of 255: the sRGB curve taken as straight there."""
        light = float(decode_srgb(np.array(level / 255, np.float32)))
        # The derivative of `encode_srgb`.
        slope = 12.92 if light <= 0.0031308 else 1.055 / 2.4 * light ** (1 / 2.4 - 1)
        return 255 * slope * math.sqrt(self.shot * light + self.read**2)


@dataclasses.dataclass(frozen=True)
class Sensor:
    """How a view is recorded.

    Args:
        exposure: factor from a view's light to the sensor's, whose white is 1.
        white_balance: factors of red, green and blue; (1, 1, 1) is right.
        noise: of the sensor.
        has_mosaic: each pixel sees one color (a Bayer pattern), the others are interpolated: noise comes in blotches.
        jpeg_quality: 1 to 100; None keeps the samples.
    """

    exposure: float
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: Noise = Noise()
    has_mosaic: bool = False
    jpeg_quality: int | None = None


def expose(light: FloatArray, sensor: Sensor) -> FloatArray:
    """The light on the sensor, without noise: (H, W, 3) in [0, 1], clipped."""
    exposed: FloatArray = light * np.array(sensor.white_balance, np.float32) * np.float32(sensor.exposure)
    return np.minimum(exposed, 1)


def record(exposed: FloatArray, sensor: Sensor, random: np.random.Generator) -> tuple[Uint8Array, Uint8Array]:
    """The picture that the camera writes, and the same one without noise and JPEG; both (H, W, 3) uint8 RGB."""
    noise = sensor.noise
    deviation = np.sqrt(noise.shot * exposed + np.float32(noise.read) ** 2)
    noisy = exposed + deviation * random.standard_normal(exposed.shape, dtype=np.float32)
    clean = exposed
    if sensor.has_mosaic:
        noisy, clean = _interpolate_mosaic(noisy), _interpolate_mosaic(clean)
    picture = quantize(encode_srgb(noisy))
    if sensor.jpeg_quality is not None:
        picture = compress(picture, sensor.jpeg_quality)
    return picture, quantize(encode_srgb(clean))


def compress(image: Uint8Array, quality: int) -> Uint8Array:
    """(H, W, 3) RGB after JPEG of that quality, 1 to 100."""
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def find_exposure(light: FloatArray, mean_level: float) -> float:
    """The exposure that gives a picture this mean luma in levels of 255, clipping included; found by halving."""
    small = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    low, high = -24.0, 24.0
    for _ in range(20):
        middle = (low + high) / 2
        is_brighter = mix_luma(encode_srgb(small * np.float32(2**middle))).mean() * 255 > mean_level
        low, high = (low, middle) if is_brighter else (middle, high)
    return float(2 ** ((low + high) / 2))


def encode_srgb(light: FloatArray) -> FloatArray:
    """Linear light to the sRGB curve, both in [0, 1]; clips (IEC 61966-2-1)."""
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.asarray(encoded, np.float32)


def decode_srgb(encoded: FloatArray) -> FloatArray:
    """The inverse of `encode_srgb`."""
    light = np.where(encoded <= 0.04045, encoded / 12.92, np.power((encoded + 0.055) / 1.055, 2.4))
    return np.asarray(light, np.float32)


def mix_luma(samples: FloatArray) -> FloatArray:
    """(H, W) luma of (H, W, 3) RGB, by ITU-R BT.601."""
    luma: FloatArray = samples @ np.array([0.299, 0.587, 0.114], np.float32)
    return luma


def quantize(encoded: FloatArray) -> Uint8Array:
    """[0, 1] to 8 bits, rounded."""
    return np.rint(encoded * 255).astype(np.uint8)


def _interpolate_mosaic(light: FloatArray) -> FloatArray:
    scaled = np.rint(np.clip(light, -0.07, 1.06) * _MOSAIC_WHITE + _MOSAIC_BLACK).astype(np.uint16)
    mosaic = scaled[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = scaled[::2, ::2, 0], scaled[1::2, 1::2, 2]
    # OpenCV names a pattern by its second row: this one is RGGB.
    samples = cv2.cvtColor(mosaic, cv2.COLOR_BayerBG2RGB)
    return (samples.astype(np.float32) - np.float32(_MOSAIC_BLACK)) / np.float32(_MOSAIC_WHITE)

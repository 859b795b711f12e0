"""Whether conversion alone, without any rounding to integers, leaves a network what it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.levels import normalize
from edge_dce.pixels.shrinking import shrink_channels

from .draft import Subject
from .errors import ConversionError
from .formats import find_precision, find_product
from .operators import run
from .verification import HeldOut, Reference

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# A conversion is wrong on every picture or on none.
_PICTURES = 4
_MOST_DB = 120.0


def check_float_model(model: bytes, subject: Subject, reference: Reference, pictures: Sequence[HeldOut]) -> None:
    """Raise ConversionError unless a float32 file returns what the Keras network returns, bare numbers compared.

    Where it does not, all precisions would fail, and a search for better ranges would blame layers for minutes.

    Raises:
        ConversionError: also for a network that returns NaN or infinity.
        ModelError: the runtime refuses the file.
    """
    shown = pictures[:_PICTURES]
    channels, name = subject.source.channels, subject.source.name
    images = [shrink_channels(picture.image, subject.width, subject.height, channels) for picture in shown]
    expected = [
        _build(subject, image, reference.run_network(picture.image))
        for image, picture in zip(images, shown, strict=True)
    ]
    if not all(np.isfinite(output).all() for output in expected):
        raise ConversionError(
            f"{name}: expected numbers, found NaN or infinity in the network on evaluation pictures; train it again"
        )
    low, high = find_product(subject.contract).contract.range
    found = run(model, images)
    closeness_db = [_compare(*pair, high - low) for pair in zip(expected, found, strict=True)]
    bounds = find_precision("float32").bounds
    if np.mean(closeness_db) < bounds.psnr_db or min(closeness_db) < bounds.worst_psnr_db:
        worst = int(np.argmin(closeness_db))
        raise ConversionError(
            f"{name}: expected {bounds.psnr_db:g} dB between the Keras network and its float32 file, found "
            f"{np.mean(closeness_db):.2f} dB (worst {closeness_db[worst]:.2f} dB, {shown[worst].path.name}): "
            "conversion is wrong, not quantization; look for a layer that is random or computes otherwise in inference"
        )


def _build(subject: Subject, image: Uint8Array, output: FloatArray) -> FloatArray:
    """What the file is to return where the network returns `output`."""
    build = find_product(subject.contract).build[subject.source.returns]
    expected: FloatArray = np.asarray(build(normalize(image), output[np.newaxis], subject.source.root))[0]
    return expected


def _compare(expected: FloatArray, found: FloatArray, width: float) -> float:
    error = float(np.square(expected.astype(np.float64) - found).mean())
    return _MOST_DB if error == 0 else min(_MOST_DB, float(10 * np.log10(width**2 / error)))

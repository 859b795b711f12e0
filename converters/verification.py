"""What a converted file does to pictures, against the Keras network and against ground truth."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.benchmark.latency import Latency
from edge_dce.files.near_infrared import read_channels
from edge_dce.models.card import Fidelity, ModelFile
from edge_dce.models.network import Interpreter, Network
from edge_dce.models.runtime import default_threads, open_interpreter
from edge_dce.pixels.levels import normalize
from edge_dce.pixels.metrics import finite_psnr
from edge_dce.pixels.shrinking import shrink_channels

from .converted import ConvertedModel
from .formats import find_product
from .source import SourceNetwork

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Photos larger than this are verified smaller: fifty of a phone would take gigabytes and tell no more.
_MOST_PX = 2_000_000
_LATENCY_RUNS = 15


def open_converted(model: ModelFile, interpreter: Interpreter | None = None) -> ConvertedModel:
    """Load a file by its card's contract. Raises as `open_interpreter`.

    Args:
        interpreter: what runs it; None opens TFLite's.
    """
    assert model.card is not None
    interpreter = interpreter or open_interpreter(model, threads=default_threads())
    return find_product(model.card.contract).open(model, interpreter)


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """One picture to verify on.

    Attributes:
        image: (H, W, 3) uint8 RGB; (H, W, 4) with near infrared for networks that see it.
        truth: the same scene in normal light, same shape, where there is one.
    """

    path: Path
    image: Uint8Array
    truth: Uint8Array | None = None


@dataclasses.dataclass(frozen=True)
class PictureFidelity:
    """One picture, enhanced by the Keras network and by the file."""

    picture: HeldOut
    psnr_db: float
    max_abs: int
    color_shift: float
    map_max_abs: float | None
    drop_db: float | None


@dataclasses.dataclass(frozen=True)
class Verification:
    """Of one file.

    Attributes:
        fidelity: for the card.
        comparisons: picture by picture.
        latency: of the network alone on this machine.
    """

    fidelity: Fidelity
    comparisons: tuple[PictureFidelity, ...]
    latency: Latency

    @property
    def worst(self) -> PictureFidelity:
        return min(self.comparisons, key=lambda comparison: comparison.psnr_db)


def read_held_out(paths: Sequence[Path], truths: Path | None = None, channels: int = 3) -> list[HeldOut]:
    """Read pictures for a network of so many channels, and those of the same name in the folder `truths`.

    Raises:
        ImageError: a picture is broken, or its ground truth is missing.
    """
    pictures = []
    for path in paths:
        image = _limit(read_channels(path, channels))
        truth = None if truths is None else _limit(read_channels(truths / path.name, channels))
        pictures.append(HeldOut(path, image, truth))
    return pictures


class Reference:
    """The Keras network at one size, with the exact formula: what every file is measured against.

    Each of the network's maps, or its tone, is applied once, in float32. So the figures hold all that separates a
    user's result from the trained network: the averaging of the maps, the precision of the file and the look-up.
    """

    def __init__(self, source: SourceNetwork, width: int, height: int) -> None:
        self._source = source
        self._width, self._height = width, height
        self._seen: dict[tuple[str, tuple[int, ...]], tuple[Uint8Array, FloatArray | None]] = {}

    @property
    def channels(self) -> int:
        """Of the pictures that are enhanced: near infrared is a fourth, and a grey picture has its one three times."""
        return max(3, self._source.channels)

    @property
    def label(self) -> str:
        """For the card."""
        if find_product(self._source.returns).returns_image:
            return "Keras float32"
        maps = f", {self._source.maps} map(s)" if self._source.maps else ""
        return f"Keras float32{maps}, exact formula"

    def enhance(self, name: str, image: Uint8Array) -> tuple[Uint8Array, FloatArray | None]:
        """The enhanced image and the mean map or tone that made it; computed once for each name and shape."""
        key = (name, image.shape)
        if key not in self._seen:
            self._seen[key] = self._compute(image)
        return self._seen[key]

    def run_network(self, image: Uint8Array) -> FloatArray:
        """What the Keras network returns for an image, shrunk to its size: (h, w, channels) or (N,)."""
        tensor = normalize(shrink_channels(image, self._width, self._height, self._source.channels))
        # Unless told otherwise, Keras lets a Resizing layer put all layers after it in training mode.
        output: FloatArray = np.asarray(self._source.network(tensor, training=False))[0]
        return output

    def _compute(self, image: Uint8Array) -> tuple[Uint8Array, FloatArray | None]:
        output = self.run_network(image)
        apply = find_product(self._source.returns).apply
        assert apply is not None
        return apply(image, output, self._source.root)


def verify(
    model: ModelFile, reference: Reference, pictures: Sequence[HeldOut], *, interpreter: Interpreter | None = None
) -> Verification:
    """Run every picture through the file and compare.

    Args:
        interpreter: what runs it; None opens TFLite's.

    Raises:
        ModelError: the runtime failed.
    """
    interpreter = interpreter or open_interpreter(model, threads=default_threads())
    converted = open_converted(model, interpreter)
    comparisons = tuple(_compare(converted, reference, picture) for picture in pictures)
    worst = min(comparisons, key=lambda comparison: comparison.psnr_db)
    drops = [comparison.drop_db for comparison in comparisons if comparison.drop_db is not None]
    maps = [comparison.map_max_abs for comparison in comparisons if comparison.map_max_abs is not None]
    fidelity = Fidelity(
        images=len(comparisons),
        psnr_db=round(float(np.mean([comparison.psnr_db for comparison in comparisons])), 2),
        worst_psnr_db=round(worst.psnr_db, 2),
        worst_file=worst.picture.path.name,
        max_abs=max(comparison.max_abs for comparison in comparisons),
        against=reference.label,
        map_max_abs=round(max(maps), 5) if maps else None,
        color_shift=round(max(comparison.color_shift for comparison in comparisons), 3),
        banding=round(_measure_banding(converted, reference), 3),
        drop_db=round(float(np.mean(drops)), 3) if drops else None,
    )
    return Verification(fidelity, comparisons, _measure_latency(model, interpreter))


def enhance_both(model: ModelFile, reference: Reference, picture: HeldOut) -> tuple[Uint8Array, Uint8Array]:
    """One picture as the Keras network and as the file enhance it, for people to look at."""
    converted = open_converted(model)
    image = converted.prepare(picture.image)
    return reference.enhance(picture.path.name, image)[0], converted.enhance(image)


def _compare(converted: ConvertedModel, reference: Reference, picture: HeldOut) -> PictureFidelity:
    image = converted.prepare(picture.image)
    expected, expected_map = reference.enhance(picture.path.name, image)
    found = converted.enhance(image)
    found_map = converted.estimate(image)
    difference = found.astype(np.int16) - expected.astype(np.int16)
    drop_db = None
    if picture.truth is not None:
        truth = converted.prepare(picture.truth)
        drop_db = finite_psnr(expected, truth) - finite_psnr(found, truth)
    return PictureFidelity(
        picture,
        finite_psnr(found, expected),
        int(np.abs(difference).max()),
        float(np.abs(difference.mean(axis=(0, 1))).max()),
        None if found_map is None or expected_map is None else float(np.abs(found_map - expected_map).max()),
        drop_db,
    )


def _measure_banding(converted: ConvertedModel, reference: Reference) -> float:
    """Share of the levels in smooth gradients that the reference keeps and the file loses, the mean of two gradients.

    One runs from black to white, one through the dark quarter, where curves are steep and banding shows. Levels are
    counted along the middle row: those that the borders of the picture add are no part of the gradient.
    """
    lost = []
    for top in (255, 64):
        ramp = np.rint(np.linspace(0, top, 256)).astype(np.uint8)
        wide = np.broadcast_to(ramp[np.newaxis, :, np.newaxis], (64, 256, reference.channels))
        gradient = converted.prepare(np.ascontiguousarray(wide))
        expected, _ = reference.enhance(f"gradient to {top}", gradient)
        found = converted.enhance(gradient)
        lost.append(1 - _count_levels(found) / _count_levels(expected))
    return max(0.0, float(np.mean(lost)))


def _count_levels(gradient: Uint8Array) -> int:
    row = gradient[len(gradient) // 2]
    return sum(len(np.unique(row[:, channel])) for channel in range(3))


def _measure_latency(model: ModelFile, interpreter: Interpreter) -> Latency:
    network = Network(model.path, interpreter)
    tensor: npt.NDArray[Any] = np.zeros(network.input.shape, network.input.encoding.dtype)
    times_ms = []
    for _ in range(_LATENCY_RUNS):
        network.feed(tensor)
        start = time.perf_counter()
        network.run()
        times_ms.append((time.perf_counter() - start) * 1e3)
    return Latency(tuple(times_ms))


def _limit(image: Uint8Array) -> Uint8Array:
    height, width = image.shape[:2]
    share = (_MOST_PX / (height * width)) ** 0.5
    if share >= 1:
        return image
    limited = cv2.resize(image, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return np.asarray(limited, np.uint8)

"""The whole frame against what people would use instead, all in turn in one run.

A machine's drift hits all contenders of a round alike, so what counts is the ratio within a round.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

import edge_dce
from edge_dce.benchmark.latency import Latency, Ratio, divide_pairs
from edge_dce.benchmark.turns import time_ms
from edge_dce.errors import ModelError
from edge_dce.files.pictures import read_image
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import find_model
from edge_dce.models.network import Network
from edge_dce.models.runtime import open_interpreter
from edge_dce.pixels import curve
from edge_dce.pixels.baselines import CLAHE_CLIP_LIMIT, CLAHE_TILES
from edge_dce.pixels.curve import BARE, PLAIN
from edge_dce.pixels.look import Look

Uint8Array = npt.NDArray[np.uint8]
Contender = Callable[[], object]

HD, UHD = (1920, 1080), (3840, 2160)
CLAHE, FULL_SIZE = "CLAHE on L of Lab", "zero-dce at full size, plain steps"
_FULL_SIZE_MODEL = "zero-dce-128x128-float16"
_NOISE_LEVELS = 3
# One of these takes as long as a hundred of the others.
_FULL_SIZE_EVERY = 5


@dataclasses.dataclass(frozen=True)
class FrameTimes:
    """Durations in ms by contender, taken in turn; what was not run in a round is left out of that round."""

    threads: int
    rounds: tuple[dict[str, float], ...]

    def latency(self, contender: str) -> Latency:
        """One run in each round that ran it."""
        return Latency(tuple(each[contender] for each in self.rounds if contender in each))

    def ratio(self, slow: str, fast: str) -> Ratio:
        """How many times as long as the other one takes, over the rounds that ran both."""
        both = [each for each in self.rounds if slow in each and fast in each]
        return divide_pairs([each[slow] for each in both], [each[fast] for each in both])


def name_frame(model: str, size: tuple[int, int], *, cleaned: bool = False) -> str:
    """The contender of a model on a frame of a size, without cleaning or with it."""
    return f"{model} {size[0]}x{size[1]}{' cleaned' if cleaned else ''}"


def measure_frames(photo: Path, models: tuple[str, ...], *, threads: int = 2, rounds: int = 31) -> FrameTimes:
    """Time frames of 1080p and 4K, made from `photo`, through every model, beside CLAHE and the network at full size.

    The first model also cleans a noisy frame, as all do by default; what that takes does not depend on the model.
    All contenders get what a video would give them: buffers from the frame before.
    """
    picture = read_image(photo)
    frame = _stretch(picture, HD)
    contenders: dict[str, Contender] = {CLAHE: _prepare_clahe(frame)}
    for model in models:
        for size in (HD, UHD):
            contenders[name_frame(model, size)] = _prepare_enhancer(model, _stretch(picture, size), BARE, threads)
    for size in (HD, UHD):
        name = name_frame(models[0], size, cleaned=True)
        contenders[name] = _prepare_enhancer(models[0], _add_noise(_stretch(picture, size)), PLAIN, threads)
    full_size = _prepare_full_size(frame, threads)
    for contender in (*contenders.values(), full_size):
        contender()
    times = []
    for number in range(rounds):
        due = contenders | ({FULL_SIZE: full_size} if number % _FULL_SIZE_EVERY == 0 else {})
        times.append({name: time_ms(contender) for name, contender in due.items()})
    return FrameTimes(threads, tuple(times))


def _prepare_enhancer(model: str, frame: Uint8Array, look: Look, threads: int) -> Contender:
    enhancer, out = edge_dce.load(model, threads=threads), np.empty_like(frame)
    return lambda: enhancer.enhance_into(frame, out, look)


def _prepare_clahe(frame: Uint8Array) -> Contender:
    """`edge_dce.pixels.baselines.apply_clahe` with every buffer kept, as fast as OpenCV can."""
    equalizer = cv2.createCLAHE(clipLimit=CLAHE_CLIP_LIMIT, tileGridSize=(CLAHE_TILES, CLAHE_TILES))
    lab, out = np.empty_like(frame), np.empty_like(frame)
    lightness, equalized = (np.empty(frame.shape[:2], np.uint8) for _ in range(2))

    def enhance() -> None:
        cv2.cvtColor(frame, cv2.COLOR_RGB2LAB, dst=lab)
        cv2.extractChannel(lab, 0, dst=lightness)
        equalizer.apply(lightness, dst=equalized)
        cv2.insertChannel(equalized, lab, 0)
        cv2.cvtColor(lab, cv2.COLOR_LAB2RGB, dst=out)

    return enhance


def _prepare_full_size(frame: Uint8Array, threads: int) -> Contender:
    """What tutorials do: the paper's network on the whole frame in float, then eight steps over it."""
    model = read_model_file(find_model(_FULL_SIZE_MODEL))
    assert model.card is not None
    root = model.card.root
    interpreter: Any = open_interpreter(model, threads=threads)
    interpreter.resize_tensor_input(Network(model.path, interpreter).input.index, (1, *frame.shape))
    try:
        interpreter.allocate_tensors()
    except RuntimeError as error:
        raise ModelError(f"{model.path}: cannot be resized to the frame by this runtime ({error})") from error

    network = Network(model.path, interpreter)

    def enhance() -> None:
        curve.apply_exact(frame, network.invoke(network.quantize(frame)), root=root)

    return enhance


def _add_noise(frame: Uint8Array) -> Uint8Array:
    # Without noise nothing would be cleaned, and everything else takes as long on either.
    noise = np.random.default_rng(2001).normal(0, _NOISE_LEVELS, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def _stretch(image: Uint8Array, size: tuple[int, int]) -> Uint8Array:
    return cv2.resize(image, size).astype(np.uint8, copy=False)

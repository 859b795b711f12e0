"""What values the tensors of a network take on the calibration pictures, and the ranges that int8 shall cover."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from edge_dce.models.network import Network, read_tensor
from edge_dce.models.runtime import default_threads, hold_back_notices

from .inspection import list_computed

FloatArray = npt.NDArray[np.float32]
# Tensor name to (lowest, highest value).
Ranges = Mapping[str, tuple[float, float]]

# Values that are kept of each tensor and picture, evenly spaced: 200 pictures give 200,000, enough for the 99.99th
# percentile.
_SAMPLES = 1024
ESTIMATORS = ("min-max", "percentile 99.99", "percentile 99.9", "mse")


@dataclasses.dataclass(frozen=True)
class Activations:
    """Of T tensors on N pictures, the first of which is the step wedge.

    Attributes:
        names: of the tensors.
        lows, highs: (N, T) float32, the extremes on each picture.
        samples: (T, M) float32, values of all pictures together.
        input_name: the tensor that holds the image.
    """

    names: tuple[str, ...]
    lows: FloatArray
    highs: FloatArray
    samples: FloatArray
    input_name: str

    def estimate_ranges(self, estimator: str) -> Ranges:
        """The range of each tensor by one of `ESTIMATORS`; zero is always inside. That of the input is [0, 1]."""
        if estimator == "min-max":
            bounds = zip(self.lows.min(axis=0), self.highs.max(axis=0), strict=True)
        elif estimator == "mse":
            bounds = zip(*np.transpose([_clip_by_error(values) for values in self.samples]), strict=True)
        else:
            percent = float(estimator.removeprefix("percentile "))
            bounds = zip(*np.percentile(self.samples, (100 - percent, percent), axis=1), strict=True)
        ranges = {
            name: (min(float(low), 0.0), max(float(high), 0.0))
            for name, (low, high) in zip(self.names, bounds, strict=True)
        }
        ranges[self.input_name] = (0.0, 1.0)
        return ranges

    def measure_instability(self) -> tuple[float, str]:
        """How far the ranges of two disjoint halves of the pictures differ at most, as a share of the wider, and where.

        The step wedge belongs to neither half: it would hide what the pictures do.
        """
        lows, highs = self.lows[1:], self.highs[1:]
        if len(lows) < 2:
            return 1.0, self.names[0]
        widths = np.stack([highs[half::2].max(axis=0) - lows[half::2].min(axis=0) for half in (0, 1)])
        widest = widths.max(axis=0)
        difference = np.where(widest > 0, np.ptp(widths, axis=0) / np.where(widest > 0, widest, 1), 0.0)
        difference[self.names.index(self.input_name)] = 0.0
        worst = int(difference.argmax())
        return float(difference[worst]), self.names[worst]


def record_activations(model: bytes, tensors: Iterable[FloatArray]) -> Activations:
    """Run a float32 TFLite model on every input, those of `CalibrationSet.tensors`, and look into it.

    The quantizer needs ranges by tensor name; looking once serves all estimators, and XNNPACK is many times faster
    than the reference kernels of TensorFlow's own calibrator.
    """
    interpreter = open_transparent(model)
    network = Network("float32 model", interpreter)
    image = interpreter.get_input_details()[0]
    computed = {network.input.index, *list_computed(model)}
    watched = [
        details
        for details in interpreter.get_tensor_details()
        if details["index"] in computed and details["dtype"] == np.float32
    ]
    lows, highs, samples = [], [], []
    for tensor in tensors:
        network.feed(tensor)
        network.run()
        values = [read_tensor(interpreter, details).ravel() for details in watched]
        lows.append([value.min() for value in values])
        highs.append([value.max() for value in values])
        samples.append([value[np.linspace(0, value.size - 1, _SAMPLES).astype(np.intp)] for value in values])
    return Activations(
        tuple(details["name"] for details in watched),
        np.array(lows, np.float32),
        np.array(highs, np.float32),
        np.concatenate(np.array(samples, np.float32), axis=1),
        image["name"],
    )


def open_transparent(model: bytes) -> Any:
    """An interpreter that keeps what is inside: every tensor can be read after `invoke`."""
    with warnings.catch_warnings(), hold_back_notices():
        # It warns of the memory this takes, which is the point.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = Interpreter(
            model_content=model, num_threads=default_threads(), experimental_preserve_all_tensors=True
        )
        interpreter.allocate_tensors()
    return interpreter


def _clip_by_error(values: FloatArray) -> tuple[float, float]:
    """The range, a share of the extremes, with the least squared error of rounding and clipping together."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    best, least = (low, high), np.inf
    for share in np.linspace(0.5, 1, 26):
        bottom, top = low * share, high * share
        step = (top - bottom) / 255
        if step == 0:
            break
        rounded = np.clip(np.rint(values / step), round(bottom / step), round(top / step)) * step
        error = float(np.square(values - rounded).mean())
        if error < least:
            best, least = (bottom, top), error
    return best

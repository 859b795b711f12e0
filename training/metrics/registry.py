"""Every metric by its name on the command line: one function and one entry each. Reading figures needs no Keras."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge_dce.errors import EdgeDceError
from edge_dce.pixels.metrics import color_difference, finite_psnr, ms_ssim, psnr_at_equal_mean, ssim
from edge_dce.reports.table import EMPTY

from .lpips import measure_perceptual_distance
from .niqe import measure_naturalness
from .side_effects import count_clipped_share, measure_hue_shift, measure_noise_left, measure_order_error

Uint8Array = npt.NDArray[np.uint8]
# One picture, or the mean of many: field of a metric -> figure.
Score = Mapping[str, float]


class MetricError(EdgeDceError):
    """There is no such metric, or it cannot be measured of these pictures."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure of a picture, and how tables show it.

    Attributes:
        measure: the figure of an enhanced (H, W, 3) uint8 RGB picture, called with what it is compared with behind it.
            None of a picture in which there is nothing to measure. It raises ImageError for pictures of other sizes.
        label: of its row or column.
        field: its name in `evaluation.json`.
        decimals: that are shown.
        about: one line for people who choose.
        against: "truth", the dark picture that it was made of ("dark"), or "nothing".
        better: "more", "less", or "neither".
    """

    measure: Callable[..., float | None]
    label: str
    field: str
    decimals: int
    about: str = ""
    against: str = "truth"
    better: str = "more"

    def apply(self, image: Uint8Array, dark: Uint8Array, truth: Uint8Array | None) -> float | None:
        """The figure of one picture; None where it has none, and where it needs a truth and there is none."""
        if self.against == "nothing":
            return self.measure(image)
        other = truth if self.against == "truth" else dark
        return None if other is None else self.measure(image, other)

    def format(self, score: Score | None) -> str:
        """The figure in a cell, which is empty where there is none."""
        return EMPTY if score is None or self.field not in score else f"{score[self.field]:.{self.decimals}f}"


def measure_brightness(image: Uint8Array) -> float:
    """Mean of all samples, in [0, 1]."""
    return float(image.mean()) / 255


# Another metric is one function and one entry here; tables have their order.
METRICS: dict[str, Metric] = {
    "psnr": Metric(finite_psnr, "PSNR dB", "psnr_db", 2, "over all samples, peak 255"),
    "ssim": Metric(ssim, "SSIM", "ssim", 3, "structure, in windows of 11x11 pixels"),
    "lab": Metric(
        color_difference, "Lab difference", "color_difference", 1, "mean distance in CIE L*a*b* (CIE76)", better="less"
    ),
    "psnr-scaled": Metric(
        psnr_at_equal_mean,
        "PSNR dB, scaled to the truth's mean",
        "equal_mean_psnr_db",
        2,
        "what is left when exposure is right; no PSNR",
    ),
    "brightness": Metric(
        measure_brightness,
        "brightness",
        "brightness",
        3,
        "mean of all samples, from 0 to 1",
        against="nothing",
        better="neither",
    ),
    "ms-ssim": Metric(ms_ssim, "MS-SSIM", "ms_ssim", 3, "SSIM on five scales; from 176x176 pixels on"),
    "lpips": Metric(measure_perceptual_distance, "LPIPS", "lpips", 3, "distance in what AlexNet sees", better="less"),
    "noise": Metric(
        measure_noise_left,
        "noise left",
        "noise_left",
        2,
        "beyond the truth's, in its flat places, in levels of 255",
        better="less",
    ),
    "hue": Metric(
        measure_hue_shift,
        "hue shift, degrees",
        "hue_shift_degrees",
        1,
        "from the truth's hue, weighted by chroma",
        better="less",
    ),
    "loe": Metric(
        measure_order_error,
        "LOE",
        "lightness_order_error",
        0,
        "places whose order of lightness is not the dark picture's",
        against="dark",
        better="less",
    ),
    "clipped": Metric(
        count_clipped_share,
        "clipped samples added, %",
        "clipped_percent",
        2,
        "samples at 0 or 255 that were not in the dark picture",
        against="dark",
        better="less",
    ),
    "niqe": Metric(
        measure_naturalness,
        "NIQE",
        "niqe",
        2,
        "how unlike good photos; of the picture alone, from 192x96 pixels on",
        against="nothing",
        better="less",
    ),
}

_USUAL = ("psnr", "ssim", "lab", "psnr-scaled", "brightness")
_USUAL_WITHOUT_TRUTH = ("brightness", "loe", "clipped")


def find_metrics(names: Sequence[str]) -> list[Metric]:
    """The metrics of these names, in this order.

    Raises:
        MetricError: there is none of that name.
    """
    for name in names:
        if name not in METRICS:
            raise MetricError(f"expected metrics of {', '.join(METRICS)}, found '{name}'; choose among these")
    return [METRICS[name] for name in names]


def list_usual(*, has_truth: bool) -> list[Metric]:
    """What is measured and shown without being asked for."""
    return find_metrics(_USUAL if has_truth else _USUAL_WITHOUT_TRUTH)

"""What is tried until an integer file passes the gate: better calibration, then fewer integers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ModelError

from .activation import Ranges, record_activations
from .calibration import CalibrationSet
from .conversion import quantize
from .draft import Draft, Subject
from .errors import ConversionError
from .file_network import build_network
from .formats import Bounds, Precision, find_product
from .gate import Judgement, judge
from .inspection import list_float_layers, name_layer
from .layers import STEPS
from .operators import OperatorError, compare_operators, rank_layers, run
from .ranges import choose_ranges
from .verification import HeldOut, Reference

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Layers that are left in float32 at most: with half of them the file would be float with a trace of int8.
_MOST_FLOAT_LAYERS = 4
# Pictures on which operators are compared; errors differ little from one to the next.
_OPERATOR_PICTURES = 6
# Pictures on which estimates of ranges are compared: with six the choice is luck.
_ESTIMATE_PICTURES = 64
# Two halves of the calibration pictures should agree this well on every activation range.
STABLE = 0.2


@dataclasses.dataclass(frozen=True)
class SearchPlan:
    """Attributes:
    float_model: the float32 file that is to become integers.
    calibrate: makes a calibration set of up to so many pictures at the network's size.
    calibration_count: how many to begin with.
    runtimes: Pythons of other environments, under whose runtime the file must give the same result.
    """

    float_model: bytes
    calibrate: Callable[[int], CalibrationSet]
    calibration_count: int
    runtimes: tuple[Path, ...] = ()


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """Attributes:
    judgements: of all that was tried, in order; the last one passes if any does.
    operators: the error of each operator in full integer.
    notes: about the calibration, one line each.
    """

    judgements: tuple[Judgement, ...]
    operators: tuple[OperatorError, ...]
    notes: tuple[str, ...]

    @property
    def best(self) -> Judgement:
        """The one that passes, else the one that comes closest."""
        if self.judgements[-1].passes:
            return self.judgements[-1]
        return max(self.judgements, key=lambda judgement: judgement.verification.fidelity.psnr_db)


def search(
    subject: Subject,
    precision: Precision,
    reference: Reference,
    pictures: Sequence[HeldOut],
    bounds: Bounds,
    plan: SearchPlan,
) -> SearchResult:
    """Quantize until a file passes `bounds`, or nothing is left to try.

    Activation ranges are always those that come closest to float32 on calibration pictures. Then come a larger
    calibration set and, last, the worst layers left in float32 (precision "mixed"). Where the curve steps are in the
    graph, it is they that hurt: they go to float32 before more pictures are tried.

    Raises as `judge` and `choose_calibration_set`.
    """
    trial = _Trial(subject, precision, plan)
    judgements: list[Judgement] = []
    for draft in trial.drafts():
        judgements.append(judge(draft, reference, pictures, bounds, runtimes=plan.runtimes))
        if judgements[-1].passes:
            break
    return SearchResult(tuple(judgements), trial.operators, trial.notes)


class _Trial:
    """The drafts of one subject, made as they are asked for.

    Attributes:
        operators: errors of the file that was made last of integers throughout.
    """

    def __init__(self, subject: Subject, precision: Precision, plan: SearchPlan) -> None:
        self._subject, self._precision, self._plan = subject, precision, plan
        assert precision.activation_bits is not None
        self._activation_bits = precision.activation_bits
        network = build_network(subject.source, subject.contract, subject.width, subject.height)
        self._steps = tuple(layer.name for layer in network.layers if layer.name == STEPS)
        self._float_model = plan.float_model
        self._observe(plan.calibrate(plan.calibration_count))

    @property
    def notes(self) -> tuple[str, ...]:
        """About the calibration, one line each."""
        instability, tensor = self._activations.measure_instability()
        if instability <= STABLE:
            return self._calibration.notes
        return (
            *self._calibration.notes,
            f"calibration: two halves of the {self._calibration.record.files} pictures disagree by {instability:.0%} "
            f"on the range of an activation (layer {name_layer(tensor)}); add more pictures",
        )

    def drafts(self) -> Iterator[Draft]:
        """From the one that is wanted to those that are better than nothing."""
        yield self._quantize(f"ranges by {self._choice}")
        ranking = rank_layers(self.operators)
        if STEPS not in ranking:
            larger = self._plan.calibrate(2 * self._plan.calibration_count)
            if larger.record.files > self._calibration.record.files:
                self._observe(larger)
                yield self._quantize(f"{larger.record.files} calibration pictures, ranges by {self._choice}")
        for float_layers in _choose_float_layers(ranking):
            yield self._quantize(f"{', '.join(float_layers)} in float32", float_layers)

    def _observe(self, calibration: CalibrationSet) -> None:
        """Look at the activations, and keep the ranges that serve best."""
        self._calibration = calibration
        self._activations = record_activations(self._float_model, calibration.tensors())
        if not np.isfinite([self._activations.lows, self._activations.highs]).all():
            raise ConversionError(
                f"{self._subject.source.name}: expected numbers, found NaN or infinity in the network on calibration "
                "pictures; train it again"
            )
        images = _choose_evenly(calibration.images, _ESTIMATE_PICTURES)
        expected = run(self._float_model, images)
        self._choice = choose_ranges(self._activations, lambda ranges: self._measure(ranges, images, expected))
        if self._choice.error == math.inf:
            name = self._subject.name_file(self._precision.name)
            raise ConversionError(
                f"{name}: no runtime accepts the scales that these calibration pictures give; "
                "choose other low-light photos"
            )
        shown = _choose_evenly(images, _OPERATOR_PICTURES)
        self.operators = tuple(compare_operators(self._float_model, self._make_model(self._choice.ranges), shown))

    def _measure(self, ranges: Ranges, images: Sequence[Uint8Array], expected: Sequence[FloatArray]) -> float:
        """Mean squared error of the output in int8; of an image without that of the curve steps, which drowns all else.

        Infinite where the runtime refuses the file, as it does where ranges are near nothing.
        """
        try:
            found = run(self._make_model(ranges, self._steps), images)
        except ModelError:
            return math.inf
        return float(np.mean([np.square(one - other).mean() for one, other in zip(found, expected, strict=True)]))

    def _quantize(self, how: str, float_layers: tuple[str, ...] = ()) -> Draft:
        record = dataclasses.replace(
            self._calibration.record,
            instability=round(self._activations.measure_instability()[0], 3),
            ranges=str(self._choice),
        )
        model = self._make_model(self._choice.ranges, float_layers)
        # Those asked for, and those whose operators the quantizer does not know.
        float_layers = (*float_layers, *(layer for layer in list_float_layers(model) if layer not in float_layers))
        precision = self._precision.name_if_mixed if float_layers else self._precision.name
        return Draft(self._subject, precision, model, how, record, float_layers)

    def _make_model(self, ranges: Ranges, float_layers: tuple[str, ...] = ()) -> bytes:
        return quantize(
            self._float_model,
            ranges,
            weight_bits=self._precision.weight_bits,
            activation_bits=self._activation_bits,
            float_layers=float_layers,
            has_image_output=find_product(self._subject.contract).returns_image,
        )


def _choose_evenly(images: Uint8Array | list[Uint8Array], count: int) -> list[Uint8Array]:
    places = np.linspace(0, len(images) - 1, min(count, len(images)))
    return [images[round(place)] for place in places]


def _choose_float_layers(ranking: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The steps, where there are any; then the worst of the other layers, more and more, half of them at most."""
    steps = (STEPS,) if STEPS in ranking else ()
    others = [layer for layer in ranking if layer != STEPS]
    if steps:
        yield steps
    for count in (1, 2, _MOST_FLOAT_LAYERS):
        if count <= len(others) // 2:
            yield (*steps, *others[:count])

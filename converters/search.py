"""What is tried until an int8 file passes the gate: better calibration, then less int8, then training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from converters.activation import ESTIMATORS, Activations, record_activations
from converters.calibration import CalibrationSet
from converters.contract import STEPS, build_network
from converters.conversion import convert, quantize
from converters.draft import Draft, Subject
from converters.finetuning import fine_tune
from converters.gate import Bounds, Judgement, judge
from converters.operators import OperatorError, compare_operators, rank_layers
from converters.source import ConversionError
from converters.verification import HeldOut, Reference

# Layers that are left in float32 at most: with half of them the file would be float with a trace of int8.
_MOST_FLOAT_LAYERS = 4
# Pictures on which operators are compared; errors differ little from one to the next.
_OPERATOR_PICTURES = 4
# Two halves of the calibration pictures should agree this well on every activation range.
STABLE = 0.2


@dataclasses.dataclass(frozen=True)
class Settings:
    """Attributes:
    calibrate: makes a calibration set of up to so many pictures at the network's size.
    calibration_count: how many to begin with.
    qat_epochs: of quantization-aware training, the last resort; 0 for none.
    """

    calibrate: Callable[[int], CalibrationSet]
    calibration_count: int
    qat_epochs: int = 0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Attributes:
    judgements: of all that was tried, in order; the last one passes if any does.
    operators: the error of each operator of the first file that was tried.
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
    subject: Subject, reference: Reference, pictures: Sequence[HeldOut], bounds: Bounds, settings: Settings
) -> Outcome:
    """Quantize until a file passes `bounds`, or nothing is left to try.

    In order: ranges from the extremes seen, a larger calibration set, other estimates of the ranges, the worst layers
    left in float32 (precision "mixed"), quantization-aware training. Where the curve steps are what hurts, ranges are no
    remedy, and the steps go to float32 at once.

    Raises as `judge` and `choose_calibration_set`.
    """
    trial = _Trial(subject, settings)
    judgements: list[Judgement] = []
    operators: tuple[OperatorError, ...] = ()
    for draft in trial.drafts():
        judgements.append(judge(draft, reference, pictures, bounds))
        if not operators:
            operators = trial.compare(draft)
        if judgements[-1].passes:
            break
    return Outcome(tuple(judgements), operators, trial.notes)


class _Trial:
    """The drafts of one subject, made as they are asked for."""

    def __init__(self, subject: Subject, settings: Settings) -> None:
        self._subject, self._settings = subject, settings
        self._float_model = self._convert(subject)
        self._calibration = settings.calibrate(settings.calibration_count)
        self._activations = self._record(self._float_model)
        self._ranking: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        instability, tensor = self._activations.measure_instability()
        if instability <= STABLE:
            return self._calibration.notes
        return (
            *self._calibration.notes,
            f"calibration: two halves of the {self._calibration.record.files} pictures disagree by {instability:.0%} on "
            f"the range of one activation ({tensor.partition(';')[0]}); more pictures, or more kinds, would be steadier",
        )

    def compare(self, draft: Draft) -> tuple[OperatorError, ...]:
        """Compare the operators of a draft of full int8, and remember which layers are worst."""
        images = self._calibration.images[:_OPERATOR_PICTURES]
        errors = compare_operators(self._float_model, draft.model, images)
        self._ranking = rank_layers(errors)
        return tuple(errors)

    def drafts(self) -> Iterator[Draft]:
        yield self._quantize("min-max", "extremes seen")
        if self._ranking[:1] != [STEPS]:
            yield from self._recalibrate()
        for float_layers in self._choose_float_layers():
            yield self._quantize("min-max", f"{', '.join(float_layers)} in float32", float_layers=float_layers)
        if self._settings.qat_epochs:
            yield from self._train()

    def _recalibrate(self) -> Iterator[Draft]:
        larger = self._settings.calibrate(2 * self._settings.calibration_count)
        if larger.record.files > self._calibration.record.files:
            self._calibration = larger
            self._activations = self._record(self._float_model)
            yield self._quantize("min-max", f"{larger.record.files} calibration pictures")
        for estimator in ESTIMATORS[1:]:
            yield self._quantize(estimator, f"ranges by {estimator}")

    def _choose_float_layers(self) -> Iterator[tuple[str, ...]]:
        always = (STEPS,) if self._subject.contract == "image" and STEPS in self._ranking else ()
        others = [layer for layer in self._ranking if layer not in always]
        if always:
            yield always
        for count in (1, 2, _MOST_FLOAT_LAYERS):
            if count <= len(others) // 2:
                yield (*always, *others[:count])

    def _train(self) -> Iterator[Draft]:
        source, epochs = self._subject.source, self._settings.qat_epochs
        try:
            network = fine_tune(source.network, self._calibration.images, epochs=epochs)
        except ConversionError:
            return
        tuned = dataclasses.replace(self._subject, source=dataclasses.replace(source, network=network))
        self._float_model = self._convert(tuned)
        self._activations = self._record(self._float_model)
        how = f"{epochs} epochs of quantization-aware training"
        yield self._quantize("min-max", how, fine_tuned_epochs=epochs)
        if self._subject.contract == "image":
            yield self._quantize("min-max", f"{how}, {STEPS} in float32", float_layers=(STEPS,), fine_tuned_epochs=epochs)

    def _quantize(self, estimator: str, how: str, *, float_layers: tuple[str, ...] = (), **facts: Any) -> Draft:
        model = quantize(
            self._float_model,
            self._activations.estimate_ranges(estimator),
            float_layers=float_layers,
            has_image_output=self._subject.contract == "image",
        )
        record = dataclasses.replace(
            self._calibration.record,
            instability=round(self._activations.measure_instability()[0], 3),
            ranges=estimator,
        )
        precision = "mixed" if float_layers else "int8"
        return Draft(self._subject, precision, model, how, record, float_layers, **facts)

    def _record(self, model: bytes) -> Activations:
        has_wedge = self._calibration.has_wedge
        return record_activations(
            model, self._calibration.tensors(), wedges=int(has_wedge), has_pinned_input=has_wedge
        )

    @staticmethod
    def _convert(subject: Subject) -> bytes:
        network = build_network(subject.source, subject.contract, subject.width, subject.height)
        return convert(network, precision="float32")

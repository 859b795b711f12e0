"""Whether a file is good enough to be published, and if not, why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from edge_dce.pixels.shrinking import shrink_channels

from .draft import Draft
from .formats import PRECISIONS, Bounds
from .proof import prove
from .verification import HeldOut, Reference, Verification, verify

_PROOF_PICTURES = 3
_FLOAT_TYPES = frozenset({"FLOAT16", "FLOAT32", "FLOAT64"})


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A draft and what was measured.

    Attributes:
        reasons: against publishing it; none if it passes.
        runtimes: other runtimes that give the same result.
    """

    draft: Draft
    verification: Verification
    reasons: tuple[str, ...]
    runtimes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        return not self.reasons


def judge(
    draft: Draft,
    reference: Reference,
    pictures: Sequence[HeldOut],
    bounds: Bounds,
    *,
    runtimes: Sequence[Path] = (),
) -> Judgement:
    """Verify a draft and hold it against the bounds, then against other runtimes. Raises as `verify`.

    Args:
        runtimes: Pythons of other environments, see `prove`.
    """
    verification = verify(draft.file, reference, pictures)
    reasons = (*_check_honesty(draft), *check_quality(verification, bounds))
    if reasons or not runtimes:
        return Judgement(draft, verification, reasons)
    width, height = draft.subject.width, draft.subject.height
    channels = draft.subject.source.channels
    images = [shrink_channels(picture.image, width, height, channels) for picture in pictures[:_PROOF_PICTURES]]
    proofs = [prove(draft.file, python, images) for python in runtimes]
    return Judgement(
        draft,
        verification,
        tuple(f"under {proof.runtime}: {proof.reason}" for proof in proofs if proof.reason is not None),
        tuple(proof.runtime for proof in proofs if proof.reason is None),
    )


def _check_honesty(draft: Draft) -> list[str]:
    """A file that is not the integers of its name, or that clips highlights."""
    reasons = []
    floats = _FLOAT_TYPES & draft.card.census.dtype.keys()
    is_integer = draft.precision in PRECISIONS and PRECISIONS[draft.precision].is_calibrated
    if is_integer and floats:
        reasons.append(f"{draft.precision} was asked for, but tensors of type {' '.join(sorted(floats))} remain")
    image = draft.card.input
    if image.scale and (image.zero_point != 0 or not math.isclose(image.scale, 1 / 255, rel_tol=1e-5)):
        reasons.append(
            f"expected input scale 1/255 and zero point 0, found {image.scale:.6f} and {image.zero_point}: "
            "highlights would clip"
        )
    return reasons


def check_quality(verification: Verification, bounds: Bounds) -> list[str]:
    """What of the bounds a verification misses, one line each."""
    fidelity, reasons = verification.fidelity, []
    if fidelity.psnr_db < bounds.psnr_db:
        reasons.append(f"expected {bounds.psnr_db:g} dB against {fidelity.against}, found {fidelity.psnr_db:.2f} dB")
    if fidelity.worst_psnr_db < bounds.worst_psnr_db:
        reasons.append(
            f"expected {bounds.worst_psnr_db:g} dB at worst, found {fidelity.worst_psnr_db:.2f} dB "
            f"({fidelity.worst_file})"
        )
    if fidelity.drop_db is not None and fidelity.drop_db > bounds.drop_db:
        reasons.append(
            f"expected to lose {bounds.drop_db:g} dB against ground truth at most, found {fidelity.drop_db:.3f} dB"
        )
    return reasons

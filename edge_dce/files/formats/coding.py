"""How a file codes color, and the same picture as sRGB codes it: the light that a viewer shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.files.formats.profiles import (
    SRGB_PRIMARIES,
    are_srgb,
    find_colorants,
    find_primaries,
    make_profile,
    read_cicp,
    read_simple,
)
from edge_dce.files.formats.transfer import (
    HDR_CODES,
    Transfer,
    Uint16Array,
    find_transfer,
    invert,
    is_like_srgb,
    make_gamma,
    tabulate,
)
from edge_dce.files.picture import Animation, Gamma, Picture, Samples


@dataclasses.dataclass(frozen=True)
class Coding:
    """What a file says of its samples beside a color profile.

    Attributes:
        transfer: of the samples; None where the profile tells it, or nothing does, which means sRGB.
        primaries: x and y of red, green, blue and white.
        cicp: the code points of H.273 that said so, or None.
        gamma: what else said so, or None.
    """

    transfer: Transfer | None = None
    primaries: Sequence[float] = SRGB_PRIMARIES
    cicp: tuple[int, int] | None = None
    gamma: Gamma | None = None

    @property
    def is_told(self) -> bool:
        """Whether the file says more than that it is sRGB."""
        return self.transfer is not None or not are_srgb(self.primaries)


def read_code_points(primaries: int, transfer: int) -> Coding:
    """The coding that two code points of H.273 name.

    Raises:
        ImageError: they mean what is not understood.
    """
    return Coding(find_transfer(transfer), find_primaries(primaries), (primaries, transfer))


def read_code_points_beside_profile(primaries: int, transfer: int, icc_profile: bytes | None) -> Coding:
    """As HEIF and AVIF have it: a profile tells more, except of HDR."""
    if icc_profile and transfer not in HDR_CODES:
        return Coding()
    return read_code_points(primaries, transfer)


def show(picture: Picture, coding: Coding) -> Picture:
    """A picture as `Picture` wants it, from samples as they are in the file and its color profile.

    Raises:
        ImageError: the samples mean what is not understood.
    """
    if picture.icc_profile and coding.cicp is None:
        cicp = read_cicp(picture.icc_profile)
        if cicp is None or cicp[1] not in HDR_CODES:
            return _show_profiled(picture, picture.icc_profile)
        coding = read_code_points(*cicp)
    if not coding.is_told:
        return picture
    transfer = coding.transfer
    if transfer is not None and not is_like_srgb(transfer):
        picture = _look_up(picture, [tabulate(transfer)])
    is_srgb = are_srgb(coding.primaries)
    profile = None if is_srgb else make_profile(find_colorants(coding.primaries))
    cicp = coding.cicp
    if cicp is not None and is_srgb and transfer is not None and is_like_srgb(transfer):
        cicp = None
    return dataclasses.replace(picture, icc_profile=profile, cicp=cicp, gamma=coding.gamma)


def is_hdr(picture: Picture) -> bool:
    """Whether its file is one of HDR."""
    return picture.cicp is not None and picture.cicp[1] in HDR_CODES


def restore_coding(picture: Picture) -> Picture:
    """The samples of a picture as its file codes them by code points or gamma."""
    transfer: Transfer | None = None
    if picture.cicp is not None:
        transfer = find_transfer(picture.cicp[1])
    elif picture.gamma is not None and picture.gamma.hundred_thousandths:
        transfer = make_gamma(100_000 / picture.gamma.hundred_thousandths)
    if transfer is None or is_like_srgb(transfer):
        return picture
    return _look_up(picture, [invert(tabulate(transfer))])


def _show_profiled(picture: Picture, profile: bytes) -> Picture:
    simple = read_simple(profile)
    if simple is None or simple.has_srgb_curves:
        return picture
    shown = _look_up(picture, [tabulate(curve) for curve in simple.curves])
    colorants = None if simple.has_srgb_colors else simple.colorants
    return dataclasses.replace(shown, icc_profile=None if colorants is None else make_profile(colorants))


def _look_up(picture: Picture, tables: Sequence[Uint16Array]) -> Picture:
    """With 16 bits, because steps between 8 would widen."""
    deep = picture.deepened()
    animation = picture.animation
    if animation is not None:
        further = []
        for image, alpha in animation.further:
            frame = Picture(image, alpha).deepened()
            further.append((_take(frame.image, tables), frame.alpha))
        animation = Animation(animation.durations_ms, tuple(further), animation.loops)
    return dataclasses.replace(deep, image=_take(deep.image, tables), animation=animation)


def _take(image: Samples, tables: Sequence[npt.NDArray[Any]]) -> Uint16Array:
    if len(tables) == 1:
        taken: Uint16Array = tables[0][image]
        return taken
    return np.stack([table[image[..., channel]] for channel, table in enumerate(tables)], axis=2)

"""One sheet to choose from: a picture as it is, and at several strengths, each with the option that makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.batch import JobResult, begin
from edge_dce.enhancing.jobs import Job
from edge_dce.enhancing.picture import look_at
from edge_dce.errors import ImageError, OutputError, VideoError
from edge_dce.files.claims import Claims
from edge_dce.files.formats.pillow_samples import convert_to_srgb
from edge_dce.files.formats.profiles import is_srgb
from edge_dce.files.pictures import DEFAULT_QUALITY, Picture, read_picture, write_picture
from edge_dce.pixels.look import Look

Uint8Array = npt.NDArray[np.uint8]

STRENGTHS = (0.4, 0.6, 0.8, 1.0, 1.2)
_COLUMNS = 3
# Three across fit on a screen; portraits get no higher than wide.
_TILE_PX = 640
_GAP_PX, _LABEL_PX = 12, 40
_GROUND, _INK = 24, (230, 230, 230)


def preview_pictures(
    jobs: Iterable[Job], enhancer: Enhancer, *, look: Look, overwrite: bool = False, quality: int = DEFAULT_QUALITY
) -> Iterator[JobResult]:
    """Write a sheet for each job, as `edge_dce.enhancing.batch.enhance_pictures` does the pictures.

    Raises:
        ModelError: the runtime failed.
    """
    with Claims() as claims:
        for job in jobs:
            result = begin(job, claims, overwrite=overwrite)
            if result == JobResult(job) and job.target is not None:
                try:
                    if job.is_video:
                        raise VideoError(f"{job.source}: a preview is made of pictures; take a still of this video")
                    sheet = make_sheet(read_picture(job.source), enhancer, look)
                    write_picture(Picture(sheet), job.target, overwrite=overwrite, quality=quality)
                    result = JobResult(job, f"{len(STRENGTHS)} strengths shown")
                except (ImageError, OutputError, VideoError) as error:
                    result = JobResult(job, error=error)
                claims.give_back(job.target)
            yield result


def make_sheet(picture: Picture, enhancer: Enhancer, look: Look) -> Uint8Array:
    """The sheet, (H, W, 3) in sRGB, three tiles across, the picture as it is first; of `look` all but the strength.

    Behind transparent parts lies the ground of the sheet.
    """
    picture = picture.rounded()
    visible, estimate = look_at(picture, enhancer)
    image = _fit(np.ascontiguousarray(visible, np.uint8))
    alpha = None if picture.alpha is None else _fit(np.ascontiguousarray(picture.alpha, np.uint8))

    def show(tile: Uint8Array) -> Uint8Array:
        shown = tile if is_srgb(picture.icc_profile) else convert_to_srgb(tile, picture.icc_profile or b"")
        if alpha is None:
            return shown
        share = alpha[..., np.newaxis] / np.float32(255)
        over: Uint8Array = np.rint(_GROUND + share * (shown - np.float32(_GROUND))).astype(np.uint8)
        return over

    looks = [dataclasses.replace(look, strength=strength) for strength in STRENGTHS]
    tiles = [(show(image), "as it is")]
    tiles += [(show(enhancer.apply(image, estimate, each)), f"--strength {each.strength:g}") for each in looks]
    height, width = image.shape[:2]
    step_y, step_x = height + _LABEL_PX + _GAP_PX, width + _GAP_PX
    rows = -(-len(tiles) // _COLUMNS)
    sheet: Uint8Array = np.full((rows * step_y + _GAP_PX, _COLUMNS * step_x + _GAP_PX, 3), _GROUND, np.uint8)
    for number, (tile, label) in enumerate(tiles):
        top, left = _GAP_PX + number // _COLUMNS * step_y, _GAP_PX + number % _COLUMNS * step_x
        sheet[top : top + height, left : left + width] = tile
        place = (left, top + height + _LABEL_PX - 14)
        cv2.putText(sheet, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, _INK, 1, cv2.LINE_AA)
    return sheet


def _fit(image: Uint8Array) -> Uint8Array:
    """The image at the size of a tile, wide enough for its label."""
    scale = _TILE_PX / max(image.shape[:2])
    width, height = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
    fitted: Uint8Array = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    ).astype(np.uint8, copy=False)
    narrow = max(0, 200 - width)
    return cv2.copyMakeBorder(
        fitted, 0, 0, narrow // 2, narrow - narrow // 2, cv2.BORDER_CONSTANT, value=(_GROUND,) * 3
    ).astype(np.uint8, copy=False)

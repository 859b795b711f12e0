"""The pictures whose activations set the int8 scales: chosen, audited, recorded."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.files.folders import find_pictures
from edge_dce.files.near_infrared import read_channels
from edge_dce.files.pictures import read_image
from edge_dce.models import card
from edge_dce.pixels.levels import normalize
from edge_dce.pixels.shrinking import shrink_channels

from .duplicates import Fingerprint, find_look_alike, hash_file, take_fingerprint
from .errors import ConversionError

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_HISTOGRAM_BINS = 16
# So many pictures are looked at for each one that is used; a folder of ten thousand need not be read whole.
_CANDIDATES = 4
# Pictures of LOL average 15 of 255 and its normal-light partners 117; a quarter is a dark picture by any account.
_DARK = 64
_HIGHLIGHT = 250
_HIGHLIGHT_SHARE = 1e-3
_FEW = 20
# Neighbors from a burst fall on both sides of any split; more than half is one folder written again as the other.
_LOOK_ALIKES = 0.5
_LISTED = 5


@dataclasses.dataclass(frozen=True)
class CalibrationSet:
    """Low-light images at the network's size and the record of what they are.

    Attributes:
        images: (N, height, width, channels) uint8.
        files: names and sha256, in the order of the images.
        record: for the card.
        notes: what was left out and why, and what the set lacks; one line each.
    """

    images: Uint8Array
    files: tuple[tuple[str, str], ...]
    record: card.Calibration
    notes: tuple[str, ...] = ()

    def tensors(self) -> Iterator[FloatArray]:
        """What the network is shown: (1, height, width, channels) float32 in [0, 1], the wedge first."""
        yield normalize(make_step_wedge(*self.images.shape[1:]))
        for image in self.images:
            yield normalize(image)


def choose_calibration_set(
    folder: Path,
    *,
    width: int,
    height: int,
    count: int,
    seed: int,
    evaluation: Sequence[Path] = (),
    channels: int = 3,
) -> CalibrationSet:
    """Choose up to `count` pictures of a folder by `seed`, spread over brightness, at the network's size.

    The function that shrinks them is the one that inference uses. Copies are left out, those by content as well
    as other encodings of the same picture. Broken files are left out and named.

    Args:
        evaluation: pictures that files are judged on; none of them may set their scales.
        channels: that the network sees.

    Raises:
        ImageError: no pictures in the folder.
        ConversionError: no picture can be read, or pictures are also in `evaluation`: by content, or so many by what
            they show that one folder must be a copy of the other.
    """
    candidates, notes = _read_candidates(choose_pictures(folder, count=count * _CANDIDATES, seed=seed))
    if not candidates:
        raise ConversionError(f"{folder}: expected low-light pictures, found none that can be read")
    _refuse_shared(candidates, evaluation)
    distinct, copies = _drop_copies(candidates)
    usable, look_alikes = _drop_evaluated(folder, distinct, evaluation)
    chosen = _spread(usable, count)
    images = np.stack(
        [shrink_channels(read_channels(picture.path, channels), width, height, channels) for picture in chosen]
    )
    record = _describe(chosen, images, seed=seed, duplicates=copies + len(look_alikes), skipped=len(notes))
    return CalibrationSet(
        images,
        tuple((picture.path.name, picture.sha256) for picture in chosen),
        record,
        (*notes, *look_alikes, *_audit(folder, record, images)),
    )


def choose_pictures(folder: Path, *, count: int, seed: int) -> list[Path]:
    """Up to `count` pictures of a folder, chosen by `seed`, sorted by name.

    Raises:
        ImageError: no pictures in the folder.
    """
    paths = find_pictures(folder)
    chosen = np.random.default_rng(seed).permutation(len(paths))[:count]
    return [paths[index] for index in sorted(chosen)]


def make_step_wedge(height: int, width: int, channels: int = 3) -> Uint8Array:
    """A grey ramp from black to white, (height, width, channels) uint8.

    Dark pictures never reach 1.0, so alone they shrink the input scale and lamps clip. The wedge pins the input range
    to [0, 1] exactly and shows the calibration what bright regions do inside the network.
    """
    ramp = np.rint(np.linspace(0, 255, width)).astype(np.uint8)
    return np.broadcast_to(ramp[np.newaxis, :, np.newaxis], (height, width, channels))


def _read_candidates(paths: Sequence[Path]) -> tuple[list[Fingerprint], list[str]]:
    """Fingerprints of all that can be read, and a note for each that cannot."""
    candidates, notes = [], []
    for path in paths:
        try:
            candidates.append(take_fingerprint(path, read_image(path)))
        except ImageError as error:  # noqa: PERF203
            notes.append(f"calibration: left out: {error}")
    return candidates, notes


def _refuse_shared(candidates: Sequence[Fingerprint], evaluation: Sequence[Path]) -> None:
    held_out = {hash_file(path): path for path in evaluation}
    shared = [f"{picture.path.name}" for picture in candidates if picture.sha256 in held_out]
    if shared:
        raise ConversionError(
            f"{len(shared)} calibration picture(s) in {candidates[0].path.parent} are also evaluation pictures: "
            f"{_list(shared)}; use separate folders"
        )


def _drop_copies(candidates: Sequence[Fingerprint]) -> tuple[list[Fingerprint], int]:
    distinct: list[Fingerprint] = []
    for picture in candidates:
        if find_look_alike(picture, distinct) is None:
            distinct.append(picture)
    return distinct, len(candidates) - len(distinct)


def _drop_evaluated(
    folder: Path, pictures: Sequence[Fingerprint], evaluation: Sequence[Path]
) -> tuple[list[Fingerprint], list[str]]:
    """The pictures that show nothing of `evaluation`, and a note for each that does."""
    held_out = [take_fingerprint(path, read_image(path)) for path in evaluation]
    usable, notes = [], []
    for picture in pictures:
        same = find_look_alike(picture, held_out)
        if same is None:
            usable.append(picture)
        else:
            notes.append(f"calibration: left out: {picture.path}: looks like evaluation picture {same.path}")
    if len(notes) > _LOOK_ALIKES * len(pictures):
        shown = _list([note.removeprefix("calibration: left out: ") for note in notes])
        raise ConversionError(
            f"{folder}: {len(notes)} of {len(pictures)} calibration pictures look like evaluation pictures, in another "
            f"encoding or size ({shown}); use separate folders"
        )
    return usable, notes


def _spread(pictures: Sequence[Fingerprint], count: int) -> list[Fingerprint]:
    """Up to `count` pictures, from each class of brightness in turn, so that the few bright ones are among them."""
    classes: list[list[Fingerprint]] = [[] for _ in range(_HISTOGRAM_BINS)]
    for picture in pictures:
        # On a square-root axis dark pictures, which are nearly all, fill several classes.
        position = (picture.brightness / 255) ** 0.5 * _HISTOGRAM_BINS
        classes[min(int(position), _HISTOGRAM_BINS - 1)].append(picture)
    chosen: list[Fingerprint] = []
    while len(chosen) < count and any(classes):
        for members in classes:
            if members and len(chosen) < count:
                chosen.append(members.pop())
    return sorted(chosen, key=lambda picture: picture.path.name)


def _describe(
    chosen: Sequence[Fingerprint], images: Uint8Array, *, seed: int, duplicates: int, skipped: int
) -> card.Calibration:
    means = images.mean(axis=(1, 2, 3))
    histogram, _ = np.histogram(means, bins=_HISTOGRAM_BINS, range=(0, 255))
    bright_shares = (images.max(axis=3) >= _HIGHLIGHT).mean(axis=(1, 2))
    return card.Calibration(
        files=len(chosen),
        manifest_sha256=hashlib.sha256("\n".join(sorted(picture.sha256 for picture in chosen)).encode()).hexdigest(),
        seed=seed,
        brightness_histogram=tuple(int(bin_count) for bin_count in histogram),
        duplicates=duplicates,
        skipped=skipped,
        dark_share=round(float((means < _DARK).mean()), 3),
        has_highlight=bool((bright_shares >= _HIGHLIGHT_SHARE).any()),
    )


def _audit(folder: Path, record: card.Calibration, images: Uint8Array) -> list[str]:
    notes = []
    bright_share = float((images.mean(axis=(1, 2, 3)) >= _DARK).mean())
    if record.files < _FEW:
        notes.append(f"calibration: {folder}: {record.files} picture(s) give unsteady scales; use {_FEW} or more")
    if bright_share > 0.5:
        histogram = " ".join(str(count) for count in record.brightness_histogram)
        notes.append(
            f"calibration: {folder}: expected low-light pictures, found that {bright_share:.0%} are not dark "
            f"(brightness histogram, dark to bright: {histogram})"
        )
    if not record.has_highlight:
        notes.append(f"calibration: {folder}: no picture has a highlight; only the step wedge covers highlights")
    return notes


def _list(items: Sequence[str]) -> str:
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return ", ".join(items[:_LISTED]) + more

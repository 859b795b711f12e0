"""A few validation pictures that are looked at after every epoch: before, after and the partner."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto import event_pb2  # type: ignore[import-untyped]
from tensorboard.plugins.image import metadata  # type: ignore[import-untyped]
from tensorboard.summary._output import DirectoryOutput  # type: ignore[import-untyped]
from tensorboard.util import tensor_util  # type: ignore[import-untyped]

from edge_dce.files.pictures import read_image

from .datasets.picture import DarkPicture, name_pictures
from .model import find_task
from .recipe import Recipe

Uint8Array = npt.NDArray[np.uint8]

_PICTURES = 3
# Three side by side fill half a screen, and 40 epochs of three take some 5 MB.
_LARGEST_SIDE_PX = 256
_JPEG_QUALITY = 90


@dataclasses.dataclass(frozen=True)
class Sample:
    """One picture and its partner, (H, W, 3) uint8 RGB each, none of whose sides is above 256 pixels.

    Attributes:
        name: of the file, without its suffix; numbered where several pictures have one name.
    """

    name: str
    dark: Uint8Array
    partner: Uint8Array | None


def choose_samples(pictures: Sequence[DarkPicture], recipe: Recipe) -> list[Sample]:
    """Up to three of the pictures, evenly spaced, always the same; none for a recipe of other than three channels.

    Raises:
        ImageError: one is broken.
    """
    if recipe.channels != 3 or not pictures:
        return []
    numbers = sorted({round(place) for place in np.linspace(0, len(pictures) - 1, _PICTURES)})
    names = name_pictures(pictures)
    chosen = [(names[number], pictures[number]) for number in numbers]
    return [Sample(name, _read(each.low), _read(each.high) if each.high else None) for name, each in chosen]


def draw_samples(samples: Sequence[Sample], network: keras.Model, recipe: Recipe) -> list[Uint8Array]:
    """Each as one picture: before, after and the partner, side by side."""
    task = find_task(recipe)
    strips = []
    for sample in samples:
        output = keras.ops.convert_to_numpy(network(task.shrink([sample.dark], recipe), training=False))[0]
        after = task.apply(sample.dark, output.astype(np.float32), recipe)
        size = sample.dark.shape[1::-1]
        partner = [] if sample.partner is None else [cv2.resize(sample.partner, size, interpolation=cv2.INTER_AREA)]
        strips.append(np.concatenate([sample.dark, after, *partner], axis=1).astype(np.uint8, copy=False))
    return strips


class PictureOutput(DirectoryOutput):  # type: ignore[misc]  # tensorboard has no type information
    """A folder for TensorBoard's `Writer`, which knows numbers only, and for pictures beside them."""

    def add_picture(self, tag: str, picture: Uint8Array, epoch: int) -> None:
        """Put an (H, W, 3) uint8 RGB picture among TensorBoard's images, as JPEG."""
        height, width = picture.shape[:2]
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
        kind = metadata.create_summary_metadata(
            display_name=None, description="before, after, partner", converted_to_tensor=True
        )
        event = event_pb2.Event(wall_time=time.time(), step=epoch)
        # As the plugin reads it: the sizes as texts, then one encoded picture after the other.
        content = np.array([str(width).encode(), str(height).encode(), encoded.tobytes()], object)
        event.summary.value.add(tag=tag, tensor=tensor_util.make_tensor_proto(content), metadata=kind)
        self._ev_writer.add_event(event)


def _read(path: Path) -> Uint8Array:
    image = read_image(path)
    scale = min(1.0, _LARGEST_SIDE_PX / max(image.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

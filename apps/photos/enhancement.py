"""From the bytes of a picture file to those of an enhanced one."""

from __future__ import annotations

import collections
import dataclasses
import functools
from typing import Any

import cv2

from edge_dce.enhancer import Enhancer, load
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.files.pictures import WRITABLE_SUFFIXES, Picture, decode_picture, encode_and_list
from edge_dce.files.signatures import find_suffix
from edge_dce.models.catalog import bundled_models, find_model, find_purpose

from .options import WebOptions
from .order import Order

# Loaded besides the first, which is kept for good.
_MOST_KEPT = 2


@dataclasses.dataclass(frozen=True)
class Enhanced:
    """The result of an order.

    Attributes:
        data: the bytes of a picture file.
        suffix: its usual one, such as ".jpg".
        left_out: what of the source it does not hold, by kind, and how often.
    """

    data: bytes
    suffix: str
    left_out: collections.Counter[str]


class Enhancement:
    """Does orders; one thread at a time.

    Attributes:
        models: the names that orders may have, and what each is for; the first is that of the command line.
    """

    def __init__(self, options: WebOptions) -> None:
        """Loads the model; raises ModelError and RuntimeMissingError."""
        self._options = options
        self._first = load(
            options.model, threads=options.threads, contract=options.contract, accelerator=options.accelerator
        )
        self._first_name = find_model(options.model).stem
        self.models = {self._first_name: "", **{path.stem: find_purpose(path) for path in bundled_models()}}
        self._load = functools.lru_cache(_MOST_KEPT)(self._load_bundled)

    def run(self, data: bytes, order: Order) -> Enhanced:
        """Enhance the bytes of a picture file.

        Raises:
            ImageError: no picture, or one that cannot be read or written.
            ModelError: the runtime failed.
        """
        enhancer = self._first if order.model == self._first_name else self._load(order.model)
        picture = decode_picture(data)
        if order.max_side_px is not None:
            picture = shrink_picture(picture, order.max_side_px)
        own = find_suffix(data)
        suffix = order.suffix or (own if own in WRITABLE_SUFFIXES else None) or ".png"
        enhanced = enhance_picture(picture, enhancer, order.look)
        encoded, left_out = encode_and_list(enhanced, suffix, quality=order.quality)
        return Enhanced(encoded, suffix, left_out)

    def _load_bundled(self, name: str) -> Enhancer:
        return load(name, threads=self._options.threads, accelerator=self._options.accelerator)


def shrink_picture(picture: Picture, max_side_px: int) -> Picture:
    """The picture, of an animation the first frame, with at most so many pixels on its longer side."""
    picture = dataclasses.replace(picture, animation=None)
    height, width = picture.image.shape[:2]
    scale = max_side_px / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))

    def shrink(samples: Any) -> Any:
        return cv2.resize(samples, size, interpolation=cv2.INTER_AREA)

    alpha = None if picture.alpha is None else shrink(picture.alpha)
    return dataclasses.replace(picture, image=shrink(picture.image), alpha=alpha)

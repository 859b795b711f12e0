"""One call for whatever a program has a picture in: a path, the bytes of a file, an image of Pillow, an array."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from edge_dce.enhancer import Enhancer, load
from edge_dce.enhancing.jobs import Naming
from edge_dce.enhancing.picture import enhance_file, enhance_picture
from edge_dce.errors import ImageError
from edge_dce.files.formats.pillow_images import from_pillow, is_pillow_image, to_pillow
from edge_dce.files.pictures import (
    WRITABLE_SUFFIXES,
    Picture,
    decode_picture,
    encode_picture,
)
from edge_dce.files.signatures import find_suffix
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.pixels.look import PLAIN, Look

Source = TypeVar("Source")
# A name, the path of a model file, or an enhancer that is loaded already.
Model = str | Path | Enhancer

_MOST_KEPT = 4


def enhance(
    source: Source,
    look: Look = PLAIN,
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    model: Model = DEFAULT_MODEL,
    channel_order: str = "RGB",
) -> Source:
    """Enhance a picture, and give it back as what it came in.

    - A path (`str` or `Path`) of a picture file: the result is written to `output`, or as NAME-enhanced beside it, and
      its path is returned.
    - `bytes` of a picture file: bytes of a file of the same format, or of PNG where that cannot be written.
    - An image of Pillow, a numpy array as `Enhancer.enhance` takes it, a `Picture`: a new one like it.

    Args:
        output: where the result of a path goes.
        overwrite: replace what is there.
        model: a name or path as `load` takes it, which is loaded once and kept, or an `Enhancer`.
        channel_order: of an array, see `Enhancer`.

    Raises:
        ImageError: no picture, or one of a kind that is not understood.
        OutputError: the result exists already, or cannot be written.
        ModelError, RuntimeMissingError: as `load`.
    """
    enhancer = model if isinstance(model, Enhancer) else _load(model)
    value: Any = source
    if isinstance(value, (str, os.PathLike)):
        return cast(Source, _enhance_file(value, look, enhancer, output, overwrite))
    if output is not None:
        raise ImageError(f"expected a path beside output={str(output)!r}, found {type(value).__name__}")
    result: Any
    if isinstance(value, np.ndarray):
        result = enhancer.enhance(value, look, channel_order=channel_order)
    elif isinstance(value, Picture):
        result = enhance_picture(value, enhancer, look)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        result = type(value)(_enhance_bytes(bytes(value), look, enhancer))
    elif is_pillow_image(value):
        result = to_pillow(enhance_picture(from_pillow(value), enhancer, look), value)
    else:
        raise ImageError(
            f"expected a path, the bytes of a picture file, an image of Pillow or a numpy array, "
            f"found {type(value).__name__}"
        )
    return cast(Source, result)


def enhance_many(
    sources: Iterable[Source],
    look: Look = PLAIN,
    *,
    overwrite: bool = False,
    model: Model = DEFAULT_MODEL,
    channel_order: str = "RGB",
) -> Iterator[Source]:
    """`enhance` one source after the other, each when its result is asked for.

    Raises as `enhance`, when its turn has come.
    """
    enhancer = model if isinstance(model, Enhancer) else _load(model)
    for source in sources:
        yield enhance(source, look, overwrite=overwrite, model=enhancer, channel_order=channel_order)


@functools.lru_cache(_MOST_KEPT)
def _load(model: str | Path) -> Enhancer:
    return load(model)


def _enhance_file(
    source: Any, look: Look, enhancer: Enhancer, output: str | os.PathLike[str] | None, overwrite: bool
) -> Any:
    path = Path(source)
    target = Path(output) if output is not None else Naming().place(path, path.parent)
    enhance_file(path, target, enhancer, look, overwrite=overwrite)
    return type(source)(target) if isinstance(source, (str, Path)) else target


def _enhance_bytes(data: bytes, look: Look, enhancer: Enhancer) -> bytes:
    suffix = find_suffix(data)
    enhanced = enhance_picture(decode_picture(data), enhancer, look, in_place=True)
    return encode_picture(enhanced, suffix if suffix in WRITABLE_SUFFIXES else ".png")

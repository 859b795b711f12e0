"""Samples made once, kept on disk as uint8, found again by what they are made of: pictures decoded and shrunk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_dce.errors import EdgeDceError, ImageError, OutputError
from edge_dce.files.near_infrared import read_channels
from edge_dce.files.output import make_folder
from edge_dce.files.pictures import read_picture
from edge_dce.machine import find_cache_folder as find_users_cache
from edge_dce.pixels.shrinking import shrink, shrink_channels

Uint8Array = npt.NDArray[np.uint8]

# Raise it when the same file would be decoded to other samples: earlier entries are then not found any more.
_VERSION = 1


def find_cache_folder() -> Path:
    """Where decoded pictures are kept unless told otherwise.

    Raises:
        EdgeDceError: this user has no home.
    """
    folder = find_users_cache()
    if folder is None:
        raise EdgeDceError("expected a home folder for decoded pictures, found none; set EDGE_DCE_CACHE to a folder")
    return folder


def hash_files(paths: Sequence[Path]) -> str:
    """Hexadecimal sha256 of the files' contents in order; names do not count.

    Raises:
        ImageError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_hash_file(path))
    return digest.hexdigest()


def read_shrunk(paths: Sequence[Path], side_px: int, *, channels: int, cache: Path) -> Uint8Array:
    """Pictures as one (N, side_px, side_px, channels) uint8 array, mapped from the cache: processes share the memory.

    Args:
        channels: 1 takes the mean of RGB, 4 appends a PNG's alpha channel (near infrared).

    Raises:
        ImageError: a picture is broken, or has no fourth channel where one is needed.
        OutputError: the cache cannot be written.
    """
    shape = (side_px, side_px, channels)
    return _read_decoded(paths, shape, lambda path: _shrink_channels(path, side_px, channels), cache)


def read_resized(paths: Sequence[Path], width: int, height: int, *, cache: Path) -> Uint8Array:
    """Pictures as one (N, height, width, 3) uint8 array, mapped from the cache; those of that size as they are.

    Raises: as `read_shrunk`.
    """
    return _read_decoded(
        paths, (height, width, 3), lambda path: shrink(read_picture(path).rounded().image, width, height), cache
    )


def _read_decoded(
    paths: Sequence[Path], shape: tuple[int, ...], decode: Callable[[Path], Uint8Array], cache: Path
) -> Uint8Array:
    def decode_all(samples: Uint8Array) -> None:
        def decode_one(number: int) -> None:
            samples[number] = decode(paths[number])

        with ThreadPoolExecutor() as pool:
            list(pool.map(decode_one, range(len(paths))))

    whole = (len(paths), *shape)
    return read_made(f"{_VERSION} {whole} {hash_files(paths)}", whole, decode_all, cache=cache)


def read_made(key: str, shape: tuple[int, ...], make: Callable[[Uint8Array], None], *, cache: Path) -> Uint8Array:
    """The uint8 array of that shape that `make` fills, mapped from the cache if an earlier call with that key made it.

    Args:
        key: says all that the samples are made of.

    Raises:
        OutputError: the cache cannot be written.
    """
    entry = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
    samples = _map_entry(entry, shape)
    if samples is None:
        _make_entry(entry, shape, make)
        samples = _map_entry(entry, shape)
    if samples is None:
        raise OutputError(f"{entry}: expected what was just written, found something else; choose another --cache")
    return samples


def _map_entry(entry: Path, shape: tuple[int, ...]) -> Uint8Array | None:
    try:
        samples: Uint8Array = np.load(entry, mmap_mode="r")
    except (OSError, ValueError):
        # Missing, or damaged: it is made anew.
        return None
    return samples if samples.shape == shape and samples.dtype == np.uint8 else None


def _hash_file(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def _make_entry(entry: Path, shape: tuple[int, ...], make: Callable[[Uint8Array], None]) -> None:
    make_folder(entry.parent)
    try:
        handle, name = tempfile.mkstemp(prefix=".unfinished-", suffix=".npy", dir=entry.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"{entry.parent}: cannot be written to ({error.strerror}); choose another --cache") from error
    unfinished = Path(name)
    try:
        samples = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=shape)
        # Writing to a mapped file on a full disk kills the process; reserving the space first is an error instead.
        with unfinished.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, unfinished.stat().st_size)
        make(samples)
        samples.flush()
        # Another process may have made the same entry meanwhile; both hold the same samples.
        unfinished.replace(entry)
    except OSError as error:
        raise OutputError(f"{entry}: cannot be written ({error.strerror}); choose another --cache") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _shrink_channels(path: Path, side_px: int, channels: int) -> Uint8Array:
    return shrink_channels(read_channels(path, channels), side_px, side_px, channels)

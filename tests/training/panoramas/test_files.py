"""Panoramas are read as linear RGB, whichever of the formats they come in."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dce.errors import ImageError
from training.panoramas.files import find_panoramas, read_panorama

from .made_panorama import make_panorama, write_panorama


def test_radiance_files_are_read_as_rgb(tmp_path: Path) -> None:
    panorama = make_panorama()
    read = read_panorama(write_panorama(tmp_path / "scene.hdr", panorama))
    # RGBE shares one exponent: an error of up to 1/128 of a pixel's largest channel.
    assert (np.abs(read - panorama) < panorama.max(axis=2, keepdims=True) / 127).all()


def test_webp_files_hold_mantissas_and_an_exponent(tmp_path: Path) -> None:
    samples = np.zeros((2, 4, 4), np.uint8)
    samples[:] = (32, 64, 128, 129)  # blue, green, red, exponent
    cv2.imwrite(str(tmp_path / "scene.webp"), samples, [cv2.IMWRITE_WEBP_QUALITY, 101])
    assert read_panorama(tmp_path / "scene.webp")[0, 0].tolist() == [1.0, 0.5, 0.25]


def test_openexr_is_read_or_the_build_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scene.exr"
    panorama = make_panorama()
    try:
        cv2.imwrite(str(path), panorama[..., ::-1])
    except cv2.error:
        path.touch()
        with pytest.raises(ImageError, match=r"reads no OpenEXR; convert it to \.hdr"):
            read_panorama(path)
    else:
        np.testing.assert_array_equal(read_panorama(path), panorama)


def test_a_photo_is_no_panorama(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.webp"), np.zeros((8, 16, 3), np.uint8))
    with pytest.raises(ImageError, match=r"photo\.webp: expected a panorama in linear light"):
        read_panorama(tmp_path / "photo.webp")


def test_other_shapes_are_no_panoramas(tmp_path: Path) -> None:
    path = write_panorama(tmp_path / "square.hdr", make_panorama()[:, :64])
    with pytest.raises(ImageError, match="twice as wide as high"):
        read_panorama(path)


def test_panoramas_are_found_by_suffix_in_order(tmp_path: Path) -> None:
    for name in ("b.HDR", "a.webp", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_panoramas(tmp_path)] == ["a.webp", "b.HDR"]


def test_a_folder_without_panoramas_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"expected panoramas ending in \.hdr \.exr \.webp, found none"):
        find_panoramas(tmp_path)

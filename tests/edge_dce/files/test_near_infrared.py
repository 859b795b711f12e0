"""Four channels from a file: what is open in a TIFF, and what a PNG calls opacity."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_dce.errors import ImageError
from edge_dce.files.near_infrared import read_channels, read_near_infrared, stack_channels
from edge_dce.files.pictures import Picture, write_picture


def make_samples(dtype: type) -> np.ndarray:
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max, (9, 7, 4)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_fourth_channel_keeps_its_samples_and_depth(suffix: str, dtype: type, tmp_path: Path) -> None:
    samples = make_samples(dtype)
    write_picture(Picture(samples[..., :3].copy(), samples[..., 3].copy()), tmp_path / f"four{suffix}")
    np.testing.assert_array_equal(stack_channels(read_near_infrared(tmp_path / f"four{suffix}")), samples)


@pytest.mark.parametrize("compression", [None, "tiff_deflate"])
def test_tiff_that_leaves_the_fourth_channel_open_is_read(compression: str | None, tmp_path: Path) -> None:
    samples = make_samples(np.uint8)
    image = Image.frombytes("RGBX", samples.shape[1::-1], samples.tobytes())
    image.save(tmp_path / "open.tif", compression=compression)
    np.testing.assert_array_equal(stack_channels(read_near_infrared(tmp_path / "open.tif")), samples)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_three_channels_are_refused_for_four(suffix: str, tmp_path: Path) -> None:
    write_picture(Picture(make_samples(np.uint8)[..., :3].copy()), tmp_path / f"three{suffix}")
    with pytest.raises(ImageError, match=r"expected four channels .* found three"):
        read_near_infrared(tmp_path / f"three{suffix}")
    assert read_channels(tmp_path / f"three{suffix}", 3).shape == (9, 7, 3)

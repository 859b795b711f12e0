"""The camera app's shader and map texture, as far as they need no GPU."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from apps.camera.view.packing import pack_curves, unpack_curves
from apps.camera.view.shader import (
    make_block_shader,
    make_curve_piece,
    make_filter_shader,
    make_filtered_shader,
    make_gain_shader,
    make_plain_shader,
    make_shader,
)
from apps.camera.view.tone_shader import make_tone_piece
from edge_dce.pixels.curve import ROOTS


@pytest.mark.parametrize("low", [-1.0, -0.3])
def test_packing_keeps_ten_bits_of_the_maps_range(low: float) -> None:
    curves = np.random.default_rng(0).uniform(low, 0.1, (9, 7, 3)).astype(np.float32)
    # Half a step of 1023, and float32's own rounding.
    tolerance = (curves.max() - curves.min()) / 2046 * 1.001 + 1e-6
    assert np.abs(unpack_curves(pack_curves(curves)) - curves).max() <= tolerance


def test_packing_keeps_a_flat_map_exactly() -> None:
    curves = np.full((2, 3, 3), -0.25, np.float32)
    assert np.array_equal(unpack_curves(pack_curves(curves)), curves)


def check_shader(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "curve.frag"
    path.write_text(f"#version 100\n{text}")
    return subprocess.run(["glslangValidator", str(path)], capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("glslangValidator") is None, reason="needs apt's glslang-tools")
@pytest.mark.parametrize("order", ["RGB", "BGR"])
@pytest.mark.parametrize("piece", [*map(make_curve_piece, ROOTS), make_tone_piece()], ids=[*map(str, ROOTS), "tone"])
def test_shader_is_valid_glsl_es_1(piece: str, order: str, tmp_path: Path) -> None:
    shaders = [make(piece, order) for make in (make_shader, make_block_shader, make_filter_shader)]
    shaders += [make_plain_shader(order), make_filtered_shader(order), make_gain_shader()]
    for text in shaders:
        checked = check_shader(text, tmp_path)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.skipif(shutil.which("glslangValidator") is None, reason="needs apt's glslang-tools")
def test_validator_refuses_what_es_1_does_not_have(tmp_path: Path) -> None:
    text = make_shader(make_curve_piece(1)).replace("texture2D(texture0", "texture(texture0")
    assert check_shader(text, tmp_path).returncode != 0


def test_shader_makes_the_steps_on_the_root_axis() -> None:
    assert "sqrt" not in make_curve_piece(1)
    assert make_curve_piece(4).count("x = sqrt(x)") == make_curve_piece(4).count("x *= x;") == 2
    assert "i < 8;" in make_curve_piece(1)

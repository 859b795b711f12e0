"""The live view's pixels, drawn by Mesa and read back."""

from __future__ import annotations

import numpy as np
import pytest

from apps.camera.view.preview import Preview
from edge_dce.pixels import tone
from edge_dce.pixels.curve import ROOTS, apply_exact
from edge_dce.pixels.look import Look

# Ten bits of the map cost 0.6 at worst (apps/camera/view/packing.py), rounding to bytes 0.5, on both sides.
TOLERANCE = 2


def draw(preview: Preview) -> np.ndarray:
    """The widget as it stands on the screen, (H, W, 3), first row on top."""
    texture = preview.export_as_image().texture
    return np.frombuffer(texture.pixels, np.uint8).reshape(texture.height, texture.width, 4)[..., :3]


def make_frame(width: int = 322, height: int = 183) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_preview(frame: np.ndarray, curves: np.ndarray, root: int, order: str = "RGB", **properties) -> Preview:
    preview = Preview(size=frame.shape[1::-1], pos=(0, 0), size_hint=(None, None), **properties)
    preview.show_frame(frame, order)
    preview.show_curves(curves, root)
    return preview


def smooth_map(low: float, high: float) -> np.ndarray:
    return np.random.default_rng(2).uniform(low, high, (16, 24, 3)).astype(np.float32)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-0.3, 0)])
@pytest.mark.parametrize("strength", [0.5, 1.5])
def test_view_agrees_with_the_formula(root: int, low: float, high: float, strength: float) -> None:
    frame, curves = make_frame(), smooth_map(low, high)
    preview = make_preview(frame, curves, root, strength=strength)
    expected = apply_exact(frame, curves, root=root, look=Look(strength=strength))
    difference = np.abs(draw(preview).astype(int) - expected)
    print(root, low, high, strength, difference.max(), difference.mean())
    assert difference.max() <= TOLERANCE


def make_tone_preview(frame: np.ndarray, numbers: np.ndarray, order: str = "RGB", **properties) -> Preview:
    preview = Preview(size=frame.shape[1::-1], pos=(0, 0), size_hint=(None, None), **properties)
    preview.show_frame(frame, order)
    preview.show_tone(numbers)
    return preview


def make_tone(seed: int, span: float) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-span, span, tone.COUNT).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("span", [0.3, 1.0])
@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
def test_view_agrees_with_the_formula_of_the_tone(seed: int, span: float, strength: float) -> None:
    frame, numbers = make_frame(), make_tone(seed, span)
    expected = tone.apply_exact(frame, numbers, look=Look(strength=strength))
    found = draw(make_tone_preview(frame, numbers, strength=strength)).astype(int)
    # Texels are off by half a level, of which the matrix makes 1.25 at worst; rounding adds a half on both sides.
    assert np.abs(found - expected).max() <= TOLERANCE
    swapped = draw(make_tone_preview(np.ascontiguousarray(frame[..., ::-1]), numbers, "BGR", strength=strength))
    assert np.abs(swapped.astype(int) - found).max() <= 1


def test_tones_curves_and_strengths_may_follow_each_other() -> None:
    frame, curves, numbers = make_frame(), smooth_map(-0.3, 0), make_tone(4, 0.5)
    preview = make_preview(frame, curves, 4)
    for _ in range(2):
        preview.show_tone(numbers)
        for strength in (1.0, 0.5):
            preview.strength = strength
            expected = tone.apply_exact(frame, numbers, look=Look(strength=strength))
            assert np.abs(draw(preview).astype(int) - expected).max() <= TOLERANCE
        preview.show_curves(curves, 4)
        expected = apply_exact(frame, curves, root=4, look=Look(strength=0.5))
        assert np.abs(draw(preview).astype(int) - expected).max() <= TOLERANCE


def test_blue_first_frames_show_the_same() -> None:
    frame, curves = make_frame(), smooth_map(-0.3, 0)
    swapped = make_preview(np.ascontiguousarray(frame[..., ::-1]), curves, 4, order="BGR")
    expected = draw(make_preview(frame, curves, 4))
    assert np.abs(draw(swapped).astype(int) - expected).max() <= 1


def test_map_of_no_curves_changes_nothing() -> None:
    frame = make_frame()
    preview = Preview(size=frame.shape[1::-1])
    preview.show_frame(frame)
    assert np.array_equal(draw(preview), frame)


@pytest.mark.parametrize("setting", ["is_comparing", "is_enhancing"])
def test_frame_is_shown_as_it_is(setting: str) -> None:
    frame = make_frame()
    preview = make_preview(frame, smooth_map(-0.3, 0), 4)
    setattr(preview, setting, setting == "is_comparing")
    assert np.array_equal(draw(preview), frame)


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_line_divides_before_on_the_left_from_after(is_mirrored: bool) -> None:
    frame = make_frame(200, 120)
    preview = make_preview(frame, smooth_map(-0.3, 0), 4)
    after = draw(preview)
    if is_mirrored:
        frame, after = frame[:, ::-1], after[:, ::-1]
    preview.is_mirrored, preview.is_split, preview.split = is_mirrored, True, 0.25
    drawn = draw(preview)
    # The line and its grip are drawn over the pixels beside it.
    assert np.array_equal(drawn[:, :35], frame[:, :35])
    assert np.abs(drawn[:, 66:].astype(int) - after[:, 66:]).max() <= 1


def test_each_change_of_size_order_and_curve_is_followed() -> None:
    curves = smooth_map(-0.3, 0)
    preview = make_preview(make_frame(), curves, 4)
    frame = make_frame(101, 77)
    preview.size = 101, 77
    preview.show_frame(np.ascontiguousarray(frame[..., ::-1]), "BGR")
    preview.show_curves(curves[:5, :9].copy(), 1)
    expected = apply_exact(frame, curves[:5, :9])
    assert np.abs(draw(preview).astype(int) - expected).max() <= TOLERANCE


def test_view_of_frames_cut_from_larger_ones() -> None:
    whole = make_frame(400, 300)
    preview = Preview(size=(100, 80))
    preview.show_frame(whole[50:130, 60:160])
    assert np.array_equal(draw(preview), whole[50:130, 60:160])

"""The live view's pixels, drawn by Mesa and read back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from apps.camera.view.preview import Preview
from edge_dce.pixels import tone
from edge_dce.pixels.curve import ROOTS, apply_exact
from edge_dce.pixels.look import Look
from edge_dce.pixels.noise import estimate_noise
from edge_dce.pixels.toe import Toe, find_toe
from tests.apps.window.conftest import pump_until

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


# The filter over time.

SIGMA = 3.0
# Brightens a level of 30 to 160, and its noise to twice as much.
GAIN_CURVES = np.full((8, 12, 3), -0.25, np.float32)
# To 140, its noise to four times as much.
GAIN_TONE = np.zeros(tone.COUNT, np.float32)
GAIN_TONE[:9], GAIN_TONE[9 : tone.INCREMENTS] = 0.3, -0.3


def add_noise(scene: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, SIGMA, scene.shape)
    return np.clip(np.rint(scene + noise), 0, 255).astype(np.uint8)


def make_street(width: int = 160, height: int = 120) -> np.ndarray:
    """A dark scene as it would be without noise, (H, W, 3) float32."""
    scene = np.linspace(16, 34, width, dtype=np.float32)[np.newaxis, :, np.newaxis]
    return np.ascontiguousarray(np.broadcast_to(scene, (height, width, 3)))


def make_denoising(scene: np.ndarray, **properties) -> Preview:
    """A view that knows the noise of the frames to come, and has no frame yet."""
    preview = Preview(size=scene.shape[1::-1], pos=(0, 0), size_hint=(None, None), is_denoising=True, **properties)
    preview.show_noise(estimate_noise(add_noise(scene, 0), channel_order="RGB"))
    preview.show_curves(GAIN_CURVES, 2)
    return preview


def enhance(scene: np.ndarray) -> np.ndarray:
    return apply_exact(np.clip(np.rint(scene), 0, 255).astype(np.uint8), GAIN_CURVES, root=2)


def measure_error(drawn: np.ndarray, scene: np.ndarray) -> float:
    return float(np.sqrt(np.mean((drawn.astype(float) - enhance(scene)) ** 2)))


def measure_noise(drawn: np.ndarray) -> float:
    """Of a scene whose columns are even."""
    return float((drawn - drawn.mean(axis=0)).std())


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_noise_of_a_still_scene_falls_to_a_third_in_ten_frames(order: str) -> None:
    scene = make_street()
    preview = make_denoising(scene)
    noise = []
    for number in range(11):
        preview.show_frame(add_noise(scene, number), order)
        noise.append(measure_noise(draw(preview)))
    print(noise)
    assert noise[10] <= noise[0] / 3


def test_tone_is_filtered_as_curves_are() -> None:
    scene = make_street()
    preview = make_denoising(scene)
    preview.show_tone(GAIN_TONE)
    frame = add_noise(scene, 0)
    preview.show_frame(frame)
    first = draw(preview)
    assert np.abs(first.astype(int) - tone.apply_exact(frame, GAIN_TONE)).max() <= TOLERANCE
    for number in range(1, 11):
        preview.show_frame(add_noise(scene, number))
    assert measure_noise(draw(preview)) <= measure_noise(first) / 3


def test_tone_and_curves_may_follow_each_other_in_the_filter() -> None:
    frame = add_noise(make_street(), 0)
    preview = make_denoising(make_street())
    preview.show_frame(frame)
    for strength in (0.5, 1.0):
        preview.strength = strength
        preview.show_tone(GAIN_TONE)
        expected = tone.apply_exact(frame, GAIN_TONE, look=Look(strength=strength))
        assert np.abs(draw(preview).astype(int) - expected).max() <= TOLERANCE
        preview.show_curves(GAIN_CURVES, 2)
        expected = apply_exact(frame, GAIN_CURVES, root=2, look=Look(strength=strength))
        assert np.abs(draw(preview).astype(int) - expected).max() <= TOLERANCE


def test_mean_has_the_color_of_the_frames() -> None:
    scene = make_street()
    preview = make_denoising(scene)
    single = []
    for number in range(20):
        frame = add_noise(scene, number)
        preview.show_frame(frame)
        single.append(apply_exact(frame, GAIN_CURVES, root=2).mean(axis=(0, 1)))
    # Whole levels are rounded to; a state that rounding holds fast would be off by several.
    assert np.abs(draw(preview).mean(axis=(0, 1)) - np.mean(single, axis=0)).max() <= 0.5


def test_scene_without_noise_is_shown_as_without_the_filter() -> None:
    scene = make_street()
    frame = np.rint(scene).astype(np.uint8)
    preview = make_denoising(scene)
    preview.show_noise(estimate_noise(frame, channel_order="RGB"))
    for _ in range(12):
        preview.show_frame(frame)
    assert np.abs(draw(preview).astype(int) - enhance(scene)).max() <= TOLERANCE


def move_lamp(number: int) -> np.ndarray:
    scene = make_street()
    rows, columns = np.mgrid[: scene.shape[0], : scene.shape[1]]
    distance = (columns - 20 - 5 * number) ** 2 + (rows - 60) ** 2
    return scene + 180 * np.exp(-distance / 50)[..., np.newaxis].astype(np.float32)


def move_stripes(number: int) -> np.ndarray:
    """Blocks of four pixels have the same mean wherever these stripes are."""
    scene = make_street()
    columns = np.arange(scene.shape[1]) + number + 0.5
    return scene + 15 + 10 * np.sign(np.sin(columns * np.pi / 2))[np.newaxis, :, np.newaxis].astype(np.float32)


def pan(number: int) -> np.ndarray:
    wide = np.random.default_rng(5).uniform(10, 60, (120, 240, 3)).astype(np.float32)
    return np.ascontiguousarray(wide[:, 3 * number : 3 * number + 160])


@pytest.mark.parametrize("draw_scene", [move_lamp, move_stripes, pan])
def test_what_moves_is_never_worse_than_without_the_filter(draw_scene) -> None:
    preview = make_denoising(make_street())
    plain = Preview(size=preview.size, pos=(0, 0), size_hint=(None, None))
    for number in range(20):
        frame = add_noise(draw_scene(number), number)
        preview.show_frame(frame)
        plain.show_curves(GAIN_CURVES, 2)
        plain.show_frame(frame)
        error, without = (measure_error(draw(each), draw_scene(number)) for each in (preview, plain))
        # The map's ten bits and two roundings, see TOLERANCE, differ between the two ways.
        assert error <= without * 1.01, number


def test_lamp_leaves_no_ghost_where_it_was() -> None:
    preview = make_denoising(make_street())
    for number in range(12):
        preview.show_frame(add_noise(move_lamp(number), number))
    where_it_was = (slice(56, 64), slice(20 + 5 * 7 - 3, 20 + 5 * 7 + 3))
    ghost = (draw(preview)[where_it_was].astype(float) - enhance(move_lamp(11))[where_it_was]).mean()
    # Noise of 6 levels in the mean of 144 samples, four times over.
    assert abs(ghost) <= 4 * 6 / 144**0.5


def test_scene_cut_begins_anew() -> None:
    scene = make_street()
    preview = make_denoising(scene)
    for number in range(12):
        preview.show_frame(add_noise(scene, number))
    other = add_noise(scene[:, ::-1] * 3, 99)
    preview.show_frame(other)
    expected = apply_exact(other, GAIN_CURVES, root=2)
    assert np.abs(draw(preview).astype(int) - expected).max() <= TOLERANCE


@pytest.mark.parametrize(
    "change",
    [
        lambda preview: preview.begin_anew(),
        lambda preview: preview.show_curves(GAIN_CURVES[:4].copy(), 4),
        lambda preview: preview.show_tone(GAIN_TONE),
        lambda preview: setattr(preview, "strength", 0.5),
    ],
)
def test_what_was_seen_is_forgotten(change) -> None:
    scene = make_street()
    preview = make_denoising(scene)
    for number in range(12):
        preview.show_frame(add_noise(scene, number))
    change(preview)
    frame = add_noise(scene, 99)
    preview.show_frame(frame)
    fresh = Preview(size=preview.size, pos=(0, 0), size_hint=(None, None), strength=preview.strength)
    fresh._use(preview._estimate, preview._root, is_tone=preview._is_tone)
    fresh.show_frame(frame)
    # A frame that went into a mean would differ by the noise.
    assert np.abs(draw(preview).astype(int) - draw(fresh)).max() <= 1


def test_strength_is_followed_without_a_new_frame() -> None:
    frame = add_noise(make_street(), 1)
    preview = make_denoising(make_street())
    preview.show_frame(frame)
    before = draw(preview).mean()
    preview.strength = 0.5
    assert draw(preview).mean() < before - 10


def test_filter_can_be_switched_off_and_on() -> None:
    scene = make_street()
    preview = make_denoising(scene)
    for number in range(12):
        preview.show_frame(add_noise(scene, number))
    smooth = measure_noise(draw(preview))
    preview.is_denoising = False
    noisy = draw(preview)
    assert np.abs(noisy.astype(int) - apply_exact(add_noise(scene, 11), GAIN_CURVES, root=2)).max() <= TOLERANCE
    assert smooth < measure_noise(noisy) / 3
    preview.is_denoising = True
    for number in range(12):
        preview.show_frame(add_noise(scene, number))
    assert measure_noise(draw(preview)) < measure_noise(noisy) / 3


def make_sky() -> np.ndarray:
    """Stars and a lamp in a sky of one level, without noise: (H, W, 3) uint8."""
    sky = np.full((120, 160, 3), (2, 1, 0), np.uint8)
    sky[40:70, 100:130] = 220, 180, 90
    sky[10:90:20, 10:90:20] = 60
    return sky


def find_sky_toe(sky: np.ndarray) -> Toe:
    luma = cv2.cvtColor(cv2.resize(sky, (40, 30), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return find_toe(luma, estimate_noise(sky, channel_order="RGB"), light=1.0)


def test_black_sky_stays_black_with_its_stars_and_lamp() -> None:
    sky = make_sky()
    preview = make_denoising(make_street())
    preview.show_toe(find_sky_toe(sky))
    preview.show_frame(sky)
    drawn, bright = draw(preview).astype(int), enhance(sky)
    is_star, is_lamp = sky[..., 0] == 60, sky[..., 0] == 220
    assert bright[0, 0].max() > 12
    assert drawn[0, 0].max() <= 6
    assert np.abs(drawn - bright)[is_star | is_lamp].max() <= TOLERANCE


def test_toe_agrees_with_its_formula() -> None:
    sky = make_sky()
    toe = find_sky_toe(sky)
    preview = make_denoising(make_street())
    preview.show_toe(toe)
    preview.show_frame(sky)
    surroundings, color = (cv2.resize(each, (160, 120)) for each in (toe.surroundings, toe.color))
    share = np.maximum(toe.own[cv2.cvtColor(sky, cv2.COLOR_RGB2GRAY)], surroundings)[..., np.newaxis] / 255
    bright = enhance(sky).astype(float)
    luma = (bright @ [0.299, 0.587, 0.114])[..., np.newaxis]
    expected = sky + share * (luma + color[..., np.newaxis] * (bright - luma) - sky)
    # A step of the share in bytes is a level and a half of the lamp's edge, beyond what TOLERANCE has.
    assert np.abs(draw(preview) - expected).max() <= TOLERANCE + 1.5


def test_toe_goes_with_what_made_it() -> None:
    sky = make_sky()
    preview = make_denoising(make_street())
    preview.show_toe(find_sky_toe(sky))
    preview.show_frame(sky)
    preview.show_toe(None)
    preview.begin_anew()
    preview.show_frame(sky)
    assert np.abs(draw(preview).astype(int) - enhance(sky)).max() <= TOLERANCE


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_line_divides_the_frame_from_the_filtered(is_mirrored: bool) -> None:
    scene = make_street()
    preview = make_denoising(scene)
    for number in range(6):
        frame = add_noise(scene, number)
        preview.show_frame(frame)
    preview.is_mirrored = is_mirrored
    after = draw(preview)
    preview.is_split, preview.split = True, 0.25
    drawn = draw(preview)
    if is_mirrored:
        frame = frame[:, ::-1]
    # The line and its grip are drawn over the pixels beside it.
    assert np.array_equal(drawn[:, :25], frame[:, :25])
    assert np.array_equal(drawn[:, 56:], after[:, 56:])


def test_comparing_shows_the_frame_and_goes_on_filtering() -> None:
    scene = make_street()
    preview = make_denoising(scene)
    preview.is_comparing = True
    for number in range(12):
        frame = add_noise(scene, number)
        preview.show_frame(frame)
    assert np.array_equal(draw(preview), frame)
    preview.is_comparing = False
    assert measure_noise(draw(preview)) < measure_noise(apply_exact(frame, GAIN_CURVES, root=2)) / 3


def test_large_frames_are_filtered_at_the_size_on_the_screen() -> None:
    preview = make_denoising(make_street())
    preview.show_frame(add_noise(make_street(640, 480), 1))
    assert preview._filter.size == (160, 120)
    expected = draw(preview).mean()
    preview._zoom(2.0, (80.0, 60.0))
    pump_until(lambda: preview._filter.size == (640, 480))
    assert draw(preview).mean() == pytest.approx(expected, abs=TOLERANCE)

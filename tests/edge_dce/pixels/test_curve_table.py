import cv2
import numpy as np
import pytest

from edge_dce.errors import ImageError
from edge_dce.pixels import curve, curve_table, wide_look_up
from edge_dce.pixels.curve_table import LookUp
from edge_dce.pixels.look import Look
from edge_dce.pixels.strips import StripWorkers


def make_map(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A smooth random map over most of [-1, 0.2], as networks give it."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return np.clip(-0.4 + 0.2 * smooth / smooth.std(), -1, 0.2).astype(np.float32)


def make_image(seed: int, height: int, width: int) -> np.ndarray:
    """Mostly dark, every value present."""
    return (np.random.default_rng(seed).random((height, width, 3)) ** 3 * 255.99).astype(np.uint8)


@pytest.mark.parametrize("root", curve.ROOTS)
def test_map_of_zeros_leaves_every_value_alone(root: int) -> None:
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    curves = np.zeros((1, 1, 3), np.float32)
    np.testing.assert_array_equal(LookUp(root=root).apply(image, curves), image)


@pytest.mark.parametrize(("height", "width"), [(270, 480), (481, 271), (64, 96), (33, 17), (1, 500), (500, 1), (1, 1)])
@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("root", curve.ROOTS)
def test_look_up_stays_within_its_bounds(height: int, width: int, strength: float, root: int) -> None:
    image, curves = make_image(1, height, width), make_map(2)
    expected = curve.apply_exact(image, curves, look=Look(strength=strength), root=root)
    found = LookUp(StripWorkers(2), root=root).apply(image, curves, look=Look(strength=strength))
    difference = np.abs(expected.astype(int) - found.astype(int))
    # DESIGN section 4: 0.5 on average, 2 at worst. The map spans up to 1.2 here, so a level of `a` is 1.2/255; rounding
    # it is off by half of that, and eight steps multiply an error in `a` by up to about 2: half a level of 255.
    assert difference.max() <= 2
    assert difference.mean() <= 0.5


@pytest.mark.parametrize(("root", "worst"), [(1, 2), (2, 3), (4, 3)])
def test_look_up_stays_within_its_bounds_for_a_map_of_the_whole_range(root: int, worst: int) -> None:
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    image = np.repeat(image, 512, axis=0)
    curves = np.linspace(-1, 1, 512, dtype=np.float32)[:, np.newaxis, np.newaxis] * np.ones((1, 256, 3), np.float32)
    expected = curve.apply_exact(image, curves, root=root)
    difference = np.abs(expected.astype(int) - LookUp(root=root).apply(image, curves).astype(int))
    # A level of `a` is 2/255 here, more than in any map that a network returns.
    assert difference.max() <= worst
    assert difference.mean() <= 0.5


def test_threads_do_not_change_the_result() -> None:
    image, curves = make_image(3, 700, 900), make_map(4)
    one = LookUp(StripWorkers(1)).apply(image, curves)
    np.testing.assert_array_equal(one, LookUp(StripWorkers(4)).apply(image, curves))


def test_look_up_serves_frames_of_changing_size() -> None:
    look_up = LookUp(StripWorkers(2))
    curves = make_map(5)
    for height, width in ((40, 60), (400, 30), (40, 60), (10, 2000)):
        image = make_image(height, height, width)
        np.testing.assert_array_equal(look_up.apply(image, curves), LookUp().apply(image, curves))


def test_earlier_results_are_not_overwritten_by_later_frames() -> None:
    look_up = LookUp()
    first = look_up.apply(make_image(6, 30, 40), make_map(7))
    kept = first.copy()
    look_up.apply(make_image(8, 30, 40), make_map(9))
    np.testing.assert_array_equal(first, kept)


def test_result_is_written_where_asked() -> None:
    image, curves = make_image(20, 70, 90), make_map(21)
    out = np.empty_like(image)
    assert LookUp(StripWorkers(2)).apply(image, curves, out=out) is out
    np.testing.assert_array_equal(out, LookUp().apply(image, curves))


@pytest.mark.parametrize(
    "out", [np.empty((70, 91, 3), np.uint8), np.empty((70, 90, 3)), np.empty((70, 90, 4), np.uint8)]
)
def test_unfit_result_array_is_refused(out: np.ndarray) -> None:
    with pytest.raises(ImageError, match="expected `out` like the image"):
        LookUp().apply(make_image(20, 70, 90), make_map(21), out=out)


def test_both_ways_to_look_up_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image, curves = make_image(22, 300, 400), make_map(23)
    found = LookUp(StripWorkers(2)).apply(image, curves)
    monkeypatch.setattr(wide_look_up, "_CV2_TAKES_WIDE_INDICES", False)
    np.testing.assert_array_equal(found, LookUp(StripWorkers(2)).apply(image, curves))


def test_strength_zero_returns_the_image_unchanged() -> None:
    image = make_image(10, 50, 70)
    np.testing.assert_array_equal(LookUp().apply(image, make_map(11), look=Look(strength=0)), image)


def test_input_image_is_not_modified() -> None:
    image = make_image(12, 50, 70)
    before = image.copy()
    LookUp().apply(image, make_map(13))
    np.testing.assert_array_equal(image, before)


def test_views_with_strides_are_enhanced_like_copies() -> None:
    image = make_image(14, 60, 80)[::-1, ::2]
    curves = make_map(15)
    expected = LookUp().apply(np.ascontiguousarray(image), curves)
    np.testing.assert_array_equal(LookUp().apply(image, curves), expected)


def test_curves_beyond_one_are_clipped_to_where_the_curve_is_monotonic() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    curves = np.full((2, 2, 3), -0.9, np.float32)
    enhanced = LookUp().apply(ramp, curves, look=Look(strength=1.5))[0, :, 0].astype(int)
    assert (np.diff(enhanced) >= 0).all()
    assert enhanced[0] == 0
    assert enhanced[-1] == 255


def test_map_is_stretched_with_half_pixel_centers() -> None:
    # Two map columns over four image columns: centers at 1/4, 3/4 of the width, so the outer columns take the map's
    # own values and the inner ones a quarter of the other's.
    curves = np.zeros((1, 2, 3), np.float32)
    curves[:, 1] = -0.8
    image = np.full((1, 4, 3), 64, np.uint8)
    found = LookUp().apply(image, curves)[0, :, 0].astype(int)
    expected = [
        curve.apply_exact(image[:, :1], np.full((1, 1, 3), a, np.float32))[0, 0, 0] for a in (0.0, -0.2, -0.6, -0.8)
    ]
    assert np.abs(found - np.array(expected, int)).max() <= 1


@pytest.mark.parametrize("view", [np.s_[::-1, ::-1, :], np.s_[:, :, ::-1], np.s_[:, ::2, :]])
def test_result_goes_into_arrays_of_any_strides(view: tuple[slice, ...]) -> None:
    image, curves = make_image(30, 60, 80), make_map(31)
    out = np.zeros((60, 160, 3), np.uint8)[:, : 160 if view[1].step == 2 else 80][view]
    LookUp().apply(image, curves, out=out)
    np.testing.assert_array_equal(out, LookUp().apply(image, curves))


def test_image_may_receive_its_own_result() -> None:
    image, curves = make_image(32, 300, 400), make_map(33)
    expected = LookUp().apply(image, curves)
    LookUp(StripWorkers(2)).apply(image, curves, out=image)
    np.testing.assert_array_equal(image, expected)


def test_fourth_channel_stays_as_it_is() -> None:
    image, curves = make_image(34, 200, 300), make_map(35)
    alpha = np.random.default_rng(36).integers(0, 256, (200, 300, 1)).astype(np.uint8)
    found = LookUp(StripWorkers(2)).apply(np.concatenate([image, alpha], axis=2), curves)
    np.testing.assert_array_equal(found[..., 3:], alpha)
    difference = np.abs(found[..., :3].astype(int) - curve.apply_exact(image, curves).astype(int))
    # As without the fourth channel, which takes one level of 256.
    assert difference.max() <= 2
    assert difference.mean() <= 0.5


def test_frames_beyond_4k_get_the_same_curves_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    image, curves = make_image(37, 301, 203), make_map(38)
    monkeypatch.setattr(curve_table, "_WHOLE_PX", 0)
    found = LookUp(StripWorkers(2)).apply(image, curves)
    difference = np.abs(found.astype(int) - curve.apply_exact(image, curves).astype(int))
    # The bounds of the class; rounding the map once more, to 1/256 of a level, does not show.
    assert difference.max() <= 2
    assert difference.mean() <= 0.5


@pytest.mark.parametrize("root", curve.ROOTS)
def test_sixteen_bits_keep_their_depth(root: int) -> None:
    curves = make_map(39)
    image = (np.random.default_rng(40).random((90, 120, 3)) ** 3 * 65535).astype(np.uint16)
    found = LookUp(StripWorkers(2), root=root).apply(image, curves)
    a = cv2.resize(curves, (120, 90), interpolation=cv2.INTER_LINEAR).astype(np.float64)
    u = (image / 65535) ** (1 / root)
    for _ in range(8):
        u = u + a * (u * u - u)
    # float32 rounds to 6e-8; near black eight steps multiply that by up to 2^8: 1e-5, which is 1 of 65535 levels.
    assert np.abs(found - u**root * 65535).max() <= 1.5


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_floating_point_samples_stay_floating_point(dtype: type) -> None:
    image, curves = make_image(41, 50, 60), make_map(42)
    found = LookUp().apply((image / 255).astype(dtype), curves)
    assert found.dtype == dtype
    # float16 has 11 bits: half a step of 2^-11 going in, multiplied by up to 5 on the way, and another coming out.
    np.testing.assert_allclose(found, curve.apply_exact(image, curves) / 255, atol=0.5 / 255 + 6 * 2**-12)

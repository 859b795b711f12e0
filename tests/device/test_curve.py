import cv2
import numpy as np
import pytest

from edge_dce import curve
from edge_dce.curve import CurveShape
from edge_dce.errors import ImageError


def make_map(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A smooth random map over most of [-1, 0.2], as networks give it."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return np.clip(-0.4 + 0.2 * smooth / smooth.std(), -1, 0.2).astype(np.float32)


def make_image(seed: int, height: int, width: int) -> np.ndarray:
    """Mostly dark, every value present."""
    return (np.random.default_rng(seed).random((height, width, 3)) ** 3 * 255.99).astype(np.uint8)


@pytest.mark.parametrize("iterations", [1, 8])
def test_formula_equals_hand_computed_values(iterations: int) -> None:
    x = 51 / 255
    for _ in range(iterations):
        x = x - 0.5 * (x * x - x)
    image = np.full((2, 2, 3), 51, np.uint8)
    curves = np.full((1, 1, 3), -0.5, np.float32)
    assert curve.apply_exact(image, curves, shape=CurveShape(iterations))[0, 0, 0] == round(x * 255)


@pytest.mark.parametrize("root", [2, 4])
def test_steps_run_on_the_root_axis(root: int) -> None:
    u = (51 / 255) ** (1 / root)
    u = u - 0.5 * (u * u - u)
    image = np.full((2, 2, 3), 51, np.uint8)
    curves = np.full((1, 1, 3), -0.5, np.float32)
    assert curve.apply_exact(image, curves, shape=CurveShape(1, root))[0, 0, 0] == round(u**root * 255)


@pytest.mark.parametrize("root", curve.ROOTS)
def test_map_of_zeros_leaves_every_value_alone(root: int) -> None:
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    curves = np.zeros((1, 1, 3), np.float32)
    np.testing.assert_array_equal(curve.LookUp(shape=CurveShape(root=root)).apply(image, curves), image)


@pytest.mark.parametrize("fields", [{"root": 3}, {"root": 2.0}, {"iterations": 0}, {"iterations": True}])
def test_shape_without_meaning_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        CurveShape(**fields)  # type: ignore[arg-type]


def test_formula_uses_several_maps_in_turn() -> None:
    image = np.full((2, 2, 3), 51, np.uint8)
    maps = np.concatenate([np.full((1, 1, 3), a, np.float32) for a in (-1.0, -0.5)], axis=2)
    # 0.2 → 0.36 → 0.4752, as in the test of the losses.
    assert curve.apply_exact(image, maps, shape=CurveShape(2))[0, 0, 0] == round(0.4752 * 255)


@pytest.mark.parametrize(("height", "width"), [(270, 480), (481, 271), (64, 96), (33, 17), (1, 500), (500, 1), (1, 1)])
@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("root", curve.ROOTS)
def test_look_up_stays_within_its_bounds(height: int, width: int, strength: float, root: int) -> None:
    image, curves, shape = make_image(1, height, width), make_map(2), CurveShape(root=root)
    expected = curve.apply_exact(image, curves, strength=strength, shape=shape)
    found = curve.LookUp(threads=2, shape=shape).apply(image, curves, strength=strength)
    difference = np.abs(expected.astype(int) - found.astype(int))
    # DESIGN section 4: 0.5 on average, 2 at worst. The map spans up to 1.2 here, so a level of `a` is 1.2/255; rounding
    # it is off by half of that, and eight steps multiply an error in `a` by up to about 2: half a level of 255.
    assert difference.max() <= 2
    assert difference.mean() <= 0.5


@pytest.mark.parametrize(("root", "worst"), [(1, 2), (2, 3), (4, 3)])
def test_look_up_stays_within_its_bounds_for_a_map_of_the_whole_range(root: int, worst: int) -> None:
    shape = CurveShape(root=root)
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    image = np.repeat(image, 512, axis=0)
    curves = np.linspace(-1, 1, 512, dtype=np.float32)[:, np.newaxis, np.newaxis] * np.ones((1, 256, 3), np.float32)
    expected = curve.apply_exact(image, curves, shape=shape)
    difference = np.abs(expected.astype(int) - curve.LookUp(shape=shape).apply(image, curves).astype(int))
    # A level of `a` is 2/255 here, more than in any map that a network returns.
    assert difference.max() <= worst
    assert difference.mean() <= 0.5


def test_threads_do_not_change_the_result() -> None:
    image, curves = make_image(3, 700, 900), make_map(4)
    one = curve.LookUp(threads=1).apply(image, curves)
    np.testing.assert_array_equal(one, curve.LookUp(threads=4).apply(image, curves))


def test_look_up_serves_frames_of_changing_size() -> None:
    look_up = curve.LookUp(threads=2)
    curves = make_map(5)
    for height, width in ((40, 60), (400, 30), (40, 60), (10, 2000)):
        image = make_image(height, height, width)
        np.testing.assert_array_equal(look_up.apply(image, curves), curve.LookUp().apply(image, curves))


def test_earlier_results_are_not_overwritten_by_later_frames() -> None:
    look_up = curve.LookUp()
    first = look_up.apply(make_image(6, 30, 40), make_map(7))
    kept = first.copy()
    look_up.apply(make_image(8, 30, 40), make_map(9))
    np.testing.assert_array_equal(first, kept)


def test_result_is_written_where_asked() -> None:
    image, curves = make_image(20, 70, 90), make_map(21)
    out = np.empty_like(image)
    assert curve.LookUp(threads=2).apply(image, curves, out=out) is out
    np.testing.assert_array_equal(out, curve.LookUp().apply(image, curves))


@pytest.mark.parametrize(
    "out", [np.empty((70, 91, 3), np.uint8), np.empty((70, 90, 3)), np.empty((70, 90, 6), "u1")[..., ::2]]
)
def test_unfit_result_array_is_refused(out: np.ndarray) -> None:
    with pytest.raises(ImageError, match="expected a contiguous uint8 `out`"):
        curve.LookUp().apply(make_image(20, 70, 90), make_map(21), out=out)


def test_both_ways_to_look_up_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image, curves = make_image(22, 300, 400), make_map(23)
    found = curve.LookUp(threads=2).apply(image, curves)
    monkeypatch.setattr(curve, "_CV2_TAKES_WIDE_INDICES", False)
    np.testing.assert_array_equal(found, curve.LookUp(threads=2).apply(image, curves))


def test_strength_zero_returns_the_image_unchanged() -> None:
    image = make_image(10, 50, 70)
    np.testing.assert_array_equal(curve.LookUp().apply(image, make_map(11), strength=0), image)


def test_input_image_is_not_modified() -> None:
    image = make_image(12, 50, 70)
    before = image.copy()
    curve.LookUp().apply(image, make_map(13))
    np.testing.assert_array_equal(image, before)


def test_views_with_strides_are_enhanced_like_copies() -> None:
    image = make_image(14, 60, 80)[::-1, ::2]
    curves = make_map(15)
    expected = curve.LookUp().apply(np.ascontiguousarray(image), curves)
    np.testing.assert_array_equal(curve.LookUp().apply(image, curves), expected)


def test_curves_beyond_one_are_clipped_to_where_the_curve_is_monotonic() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    curves = np.full((2, 2, 3), -0.9, np.float32)
    enhanced = curve.LookUp().apply(ramp, curves, strength=1.5)[0, :, 0].astype(int)
    assert (np.diff(enhanced) >= 0).all()
    assert enhanced[0] == 0
    assert enhanced[-1] == 255


def test_table_row_of_zero_is_the_identity() -> None:
    table = curve.build_table(0.0, 0.0)
    np.testing.assert_array_equal(table[0], np.arange(256))


def test_map_is_stretched_with_half_pixel_centers() -> None:
    # Two map columns over four image columns: centers at 1/4, 3/4 of the width, so the outer columns take the map's
    # own values and the inner ones a quarter of the other's.
    curves = np.zeros((1, 2, 3), np.float32)
    curves[:, 1] = -0.8
    image = np.full((1, 4, 3), 64, np.uint8)
    found = curve.LookUp().apply(image, curves)[0, :, 0].astype(int)
    expected = [curve.build_table(a, a)[0, 64] for a in (0.0, -0.2, -0.6, -0.8)]
    assert np.abs(found - np.array(expected, int)).max() <= 1

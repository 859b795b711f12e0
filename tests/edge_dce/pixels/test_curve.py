import numpy as np
import pytest

from edge_dce.pixels import curve


def take_by_hand(x: float, values: list[float]) -> float:
    for a in values:
        x = x + a * (x * x - x)
    return x


def enhance_one(x: int, values: list[float], root: int = 1) -> int:
    image = np.full((2, 2, 3), x, np.uint8)
    maps = np.concatenate([np.full((1, 1, 3), a, np.float32) for a in values], axis=2)
    return int(curve.apply_exact(image, maps, root=root)[0, 0, 0])


def test_formula_equals_hand_computed_values() -> None:
    assert enhance_one(51, [-0.5]) == round(take_by_hand(51 / 255, [-0.5] * 8) * 255)


@pytest.mark.parametrize("root", [2, 4])
def test_steps_run_on_the_root_axis(root: int) -> None:
    u = take_by_hand((51 / 255) ** (1 / root), [-0.1] * 8)
    assert enhance_one(51, [-0.1], root) == round(u**root * 255)


@pytest.mark.parametrize("root", [3, 2.0, True, None])
def test_root_without_meaning_is_refused(root: object) -> None:
    with pytest.raises(ValueError, match="expected a root"):
        curve.check_root(root)


def test_formula_uses_several_maps_in_turn() -> None:
    # 0.2 → 0.36 → 0.4752, as in the test of the losses; then six maps that change nothing.
    assert enhance_one(51, [-1.0, -0.5, *[0.0] * 6]) == round(0.4752 * 255)
    assert enhance_one(51, [-0.3, 0.2]) == round(take_by_hand(51 / 255, [-0.3, 0.2] * 4) * 255)


@pytest.mark.parametrize("root", curve.ROOTS)
def test_steps_in_place_are_the_steps(root: int) -> None:
    x = np.linspace(0, 1, 256, dtype=np.float32)
    a = np.linspace(-1, 1, 7, dtype=np.float32)[:, np.newaxis]
    y = np.broadcast_to(x, (7, 256)).copy()
    curve.take_steps_in_place(y, a, root, np.empty_like(y))
    np.testing.assert_array_equal(y, curve.take_steps(x, [a], root=root))


def fill_table(low: float, high: float, **options: object) -> np.ndarray:
    table = curve.CurveTable()
    table.fill(low, high, **options)  # type: ignore[arg-type]
    return table.samples


def test_table_row_of_zero_is_the_identity() -> None:
    np.testing.assert_array_equal(fill_table(0.0, 0.0)[0], np.arange(256))


def test_table_with_identity_keeps_its_last_row_for_what_is_no_color() -> None:
    samples = fill_table(-0.8, -0.2, with_identity=True)
    np.testing.assert_array_equal(samples[255], np.arange(256))
    np.testing.assert_array_equal(samples[254], fill_table(-0.2, -0.2)[0])


def test_filled_table_forgets_what_it_held() -> None:
    table = curve.CurveTable()
    for low, high in ((-0.5, 0.0), (-0.9, -0.1), (-0.5, 0.0)):
        table.fill(low, high)
        np.testing.assert_array_equal(table.samples, fill_table(low, high))

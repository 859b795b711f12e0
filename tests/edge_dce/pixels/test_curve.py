import numpy as np
import pytest

from edge_dce.pixels import curve
from edge_dce.pixels.curve import CurveShape


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


@pytest.mark.parametrize("fields", [{"root": 3}, {"root": 2.0}, {"iterations": 0}, {"iterations": True}])
def test_shape_without_meaning_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        CurveShape(**fields)  # type: ignore[arg-type]


def test_formula_uses_several_maps_in_turn() -> None:
    image = np.full((2, 2, 3), 51, np.uint8)
    maps = np.concatenate([np.full((1, 1, 3), a, np.float32) for a in (-1.0, -0.5)], axis=2)
    # 0.2 → 0.36 → 0.4752, as in the test of the losses.
    assert curve.apply_exact(image, maps, shape=CurveShape(2))[0, 0, 0] == round(0.4752 * 255)


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

import numpy as np
import pytest

from edge_dce.errors import LookError
from edge_dce.pixels import curve
from edge_dce.pixels.look import Look, protect_highlights

RAMP = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
BRIGHTEN = np.full((1, 1, 3), -0.6, np.float32)


@pytest.mark.parametrize(
    "fields",
    [
        {"strength": -0.1},
        {"strength": 1.6},
        {"strength": float("nan")},
        {"max_brightness": 0.49},
        {"max_brightness": 1.01},
        {"denoise": -0.1},
        {"denoise": 1.1},
    ],
)
def test_value_out_of_its_range_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(LookError, match=f"expected a {next(iter(fields))} from"):
        Look(**fields)


def test_nothing_is_brightened_beyond_the_limit_and_brighter_input_stays() -> None:
    enhanced = curve.apply_exact(RAMP, BRIGHTEN, look=Look(max_brightness=0.7))[0, :, 0].astype(int)
    limit = round(0.7 * 255)
    assert enhanced[:limit].max() <= limit
    np.testing.assert_array_equal(enhanced[limit + 1 :], np.arange(limit + 1, 256))


def test_shoulder_keeps_the_order_of_values_and_the_shadows() -> None:
    limited = curve.apply_exact(RAMP, BRIGHTEN, look=Look(max_brightness=0.8))[0, :, 0].astype(int)
    free = curve.apply_exact(RAMP, BRIGHTEN)[0, :, 0].astype(int)
    assert (np.diff(limited) >= 0).all()
    # The shoulder starts at 2 · 0.8 - 1.
    np.testing.assert_array_equal(limited[free < 0.6 * 255], free[free < 0.6 * 255])


def test_shoulder_equals_hand_computed_values() -> None:
    # m = 0.75: knee 0.5; 0.7 - 0.2² / 1 = 0.66; 1 - 0.5² / 1 = 0.75.
    y = np.array([0.4, 0.7, 1.0], np.float32)
    protect_highlights(y, np.zeros(3, np.float32), 0.75)
    np.testing.assert_allclose(y, [0.4, 0.66, 0.75], atol=1e-6)


def test_what_a_network_darkens_on_purpose_stays_dark() -> None:
    y = np.array([0.6], np.float32)
    protect_highlights(y, np.array([0.9], np.float32), 0.5)
    assert y[0] == np.float32(0.6)

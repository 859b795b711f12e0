"""A camera sees what lies in its direction."""

import dataclasses

import numpy as np
import pytest

from training.panoramas.camera import Camera, cut_view, draw_camera

from .made_panorama import make_panorama

AHEAD = Camera(yaw=0, pitch=0, roll=0, field_of_view=60, size=(33, 21))


def make_ramps() -> np.ndarray:
    """Red is the longitude, green the latitude from the top, both in degrees."""
    panorama = np.ones((90, 180, 3), np.float32)
    panorama[..., 0] = (np.arange(180) + 0.5) * 2
    panorama[..., 1] = ((np.arange(90) + 0.5) * 2)[:, np.newaxis]
    return panorama


# Between two pixels of 2 degrees the logarithm is interpolated: off by less than a tenth of a degree far from 0.
CLOSE = 0.1


@pytest.mark.parametrize(
    ("yaw", "pitch", "longitude", "latitude"), [(0, 0, 180, 90), (90, 0, 270, 90), (-90, 0, 90, 90), (0, 20, 180, 70)]
)
def test_the_middle_lies_where_the_camera_looks(yaw: float, pitch: float, longitude: float, latitude: float) -> None:
    view = cut_view(make_ramps(), dataclasses.replace(AHEAD, yaw=yaw, pitch=pitch))
    assert view[10, 16, :2].tolist() == pytest.approx([longitude, latitude], abs=CLOSE)


def test_the_field_of_view_is_that_of_the_longer_side() -> None:
    view = cut_view(make_ramps(), AHEAD)
    # Outer pixels' centers lie half a pixel inside: 16 of 16.5 half widths.
    inside = np.degrees(np.arctan(np.tan(np.radians(30)) * 16 / 16.5))
    assert view[10, -1, 0] - view[10, 0, 0] == pytest.approx(2 * inside, abs=2 * CLOSE)


def test_a_clockwise_camera_sees_the_horizon_turn_counterclockwise() -> None:
    view = cut_view(make_ramps(), dataclasses.replace(AHEAD, roll=10))
    assert view[10, -1, 1] > view[10, 0, 1] + 5


def test_the_panorama_closes_behind() -> None:
    panorama = make_panorama()
    turned = np.roll(panorama, 64, axis=1)
    behind = cut_view(turned, dataclasses.replace(AHEAD, yaw=180))
    # The same samples, with weights that differ by what float32 makes of the angle: 1e-6 of a turn, on edges of e^8.
    assert np.abs(np.log(behind / cut_view(panorama, AHEAD))).max() < 1e-3


def test_drawn_cameras_stand_upright_or_lie() -> None:
    random = np.random.default_rng(1)
    cameras = [draw_camera(random, (60, 40)) for _ in range(100)]
    assert {camera.size for camera in cameras} == {(60, 40), (40, 60)}
    assert all(40 <= camera.field_of_view <= 90 and abs(camera.pitch) <= 25 for camera in cameras)

"""The camera app without its window: what the session, the estimation thread and the darkroom do."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from apps.camera.device import Folders
from apps.camera.diagnostics import Diagnostics, RateMeter
from apps.camera.histogram import measure_histogram
from apps.camera.models import list_models
from apps.camera.preferences import Preferences, read_preferences, write_preferences
from apps.camera.session import LIVE, LOST, NO_CAMERA, PAUSED, Session
from apps.camera.shots.capture import Album, name_by_time, take_photo
from apps.camera.shots.feedback import Answer, FeedbackError, FeedbackLog, suggest_strength
from apps.camera.shots.gallery import list_shots
from apps.camera.thermal import ThermalGovernor
from apps.camera.view.framing import View, frame_picture, limit_view, locate, zoom_about
from apps.camera.view.icons import ICONS
from edge_dce.camera import Frame
from edge_dce.cli import main
from edge_dce.errors import CameraError, ModelError
from edge_dce.files.pictures import read_picture
from edge_dce.models.catalog import bundled_models
from edge_dce.models.contracts import TONE
from edge_dce.pixels import tone
from edge_dce.pixels.curve_table import LookUp
from edge_dce.pixels.look import Look
from tests.apps.camera.slow_model import open_slow
from tests.edge_dce.camera.plugged_camera import Plug, make_night


def wait_until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not within {timeout_s} s"
        time.sleep(0.01)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "pictures", tmp_path / "private")


@pytest.fixture
def plug() -> Plug:
    return Plug(make_night())


@pytest.fixture
def session(folders: Folders, plug: Plug) -> Iterator[Session]:
    session = Session(folders, open_camera=plug.open, read_temperature_c=lambda: None)
    yield session
    session.close()


TONE_MODEL = Path(__file__).resolve().parents[2] / "models/tiny-tone-16x16-int8.tflite"


def open_and_wait(session: Session) -> Frame:
    session.open()
    wait_until(lambda: session.status.state == LIVE and session.curves() is not None)
    frames: list[Frame] = []
    wait_until(lambda: frames.append(frame) or True if (frame := session.next_frame()) else False)
    return frames[0]


# The live view.


def test_frames_and_curves_arrive(session: Session, plug: Plug) -> None:
    frame = open_and_wait(session)
    assert np.array_equal(frame.image, plug.image)
    wait_until(lambda: session.curves()[0].any())
    assert session.curves()[0].shape == (tone.COUNT,)
    assert session.curves()[2] == TONE.name


def test_maps_of_curves_arrive_with_their_root(session: Session) -> None:
    open_and_wait(session)
    session.change(model="zero-dce-scene-256x256-int8")
    wait_until(lambda: session.curves() is not None and session.curves()[0].shape == (64, 64, 3))
    assert session.curves()[0].min() < 0
    assert session.curves()[1] == 4


def test_each_frame_is_returned_once(session: Session, plug: Plug) -> None:
    first = open_and_wait(session)
    plug.fps = 1
    found = [frame.sequence for frame in (session.next_frame() for _ in range(20)) if frame]
    assert found == sorted(set(found))
    assert first.sequence not in found


def test_slow_network_does_not_hold_up_frames(folders: Folders, plug: Plug) -> None:
    session = Session(folders, open_camera=plug.open, open_model=open_slow, read_temperature_c=lambda: None)
    open_and_wait(session)
    longest_s, seen, end = 0.0, 0, time.monotonic() + 1.5
    while time.monotonic() < end:
        start = time.monotonic()
        seen += session.next_frame() is not None
        session.curves()
        longest_s = max(longest_s, time.monotonic() - start)
        time.sleep(0.002)
    session.close()
    # A call that waited for the network would take most of a second; a busy machine delays one by far less.
    assert longest_s < 0.5
    assert seen > 5


def test_unplugged_camera_is_told_and_comes_back(session: Session, plug: Plug) -> None:
    open_and_wait(session)
    plug.is_in = False
    wait_until(lambda: session.status.state == LOST)
    assert "trying again" in session.status.message
    plug.is_in = True
    wait_until(lambda: session.status.state == LIVE)
    wait_until(lambda: session.next_frame() is not None)
    assert plug.opened == 2


def test_missing_camera_is_told(session: Session, plug: Plug) -> None:
    plug.is_in = False
    session.open()
    wait_until(lambda: session.status.state == NO_CAMERA)
    assert session.status.message == "fake: not plugged in"
    with pytest.raises(CameraError, match="photo not taken: the camera delivers no picture"):
        session.take_photo().result()
    with pytest.raises(CameraError, match="video not saved: the camera delivers no picture"):
        session.start_recording()


def test_pause_frees_the_camera_and_open_takes_it_again(session: Session, plug: Plug) -> None:
    others = set(threading.enumerate())
    open_and_wait(session)
    session.pause()
    wait_until(lambda: session.status.state == PAUSED)
    assert session.next_frame() is None
    left = {thread.name for thread in set(threading.enumerate()) - others}
    assert not left & {"camera", "estimation"}
    open_and_wait(session)
    assert plug.opened == 2


def test_model_that_cannot_be_opened_is_told_and_the_view_goes_on(folders: Folders, plug: Plug) -> None:
    def refuse(name: str) -> edge_dce.Enhancer:
        raise ModelError("no such model")

    session = Session(folders, open_camera=plug.open, open_model=refuse, read_temperature_c=lambda: None)
    session.open()
    wait_until(lambda: session.model_error)
    wait_until(lambda: session.next_frame() is not None)
    session.close()
    assert session.model_error == "no such model"


def test_another_model_takes_over(session: Session) -> None:
    open_and_wait(session)
    session.change(model="zero-dce-pp-128x128-int8")
    wait_until(lambda: session.curves()[0].shape == (128, 128, 3))


def test_model_of_a_tone_takes_over(session: Session, plug: Plug) -> None:
    open_and_wait(session)
    session.change(model=str(TONE_MODEL))
    wait_until(lambda: session.curves()[2] == "tone" and session.curves()[0].any())
    assert session.curves()[0].shape == (103,)
    wait_until(lambda: session.read_histogram() is not None)
    photo = session.take_photo().result()
    assert photo.brightness_after > 1.5 * photo.brightness_before


def test_warm_device_gets_fewer_maps(folders: Folders, plug: Plug) -> None:
    session = Session(folders, open_camera=plug.open, read_temperature_c=lambda: 78.0)
    session.watch_temperature()
    open_and_wait(session)
    diagnostics = session.read_diagnostics()
    session.close()
    assert (diagnostics.temperature_c, diagnostics.interval_s) == (78.0, 0.5)
    assert "78 °C" in diagnostics.format()
    assert "too warm: network every 0.5 s" in diagnostics.format()


def test_governor_steps_down_at_once_and_up_with_hysteresis() -> None:
    governor = ThermalGovernor()
    readings = (60, 71, 76, 74, 72, 69, 67, None)
    assert [governor.update(reading) for reading in readings] == [0, 0.2, 0.5, 0.5, 0.2, 0.2, 0, 0]


def test_rate_is_that_of_the_last_two_seconds() -> None:
    times = iter([*np.arange(0, 1, 0.1), 0.95])
    meter = RateMeter(clock=lambda: next(times))
    for _ in range(10):
        meter.tick()
    assert meter.read_hz() == pytest.approx(10)
    assert RateMeter().read_hz() == 0


def test_diagnostics_leave_out_what_is_not_known() -> None:
    line = Diagnostics(30, 15, 20, 3, None, 0).format()
    assert "°C" not in line
    assert "warm" not in line


def test_histogram_moves_right_with_strength() -> None:
    image = make_night()
    curves = np.full((1, 1, 3), -0.3, np.float32)

    def find_middle(strength: float) -> float:
        heights = measure_histogram(image, curves, LookUp(), strength)
        assert heights.max() == 1
        return float((heights * np.arange(64)).sum() / heights.sum())

    assert find_middle(0) < find_middle(0.5) < find_middle(1)


# Photos.


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_photo_is_what_the_command_makes_of_its_original(
    order: str, folders: Folders, plug: Plug, tmp_path: Path
) -> None:
    plug.channel_order = order
    session = Session(folders, open_camera=plug.open, read_temperature_c=lambda: None)
    session.change(keeps_original=True, strength=0.8)
    open_and_wait(session)
    photo = session.take_photo().result()
    session.close()
    original = read_picture(photo.original).image
    assert np.array_equal(original, plug.image if order == "RGB" else plug.image[..., ::-1])
    again = tmp_path / "again.jpg"
    assert main(["enhance", str(photo.original), "-o", str(again), "--strength", "0.8"]) == 0
    assert again.read_bytes() == photo.path.read_bytes()


def test_noise_is_taken_out_of_photos_unless_it_is_switched_off(session: Session) -> None:
    open_and_wait(session)
    roughness = []
    for is_on in (True, False):
        session.change(is_denoising=is_on)
        photo = read_picture(session.take_photo().result().path).image
        roughness.append(np.abs(np.diff(photo.astype(float), axis=1)).mean())
    assert roughness[0] < 0.7 * roughness[1]


def test_noise_of_the_frames_is_measured(session: Session, plug: Plug) -> None:
    open_and_wait(session)
    wait_until(lambda: session.noise() is not None)
    # The scene's noise of 3 levels in each channel makes 2 in luma.
    assert session.noise().luma[12] == pytest.approx(2, abs=0.5)
    assert session.noise() is session.noise()


def test_black_sky_around_a_lamp_has_a_toe(session: Session, plug: Plug) -> None:
    open_and_wait(session)
    wait_until(lambda: session.noise() is not None)
    lamp = np.zeros_like(plug.image)
    lamp[60:140, 60:140] = 220
    plug.image = lamp
    # It comes within a second of a view that asks for each frame's curves: nothing is estimated that nobody shows.
    wait_until(lambda: session.curves() and session.toe() is not None and session.toe().surroundings.min() == 0)
    assert session.toe().surroundings.max() == 255


def test_another_camera_or_model_begins_another_stream(session: Session) -> None:
    open_and_wait(session)
    before = session.streams
    session.change(model=next(path.stem for path in bundled_models() if "-pp-" in path.stem))
    wait_until(lambda: session.streams > before)
    before = session.streams
    session.change(camera="usb:1")
    wait_until(lambda: session.streams > before)


def test_photo_carries_time_and_orientation(session: Session) -> None:
    from PIL import Image

    open_and_wait(session)
    photo = session.take_photo().result()
    with Image.open(photo.path) as opened:
        exif = opened.getexif()
    assert exif[0x0112] == 1
    taken = exif.get_ifd(0x8769)[0x9003]
    assert taken == exif[0x0132]
    assert photo.path.stem.startswith(taken.replace(":", "-").replace(" ", "_"))


def test_photos_of_one_second_get_names_of_their_own(tmp_path: Path, plug: Plug) -> None:
    import datetime

    enhancer, album = edge_dce.load(), Album(tmp_path / "a", tmp_path / "b")
    frame, taken = Frame(plug.image, "RGB", 0, 0), datetime.datetime(2026, 11, 22, 21, 5, 9)
    photos = [take_photo([frame], enhancer, Look(), album, taken=taken) for _ in range(3)]
    names = ["2026-11-22_21-05-09.jpg", "2026-11-22_21-05-09_2.jpg", "2026-11-22_21-05-09_3.jpg"]
    assert [photo.path.name for photo in photos] == names
    assert name_by_time(taken, 2) == "2026-11-22_21-05-09_2"
    assert not list(album.pictures.glob(".unfinished*"))


def test_photo_tells_its_brightness_before_and_after(session: Session, plug: Plug) -> None:
    open_and_wait(session)
    photo = session.take_photo().result()
    assert photo.brightness_before == pytest.approx(plug.image.mean() / 255)
    assert photo.brightness_after > 2 * photo.brightness_before


def test_gallery_shows_the_newest_first_with_before_and_thumbnail(session: Session) -> None:
    assert list_shots(session.album) == []
    open_and_wait(session)
    photos = [session.take_photo().result() for _ in range(2)]
    (session.album.pictures / "2020-01-01_00-00-00.mp4").touch()
    shots = list_shots(session.album)
    assert [shot.path for shot in shots[:2]] == sorted((photo.path for photo in photos), reverse=True)
    assert shots[-1].is_video
    for shot in shots[:2]:
        assert read_picture(shot.before).image.mean() < read_picture(shot.thumbnail).image.mean()


def test_burst_takes_the_frames_that_are_set(session: Session) -> None:
    open_and_wait(session)
    session.change(mode="burst", burst_frames=4)
    assert session.take_photo().result().frames == 4


def test_photo_into_a_folder_that_cannot_be_made_is_an_error(session: Session, folders: Folders) -> None:
    folders.pictures.write_text("in the way")
    open_and_wait(session)
    with pytest.raises(edge_dce.OutputError, match="this folder cannot be created"):
        session.take_photo().result()


# What is kept.


def test_settings_survive_a_restart(folders: Folders, plug: Plug) -> None:
    session = Session(folders, open_camera=plug.open)
    session.change(strength=0.7, mode="burst", is_split=True)
    session.close()
    again = Session(folders, open_camera=plug.open)
    again.close()
    assert (again.preferences.strength, again.preferences.mode, again.preferences.is_split) == (0.7, "burst", True)


def test_settings_are_written_when_they_are_saved(session: Session, folders: Folders) -> None:
    for percent in range(50):
        session.change(strength=percent / 100)
    assert not folders.settings.exists()
    session.save()
    assert read_preferences(folders.settings).strength == 0.49


def test_settings_that_make_no_sense_are_as_in_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    stored = {"strength": 9, "mode": "x", "burst_frames": 5, "is_split": "yes", "old": 1, "model": 3, "camera": "usb:1"}
    path.write_text(json.dumps(stored))
    assert read_preferences(path) == dataclasses.replace(Preferences(), burst_frames=5, camera="usb:1")
    for text in ("", "[]", "{"):
        path.write_text(text)
        assert read_preferences(path) == Preferences()
    assert read_preferences(tmp_path / "missing.json") == Preferences()


def test_every_setting_is_kept(tmp_path: Path) -> None:
    preferences = Preferences("usb:1", "m", 0.5, "video", 8, False, True, True, True, True, True)
    write_preferences(preferences, tmp_path / "new" / "settings.json")
    assert read_preferences(tmp_path / "new" / "settings.json") == preferences


def make_answer(verdict: str, strength: float = 1.0) -> Answer:
    return Answer(verdict, strength, 0.1, 0.4, "zero-dce-scene-256x256-int8", "2026-11-22T21:05:09+01:00")


def test_answers_move_the_default_strength() -> None:
    assert suggest_strength([]) == 1
    assert suggest_strength([make_answer("right")] * 5) == 1
    brighter = [suggest_strength([make_answer("brighter")] * count) for count in (1, 2, 10)]
    assert 1 < brighter[0] < brighter[1] < brighter[2] <= 1.15
    assert suggest_strength([make_answer("darker")]) < 1
    assert suggest_strength([make_answer("brighter", 1.5)] * 50) == 1.5
    assert suggest_strength([make_answer("darker", 0.1)] * 50) == 0.2


def test_answer_sets_the_strength_of_the_next_photo(session: Session) -> None:
    open_and_wait(session)
    photo = session.take_photo().result()
    session.answer(photo, "darker")
    assert session.strength == session.default_strength < 1
    session.change(strength=1.2)
    assert session.strength == 1.2


def test_answers_survive_and_are_exported(session: Session, folders: Folders) -> None:
    open_and_wait(session)
    session.answer(session.take_photo().result(), "brighter")
    exported = json.loads(session.export_feedback().read_text())
    assert exported["schema"] == 1
    assert [answer["verdict"] for answer in exported["answers"]] == ["brighter"]
    assert FeedbackLog(folders.feedback).answers == session.feedback.answers


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2, "answers": []}', '{"schema": 1, "answers": [{"x": 1}]}'])
def test_damaged_answers_are_told_and_put_aside(text: str, folders: Folders) -> None:
    folders.private.mkdir()
    folders.feedback.write_text(text)
    with pytest.raises(FeedbackError, match="move it away"):
        FeedbackLog(folders.feedback)
    session = Session(folders)
    session.close()
    assert session.feedback.answers == []
    assert folders.feedback.with_suffix(".damaged.json").read_text() == text


def test_models_of_a_folder_can_be_picked(tmp_path: Path) -> None:
    (tmp_path / "own.tflite").touch()
    bundled = list_models(tmp_path / "missing")
    assert edge_dce.DEFAULT_MODEL in bundled
    assert list_models(tmp_path) == [*bundled, str(tmp_path / "own.tflite")]


# Where things are on the screen.


def test_whole_frame_fits_in_the_middle() -> None:
    framing = frame_picture((400, 400), (200, 100), View())
    assert (framing.x, framing.y, framing.width, framing.height) == (0, 100, 400, 200)
    assert (framing.left, framing.top, framing.right, framing.bottom) == (0, 0, 1, 1)


def test_filling_cuts_what_sticks_out() -> None:
    framing = frame_picture((400, 400), (200, 100), View(is_filling=True))
    assert (framing.x, framing.y, framing.width, framing.height) == (0, 0, 400, 400)
    assert (framing.left, framing.right) == (0.25, 0.75)


@pytest.mark.parametrize("point", [(200, 200), (60, 150), (399, 101)])
def test_zoom_keeps_what_is_under_the_fingers(point: tuple[float, float]) -> None:
    area, frame = (400, 400), (200, 100)
    start = View(zoom=2.5)
    zoomed = zoom_about(area, frame, start, 1.6, point)
    assert zoomed.zoom == pytest.approx(4)
    before, after = (locate(frame_picture(area, frame, view), point) for view in (start, zoomed))
    assert after == pytest.approx(before)


def test_zoom_has_limits_and_shows_no_emptiness() -> None:
    area, frame = (400, 300), (400, 300)
    assert limit_view(area, frame, View(zoom=0.2, center=(0.1, 0.9))) == View()
    limited = limit_view(area, frame, View(zoom=100, center=(5, -5)))
    assert limited.zoom == 8
    assert limited.center == (pytest.approx(1 - 1 / 16), pytest.approx(1 / 16))


def test_every_icon_stays_on_its_grid() -> None:
    for name, strokes in ICONS.items():
        for stroke in strokes:
            values = getattr(stroke, "points", None) or (stroke.x - stroke.radius, stroke.y + stroke.radius)
            assert all(0 <= value <= 24 for value in values), name

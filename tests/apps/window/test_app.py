"""The app as a person uses it: the real window, real fingers, a camera that can be unplugged."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.tests.common import UnitTestTouch

import edge_dce
from apps.camera.device import Folders
from apps.camera.session import LIVE, NO_CAMERA, PAUSED
from apps.camera.view.app import CameraApp
from apps.camera.view.settings_view import Choice
from edge_dce.cli import main
from edge_dce.files.pictures import read_picture
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import bundled_models, find_model
from tests.apps.camera.slow_model import open_slow
from tests.apps.window.conftest import pump, pump_until
from tests.apps.window.fingers import drag, tap
from tests.edge_dce.camera.plugged_camera import Plug, make_night

LANDSCAPE, PORTRAIT = (900, 600), (400, 800)


@pytest.fixture
def plug() -> Plug:
    return Plug(make_night())


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "pictures", tmp_path / "private")


def start(folders: Folders, plug: Plug, size: tuple[int, int] = LANDSCAPE, **options) -> CameraApp:
    Window.size = size
    app = CameraApp(folders, **{"open_camera": plug.open, "read_temperature_c": lambda: None, **options})
    app.load_kv()
    app.root = app.build()
    Window.add_widget(app.root)
    app.dispatch("on_start")
    pump(3)
    return app


def end(app: CameraApp) -> None:
    Window.remove_widget(app.root)
    app.dispatch("on_stop")


@pytest.fixture
def app(folders: Folders, plug: Plug) -> Iterator[CameraApp]:
    app = start(folders, plug)
    yield app
    end(app)


def wait_for_enhanced(app: CameraApp) -> None:
    pump_until(lambda: app.root.ids.preview.frame_size and app.root.ids.preview._estimate.any())


def read_pixels(widget) -> np.ndarray:
    texture = widget.export_as_image().texture
    return np.frombuffer(texture.pixels, np.uint8).reshape(texture.height, texture.width, 4)[..., :3]


def find_button(root, text: str):
    return next(widget for widget in root.walk() if getattr(widget, "text", None) == text)


# The live view.


def test_first_frame_is_enhanced(app: CameraApp, plug: Plug) -> None:
    wait_for_enhanced(app)
    pump_until(lambda: read_pixels(app.root.ids.preview).mean() > 2 * plug.image.mean())
    app.root._tell()
    assert app.root.banner == ""


def test_slow_network_leaves_the_view_at_full_rate(folders: Folders, plug: Plug) -> None:
    app = start(folders, plug, open_model=open_slow)
    pump_until(lambda: app.root.ids.preview.frame_size)
    longest_s, end_s = 0.0, time.monotonic() + 2.5
    while time.monotonic() < end_s:
        before_s = time.monotonic()
        pump()
        longest_s = max(longest_s, time.monotonic() - before_s)
    diagnostics = app.session.read_diagnostics()
    end(app)
    # Had one turn of the loop waited for the network, it would have taken most of a second.
    assert longest_s < 0.7
    assert diagnostics.view_fps > 3 * max(diagnostics.map_fps, 1)


def test_nothing_is_drawn_while_nothing_changes(app: CameraApp, plug: Plug) -> None:
    wait_for_enhanced(app)
    plug.is_in = False
    time.sleep(0.2)
    pump(20)
    drawn = []
    Window.bind(on_draw=lambda *_: drawn.append(1))
    # Two turns of what is told about the lost camera may draw.
    pump(200)
    assert len(drawn) < 20


def test_unplugged_camera_is_told_and_comes_back(app: CameraApp, plug: Plug) -> None:
    wait_for_enhanced(app)
    plug.is_in = False
    pump_until(lambda: app.root.banner == "The camera was disconnected")
    assert "trying again" in app.root.banner_detail
    assert not app.root.offers_synthetic
    plug.is_in = True
    pump_until(lambda: app.root.banner == "")


def test_without_a_camera_the_night_scene_is_offered(folders: Folders, plug: Plug) -> None:
    def open_camera(source, size):
        return edge_dce.camera.open_source(source, size=(160, 120)) if source == "synthetic" else plug.open()

    plug.is_in = False
    app = start(folders, plug, open_camera=open_camera)
    pump_until(lambda: app.root.offers_synthetic)
    assert app.session.status.state == NO_CAMERA
    tap(find_button(app.root, "Show a night scene"))
    pump_until(lambda: app.root.ids.preview.frame_size == (160, 120))
    pump_until(lambda: app.root.banner == "")
    assert app.session.preferences.camera == "synthetic"
    end(app)


def test_background_frees_the_camera(app: CameraApp, plug: Plug) -> None:
    wait_for_enhanced(app)
    assert app.dispatch("on_pause")
    pump_until(lambda: app.session.status.state == PAUSED)
    app.dispatch("on_resume")
    pump_until(lambda: app.session.status.state == LIVE)
    assert plug.opened == 2


# Fingers.


def test_line_follows_the_finger(app: CameraApp) -> None:
    wait_for_enhanced(app)
    preview = app.root.ids.preview
    tap(app.root.ids.split)
    assert preview.is_split
    framing = preview._frame_picture()
    y = preview.center_y + 40
    middle, quarter = (preview.x + framing.x + framing.width * share for share in (0.5, 0.25))
    drag((middle, y), (quarter, y))
    assert preview.split == pytest.approx(0.25)


def test_slider_sets_the_strength_and_a_double_tap_resets_it(app: CameraApp) -> None:
    wait_for_enhanced(app)
    slider, preview = app.root.ids.slider, app.root.ids.preview
    drag(slider.value_pos, (slider.x + slider.padding + 0.2 * (slider.width - 2 * slider.padding), slider.center_y))
    assert preview.strength == app.session.preferences.strength == pytest.approx(0.3, abs=0.02)
    tap(slider, twice=True)
    assert app.session.preferences.strength is None
    assert preview.strength == slider.value == 1


def test_holding_a_finger_on_the_picture_shows_it_before(app: CameraApp) -> None:
    wait_for_enhanced(app)
    preview = app.root.ids.preview
    finger = UnitTestTouch(*preview.center)
    finger.touch_down()
    pump_until(lambda: preview.is_comparing)
    finger.touch_up()
    pump()
    assert not preview.is_comparing


def test_two_fingers_zoom_and_one_moves(app: CameraApp) -> None:
    wait_for_enhanced(app)
    preview = app.root.ids.preview
    x, y = preview.center
    fingers = [UnitTestTouch(x - 40, y), UnitTestTouch(x + 40, y)]
    for finger in fingers:
        finger.touch_down()
    for finger, sign in zip(fingers, (-1, 1), strict=True):
        finger.touch_move(x + sign * 120, y)
    for finger in fingers:
        finger.touch_up()
    assert preview.view.zoom == pytest.approx(3)
    before = preview.view.center
    drag((x, y + 60), (x - 80, y + 60))
    assert preview.view.center[0] > before[0]
    tap(preview, twice=True)
    assert preview.view.zoom == 1


def test_turning_the_device_turns_the_layout(app: CameraApp) -> None:
    wait_for_enhanced(app)
    for size in (PORTRAIT, LANDSCAPE):
        Window.size = size
        pump_until(lambda size=size: app.root.size == list(size))
        pump(3)
        shutter, preview = app.root.ids.shutter, app.root.ids.preview
        assert app.root.is_portrait == (size == PORTRAIT)
        assert not shutter.collide_widget(preview)
        for name in ("settings", "split", "enhance", "histogram_button", "shutter", "last_shot", "switch", "slider"):
            widget = app.root.ids[name]
            left, bottom = widget.to_window(widget.x, widget.y)
            assert 0 <= left <= left + widget.width <= size[0], name
            assert 0 <= bottom <= bottom + widget.height <= size[1], name


# Photos.


def take_photo(app: CameraApp) -> Path:
    before = app.root.last_photo
    tap(app.root.ids.shutter)
    pump_until(lambda: app.root.last_photo is not before)
    return app.root.last_photo.path


def test_photo_is_what_the_command_makes(app: CameraApp, plug: Plug, tmp_path: Path) -> None:
    wait_for_enhanced(app)
    tap(app.root.ids.settings)
    find_choice(app, "Keep the original beside each photo (PNG)")
    path = take_photo_after_settings(app)
    original = path.with_name(f"{path.stem}-original.png")
    assert np.array_equal(read_picture(original).image, plug.image)
    assert main(["enhance", str(original), "-o", str(tmp_path / "again.jpg")]) == 0
    assert (tmp_path / "again.jpg").read_bytes() == path.read_bytes()


def find_choice(app: CameraApp, text: str) -> None:
    row = next(widget for widget in app.root.walk() if isinstance(widget, Choice) and widget.text == text)
    app.root._overlay.ids.scroll.scroll_to(row, animate=False)
    pump(3)
    tap(row)


def take_photo_after_settings(app: CameraApp) -> Path:
    assert app.root.close_overlay()
    pump()
    return take_photo(app)


def test_answer_about_a_photo_moves_the_default(app: CameraApp) -> None:
    wait_for_enhanced(app)
    take_photo(app)
    assert app.root.is_asking
    tap(find_button(app.root, "Brighter"))
    assert not app.root.is_asking
    assert app.root.strength > 1
    assert app.root.is_strength_default


def test_answers_are_exported_from_the_settings(app: CameraApp, folders: Folders) -> None:
    wait_for_enhanced(app)
    take_photo(app)
    app.root.answer("right")
    app.root.show_settings()
    pump()
    find_choice(app, "Export")
    exported = list(folders.pictures.glob("feedback-*.json"))
    assert [answer["verdict"] for answer in json.loads(exported[0].read_text())["answers"]] == ["right"]


def test_gallery_shows_before_and_after(app: CameraApp) -> None:
    wait_for_enhanced(app)
    take_photo(app)
    tap(app.root.ids.last_shot)
    view = app.root._overlay
    pump_until(lambda: len(view.ids.picture._textures) == 2)
    pixels = read_pixels(view.ids.picture)
    middle = pixels.shape[1] // 2
    assert pixels[:, middle + 30 :].mean() > 1.5 * pixels[:, : middle - 30].mean()
    left, y = view.ids.picture.x, view.ids.picture.center_y
    drag((view.ids.picture.center_x, y), (left + 5, y))
    assert view.ids.picture.split < 0.1
    assert app.root.close_overlay()


def test_photo_that_cannot_be_saved_is_told(app: CameraApp, folders: Folders) -> None:
    folders.pictures.write_text("in the way")
    wait_for_enhanced(app)
    tap(app.root.ids.shutter)
    pump_until(lambda: not app.root.is_busy)
    assert "this folder cannot be created" in app.root.ids.toast.text


def test_video_is_recorded(app: CameraApp) -> None:
    import av

    wait_for_enhanced(app)
    tap(find_button(app.root, "VIDEO"))
    tap(app.root.ids.shutter)
    assert app.root.is_recording
    pump_until(lambda: app.session._recorder.frames >= 10)
    tap(app.root.ids.shutter)
    pump_until(lambda: app.root.ids.toast.text.endswith(".mp4"))
    paths = list(app.session.album.pictures.iterdir())
    assert [path.suffix for path in paths] == [".mp4"]
    with av.open(str(paths[0])) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) >= 10
    assert frames[-1].shape == (240, 320, 3)
    assert frames[-1].mean() > 2 * make_night().mean()


def test_recording_ends_with_the_camera_and_is_saved(app: CameraApp) -> None:
    wait_for_enhanced(app)
    app.root.mode = "video"
    app.root.press_shutter()
    pump_until(lambda: app.session._recorder.frames >= 3)
    app.root.switch_camera()
    pump_until(lambda: not app.root.is_recording)
    pump_until(lambda: app.root.ids.toast.text.endswith(".mp4"))
    assert len(list(app.session.album.pictures.glob("*.mp4"))) == 1


# What is kept.


def test_settings_persist(folders: Folders, plug: Plug) -> None:
    app = start(folders, plug)
    wait_for_enhanced(app)
    tap(find_button(app.root, "BURST"))
    tap(app.root.ids.split)
    app.root.set_strength(0.6)
    end(app)
    again = start(folders, plug)
    assert (again.root.mode, again.root.ids.preview.is_split, again.root.ids.slider.value) == ("burst", True, 0.6)
    end(again)


def test_another_model_is_picked(app: CameraApp) -> None:
    wait_for_enhanced(app)
    name = next(path.stem for path in bundled_models() if "-pp-" in path.stem)
    height = read_model_file(find_model(name)).card.output.shape[1]
    assert app.root.ids.preview._estimate.shape[0] != height
    app.root.show_settings()
    pump()
    find_choice(app, name)
    pump_until(lambda: app.root.ids.preview._estimate.shape[0] == height)


def test_noise_is_filtered_until_it_is_switched_off(folders: Folders, plug: Plug) -> None:
    app = start(folders, plug)
    wait_for_enhanced(app)
    preview = app.root.ids.preview
    pump_until(lambda: preview._filter is not None and preview._noise is not None)
    app.root.show_settings()
    pump()
    find_choice(app, "Take noise away")
    assert not preview.is_denoising
    assert preview._filter is None
    end(app)
    again = start(folders, plug)
    assert not again.root.ids.preview.is_denoising
    end(again)


def test_overlays_of_the_view_can_be_turned_on(app: CameraApp) -> None:
    wait_for_enhanced(app)
    tap(app.root.ids.histogram_button)
    app.root.toggle("shows_diagnostics")
    pump_until(lambda: "view" in app.root.diagnostics)
    pump_until(lambda: app.root.ids.histogram.canvas.after.length() > 0)
    app.root.toggle("shows_diagnostics")
    pump_until(lambda: app.root.diagnostics == "")


def test_keys(app: CameraApp) -> None:
    wait_for_enhanced(app)
    app.root.show_settings()
    Window.dispatch("on_key_down", 27, 0, None, [])
    assert app.root._overlay is None
    Window.dispatch("on_key_down", ord(" "), 0, " ", [])
    pump_until(lambda: app.root.last_photo)


def test_stopping_leaves_no_thread_and_no_event(folders: Folders, plug: Plug) -> None:
    import threading

    others = set(threading.enumerate())
    app = start(folders, plug)
    wait_for_enhanced(app)
    end(app)
    names = {thread.name for thread in set(threading.enumerate()) - others}
    assert not [name for name in names if name.startswith(("camera", "estimation", "recording", "opening", "photos"))]
    assert app.root._tick not in [event.get_callback() for event in Clock.get_events()]

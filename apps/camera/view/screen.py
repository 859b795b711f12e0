"""The whole screen: what each control does, and what is told when."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kivy.clock import Clock, mainthread
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.floatlayout import FloatLayout

from edge_dce.camera.sources import SYNTHETIC, find_camera, next_camera
from edge_dce.errors import EdgeDceError
from edge_dce.models.contracts import TONE

from ..preferences import BURST, VIDEO
from ..session import LIVE, LOST, NO_CAMERA, OPENING, Session
from ..shots.capture import Photo
from ..shots.gallery import list_shots
from ..shots.recording import can_record
from . import texts
from .gallery_view import GalleryView
from .settings_view import SettingsView

_ASK_S = 8.0
_TELL_S = 0.5
_WATCH_S = 3.0
_HISTOGRAM_S = 0.2


class CameraScreen(FloatLayout):
    """What a person sees and touches.

    Attributes:
        is_portrait: higher than wide.
        panel, bar: thickness of the part with the shutter, and of the bar with the tools.
        inset_x, inset_y: where overlays begin in the live view, beside the tools.
        strength: of the enhancement.
        is_strength_default: it follows the answers about photos.
        mode: what the shutter does.
        banner: what is wrong, or "".
        banner_detail: why, in a line.
        offers_synthetic: there is no camera, so the banner has buttons.
        diagnostics: the line that tells of rates and temperature, or "".
        is_busy: photos are being made.
        is_asking: the last photo may be judged.
        has_torch: the camera has a light.
    """

    is_portrait = BooleanProperty(False)
    panel = NumericProperty(0)
    bar = NumericProperty(0)
    inset_x = NumericProperty(0)
    inset_y = NumericProperty(0)
    strength = NumericProperty(1.0)
    is_strength_default = BooleanProperty(True)
    mode = StringProperty("photo")
    banner = StringProperty("")
    banner_detail = StringProperty("")
    offers_synthetic = BooleanProperty(False)
    diagnostics = StringProperty("")
    recorded = StringProperty("")
    is_busy = BooleanProperty(False)
    is_asking = BooleanProperty(False)
    is_recording = BooleanProperty(False)
    has_torch = BooleanProperty(False)
    is_torch_on = BooleanProperty(False)
    shows_histogram = BooleanProperty(False)

    def __init__(self, session: Session, **properties: Any) -> None:
        self.session = session
        super().__init__(**properties)
        self.last_photo: Photo | None = None
        self._overlay: GalleryView | SettingsView | None = None
        self._recording_since_s = 0.0
        self._streams = 0
        self._stop_asking = Clock.create_trigger(lambda *_: setattr(self, "is_asking", False), _ASK_S)
        self.bind(size=self._turn, mode=lambda _, mode: self._change(mode=mode))
        self._turn()
        self._follow_preferences()
        self._show_last_shot()
        self._events = [
            Clock.schedule_interval(self._tick, 0),
            Clock.schedule_interval(self._tell, _TELL_S),
            Clock.schedule_interval(self._draw_histogram, _HISTOGRAM_S),
            Clock.schedule_interval(lambda *_: session.watch_temperature(), _WATCH_S),
        ]
        session.watch_temperature()

    def stop(self) -> None:
        """No more redraws."""
        for event in self._events:
            event.cancel()

    # Every frame, and now and then.

    def _tick(self, *_: object) -> None:
        frame = self.session.next_frame()
        if frame is None:
            return
        preview = self.ids.preview
        curves, noise = self.session.curves(), self.session.noise()
        if curves is not None:
            estimate, root, contract = curves
            if contract == TONE.name:
                preview.show_tone(estimate)
            else:
                preview.show_curves(estimate, root)
        preview.show_noise(noise)
        preview.show_toe(self.session.toe())
        if self._streams != self.session.streams:
            self._streams = self.session.streams
            preview.begin_anew()
        preview.show_frame(frame.image, frame.channel_order)

    def _tell(self, *_: object) -> None:
        status = self.session.status
        self.offers_synthetic = status.state == NO_CAMERA
        self.banner = {NO_CAMERA: texts.NO_CAMERA, LOST: texts.LOST, OPENING: texts.OPENING}.get(status.state, "")
        self.banner_detail = status.message
        if status.state == LIVE and self.session.model_error:
            self.banner, self.banner_detail = texts.NO_MODEL.format(reason=self.session.model_error), ""
        is_wanted = self.session.preferences.shows_diagnostics
        self.diagnostics = self.session.read_diagnostics().format() if is_wanted else ""
        self._try(self.session.save)
        if self.is_recording and not self.session.is_recording:
            self._toggle_recording()
        if self.is_recording:
            minutes, seconds = divmod(round(time.monotonic() - self._recording_since_s), 60)
            self.recorded = texts.RECORDING.format(minutes=minutes, seconds=seconds)

    def _draw_histogram(self, *_: object) -> None:
        if self.shows_histogram:
            self.ids.histogram.show(self.session.read_histogram())

    # Controls.

    def set_strength(self, value: float) -> None:
        self._change(strength=round(value, 2))

    def reset_strength(self) -> None:
        self._change(strength=None)

    def toggle(self, field: str) -> None:
        """Turn a setting on or off."""
        self._change(**{field: not getattr(self.session.preferences, field)})

    def switch_camera(self) -> None:
        self._change(camera=next_camera(self.session.preferences.camera).source)

    def show_synthetic(self) -> None:
        if self.session.preferences.camera == SYNTHETIC:
            self.session.open()
        self._change(camera=SYNTHETIC)

    def toggle_torch(self) -> None:
        self.is_torch_on = not self.is_torch_on
        self._try(lambda: self.session.set_torch(self.is_torch_on))

    def press_shutter(self) -> None:
        if self.mode == VIDEO:
            self._toggle_recording()
            return
        if self.is_busy:
            return
        self.is_busy, self.is_asking = True, False
        if self.mode == BURST:
            self.tell(texts.HOLDING_BURST)
        self.ids.flash.opacity = 0.9
        Clock.schedule_once(lambda *_: setattr(self.ids.flash, "opacity", 0), 0.08)
        self._await(self.session.take_photo(), self._show_photo)

    def answer(self, verdict: str) -> None:
        self.is_asking = False
        photo = self.last_photo
        if photo is not None:
            self._try(lambda: self.session.answer(photo, verdict))
            self.tell(texts.THANKS[verdict])
            self._follow_preferences()

    def tell(self, text: str) -> None:
        """Show a message for a while."""
        self.ids.toast.show(text)

    # Overlays.

    def show_gallery(self) -> None:
        view = GalleryView()
        view.show(list_shots(self.session.album))
        self._open_overlay(view)

    def show_settings(self) -> None:
        view = SettingsView(self.session)
        view.bind(on_change=lambda _, field, value: self._change(**{field: value}))
        view.bind(on_export=lambda *_: self._export())
        self._open_overlay(view)

    def close_overlay(self) -> bool:
        """Whether there was one."""
        overlay, self._overlay = self._overlay, None
        if overlay is None:
            return False
        self.remove_widget(overlay)
        return True

    def _open_overlay(self, view: GalleryView | SettingsView) -> None:
        self.close_overlay()
        view.bind(on_close=lambda *_: self.close_overlay())
        self._overlay = view
        self.add_widget(view)

    def _export(self) -> None:
        self.close_overlay()
        self._try(lambda: self.tell(texts.EXPORTED.format(name=self.session.export_feedback().name)))

    # What follows from it.

    def _change(self, **fields: Any) -> None:
        self._try(lambda: self.session.change(**fields))
        self._follow_preferences()

    def _follow_preferences(self) -> None:
        preferences = self.session.preferences
        self.mode = preferences.mode
        self.strength = self.session.strength
        self.is_strength_default = preferences.strength is None
        self.shows_histogram = preferences.shows_histogram
        camera = find_camera(preferences.camera)
        self.has_torch = camera.has_torch
        preview = self.ids.preview
        preview.strength, preview.is_split = self.strength, preferences.is_split
        preview.is_denoising = preferences.is_denoising
        preview.is_mirrored = camera.is_front != preferences.is_mirrored

    def _turn(self, *_: object) -> None:
        self.is_portrait = self.height > self.width

    def _toggle_recording(self) -> None:
        if self.is_recording:
            self.is_recording, self.recorded = False, ""
            self._await(self.session.stop_recording(), self._show_video)
        elif not can_record():
            self.tell(texts.NO_VIDEO)
        elif self._try(self.session.start_recording):
            self._recording_since_s = time.monotonic()
            self.is_recording = True

    def _await(self, future: concurrent.futures.Future[Any], show: Callable[[Any], None]) -> None:
        """Call `show` with the result, or tell the error, on Kivy's thread."""

        @mainthread
        def finish(done: concurrent.futures.Future[Any]) -> None:
            self.is_busy = False
            self._try(lambda: show(done.result()))

        future.add_done_callback(finish)

    def _show_photo(self, photo: Photo) -> None:
        self.last_photo = photo
        self.is_asking = True
        self._stop_asking.cancel()
        self._stop_asking()
        self.tell(texts.SAVED_PHOTO.format(name=photo.path.name))
        self._show_last_shot()

    def _show_video(self, path: Path) -> None:
        self.tell(texts.SAVED_VIDEO.format(name=path.name))
        self._show_last_shot()

    def _show_last_shot(self) -> None:
        shots = list_shots(self.session.album, 1)
        self.ids.last_shot.shot = shots[0] if shots else None

    def _try(self, act: Callable[[], object]) -> bool:
        """Whether it worked; if not, the person is told why."""
        try:
            act()
        except EdgeDceError as error:
            self.tell(str(error))
            return False
        return True

"""The settings: a sheet over the live view."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.label import Label

from edge_dce.camera.sources import AUTO, list_cameras

from ..models import list_models
from ..preferences import LEAST_BURST, MOST_BURST
from ..session import Session
from . import texts


class Heading(Label):
    """Begins a group of rows."""


class Note(Label):
    """Explains the rows above."""


class Choice(ButtonBehavior, BoxLayout):
    """One of several, or a switch of its own.

    Attributes:
        text: what it is.
        is_on: it is chosen.
    """

    text = StringProperty("")
    is_on = BooleanProperty(False)


class SettingsView(FloatLayout):
    """Made anew whenever it is shown, from what is set."""

    __events__ = ("on_close", "on_change", "on_export")
    sheet = NumericProperty(0)

    def __init__(self, session: Session, **properties: Any) -> None:
        super().__init__(**properties)
        self._session = session
        self._fill()

    def on_close(self) -> None:
        """Wants to be taken away."""

    def on_change(self, field: str, value: Any) -> None:
        """A person set a field."""

    def on_export(self) -> None:
        """A person wants the answers as a file."""

    def _fill(self) -> None:
        preferences = self._session.preferences
        folder = self._session.model_folder
        self._add_choices("model", texts.MODEL, {name: Path(name).stem for name in list_models(folder)})
        self._add(Note(text=texts.OWN_MODELS.format(folder=folder)))
        sources = [AUTO, *(camera.source for camera in list_cameras())]
        if preferences.camera not in sources:
            sources.append(preferences.camera)
        self._add_choices("camera", texts.CAMERA, {source: name_camera(source) for source in sources})
        self._add(Heading(text=texts.SETTINGS))
        for field, text in (
            ("is_denoising", texts.DENOISE),
            ("keeps_original", texts.KEEP_ORIGINAL),
            ("is_mirrored", texts.MIRROR),
            ("shows_histogram", texts.HISTOGRAM),
            ("shows_diagnostics", texts.DIAGNOSTICS),
        ):
            self._add_switch(field, text)
        counts = range(LEAST_BURST, MOST_BURST + 1, 2)
        self._add_choices("burst_frames", texts.BURST_FRAMES, {count: str(count) for count in counts})
        self._add(Heading(text=texts.FEEDBACK.format(count=len(self._session.feedback.answers))))
        self._add(Note(text=texts.FEEDBACK_PLACE))
        if self._session.feedback.answers:
            self._add_row(texts.EXPORT, is_on=False, act=lambda _: self.dispatch("on_export"))
        self._add(Note(text=texts.PLACE.format(folder=self._session.album.pictures)))

    def _add(self, widget: Any) -> None:
        self.ids.rows.add_widget(widget)

    def _add_row(self, text: str, *, is_on: bool, act: Callable[[Choice], None]) -> Choice:
        row = Choice(text=text, is_on=is_on)
        row.bind(on_release=act)
        self._add(row)
        return row

    def _add_switch(self, field: str, text: str) -> None:
        def toggle(row: Choice) -> None:
            row.is_on = not row.is_on
            self.dispatch("on_change", field, row.is_on)

        self._add_row(text, is_on=bool(getattr(self._session.preferences, field)), act=toggle)

    def _add_choices(self, field: str, heading: str, choices: dict[Any, str]) -> None:
        self._add(Heading(text=heading))
        rows: list[Choice] = []

        def choose(value: Any, chosen: Choice) -> None:
            for row in rows:
                row.is_on = row is chosen
            self.dispatch("on_change", field, value)

        now = getattr(self._session.preferences, field)
        for value, text in choices.items():
            rows.append(self._add_row(text, is_on=value == now, act=functools.partial(choose, value)))


def name_camera(source: str) -> str:
    """What a person calls it."""
    kind, _, number = source.partition(":")
    return texts.CAMERA_NAMES[kind].format(number=number) if kind in texts.CAMERA_NAMES else source

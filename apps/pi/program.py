"""Starts the camera, the pipeline and the outputs, and stops them: `python -m apps.pi`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from edge_dce.camera import FrameSource, LatestFrame, open_source
from edge_dce.enhancer import load
from edge_dce.errors import EdgeDceError
from edge_dce.pixels.look import Look
from edge_dce.stream import FRAME_BY_FRAME, Smoothing
from edge_dce.terminal.console import answer
from edge_dce.version import VERSION

from . import service
from .darkness import Darkness
from .enhancement import Enhancement
from .machine import measure_machine
from .outputs.consumer import Consumer
from .outputs.raw_output import RawOutput
from .outputs.recording import Recording
from .outputs.screen import Screen
from .outputs.stills import Stills
from .pipeline import Pipeline
from .settings import Settings, read_settings
from .stats import Statistics
from .web.access import Access
from .web.broadcast import Broadcast
from .web.pages import Pages
from .web.server import Server

_log = logging.getLogger("apps.pi")

# Without a frame for so long the camera counts as not delivering, and beyond that as stuck.
_STALE_S = 5.0
_STUCK_S = 30.0
_CHECK_S = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop.

    Returns:
        Exit status: 0 stopped or at a file's end, 1 for an error said on stderr, 2 for wrong usage (by argparse), 130
        for Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else argv
    settings = read_settings(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="edge-dce-pi: %(message)s")
    return answer(lambda: asyncio.run(Program(settings, argv).run()), prog="edge-dce-pi")


class Program:
    """One run."""

    def __init__(self, settings: Settings, argv: Sequence[str]) -> None:
        """Loads the model; raises ModelError and RuntimeMissingError."""
        self._settings = settings
        self._argv = argv
        self._statistics = Statistics()
        enhancer = load(settings.model, threads=settings.threads, contract=settings.contract)
        self._enhancement = Enhancement(
            enhancer,
            settings.look,
            darkness=Darkness() if settings.auto else None,
            smoothing=Smoothing() if settings.smooth else FRAME_BY_FRAME,
        )
        self._source: FrameSource | None = None
        self._camera = LatestFrame(self._open_camera, on_status=lambda status: _log.info("camera: %s", status))
        self._pipeline = Pipeline(self._camera, self._enhancement, self._statistics)
        self._broadcast = Broadcast(self._pipeline, self._statistics, quality=settings.quality)
        self._consumers: list[Consumer] = []
        self._stop = asyncio.Event()
        self._status = 0
        self._start_s = time.monotonic()
        self._reloading: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Returns the exit status.

        Raises:
            CameraError: no camera to begin with.
            OutputError: an output cannot be begun, or the address is taken.
        """
        self._handle_signals()
        await asyncio.to_thread(self._camera.start)
        server: Server | None = None
        try:
            self._consumers = self._make_consumers()
            self._pipeline.start()
            self._broadcast.start()
            for consumer in self._consumers:
                consumer.start()
            server = await self._serve()
            service.notify("READY=1")
            await self._watch()
        finally:
            service.notify("STOPPING=1")
            if server is not None:
                await server.stop()
            await asyncio.to_thread(self._stop_threads)
            await self._broadcast.stop()
        return self._status

    def _open_camera(self) -> FrameSource:
        settings = self._settings
        self._source = open_source(settings.source, size=settings.size, fps=settings.fps, loop=not settings.once)
        return self._source

    def _make_consumers(self) -> list[Consumer]:
        settings, pipeline = self._settings, self._pipeline
        assert self._source is not None
        consumers: list[Consumer] = []
        if settings.stills is not None:
            consumers.append(Stills(pipeline, settings.stills, every_s=settings.every_s))
        if settings.record is not None:
            consumers.append(Recording(pipeline, settings.record, fps=self._source.fps))
        if settings.screen:
            consumers.append(Screen(pipeline))
        if settings.raw:
            consumers.append(RawOutput(pipeline, size=self._source.size, fps=self._source.fps))
        return consumers

    async def _serve(self) -> Server | None:
        if self._settings.http is None:
            return None
        pages = Pages(
            self._broadcast,
            self._statistics,
            Access(self._settings.token),
            describe=self.describe,
            find_fault=self.find_fault,
            change_look=self._change_look,
        )
        server = Server(pages.answer, self._statistics)
        host, port = self._settings.http
        try:
            port = await server.start(host, port)
        except OSError as error:
            raise EdgeDceError(
                f"cannot listen on {host or '*'}:{port} ({error.strerror}); choose another --http"
            ) from error
        shown = f"[{host}]" if ":" in host else host or "*"
        _log.info("http://%s:%d/%s", shown, port, "" if self._settings.token is None else " (asks for the token)")
        return server

    async def _watch(self) -> None:
        """Until a signal, the end of a file, or the end of a thread that should not end."""
        watchdog_s = service.read_watchdog_s()
        interval_s = _CHECK_S if watchdog_s is None else min(_CHECK_S, watchdog_s / 3)
        while not self._stop.is_set():
            if self._camera.is_finished or self._pipeline.is_finished or self._broadcast.is_finished:
                is_over = self._settings.once and self._camera.is_finished
                self._status = 0 if is_over else 1
                _log.log(logging.INFO if is_over else logging.ERROR, "stopping: %s", self._camera.status)
                return
            if any(isinstance(consumer, RawOutput) and consumer.is_finished for consumer in self._consumers):
                return
            if watchdog_s is not None and not self._is_stuck():
                service.notify(f"WATCHDOG=1\nSTATUS={self.find_fault() or 'live'}")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), interval_s)

    def _stop_threads(self) -> None:
        for consumer in self._consumers:
            consumer.stop()
        self._pipeline.stop()
        self._camera.stop()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop_with, 0)
        loop.add_signal_handler(signal.SIGINT, self._stop_with, 130)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload)

    def _stop_with(self, status: int) -> None:
        self._status = status
        self._stop.set()

    def _begin_reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        """Read the configuration and the model again; what is wrong with either leaves all as it is."""
        try:
            settings = read_settings(self._argv)
            enhancer = await asyncio.to_thread(
                load, settings.model, threads=settings.threads, contract=settings.contract
            )
        except SystemExit:
            _log.error("not reloaded: the settings above are wrong")
            return
        except EdgeDceError as error:
            _log.error("not reloaded: %s", error)
            return
        self._enhancement.enhancer, self._enhancement.look = enhancer, settings.look
        swapped = dataclasses.replace(
            self._settings,
            model=settings.model,
            contract=settings.contract,
            threads=settings.threads,
            look=settings.look,
        )
        if settings != swapped:
            _log.warning("other settings than model and look have changed too: they take a restart")
        _log.info("reloaded: %s", enhancer.model.path.stem)

    def _change_look(self, values: dict[str, float]) -> Look:
        look = self._enhancement.look = dataclasses.replace(self._enhancement.look, **values)
        return look

    def find_fault(self) -> str | None:
        """Why there is no picture, or None if there is."""
        if not self._camera.is_live:
            return self._camera.status
        age_s = self._measure_age_s()
        assert self._source is not None
        return f"no frame for {age_s:.0f} s" if age_s > max(_STALE_S, 3 / self._source.fps) else None

    def _is_stuck(self) -> bool:
        """Whether only a restart would help: a thread hangs in a driver or a model."""
        is_camera_stuck = self._camera.is_live and self._measure_age_s() > _STUCK_S
        return is_camera_stuck or self._pipeline.busy_s > _STUCK_S

    def _measure_age_s(self) -> float:
        newest = self._camera.wait(timeout_s=0)
        return time.monotonic() - (self._start_s if newest is None else newest.time_s)

    def describe(self) -> dict[str, Any]:
        """What /stats.json says; docs/pi.md describes it."""
        stats = {"version": VERSION} | self._statistics.summarize()
        newest, source, enhancement = self._camera.wait(timeout_s=0), self._source, self._enhancement
        fault = self.find_fault()
        assert source is not None
        look, darkness = enhancement.look, enhancement.darkness
        stats["camera"] = {
            "source": source.name,
            "live": fault is None,
            "status": fault or self._camera.status,
            "width": source.size[0],
            "height": source.size[1],
            "fps": source.fps,
            "frames": 0 if newest is None else newest.sequence + 1,
            "reconnections": self._camera.reconnections,
        }
        stats["enhancement"] |= {
            "model": enhancement.enhancer.model.path.stem,
            "strength": look.strength,
            "max_brightness": look.max_brightness,
            "denoise": look.denoise,
            "auto": darkness and {"is_dark": darkness.is_dark, "brightness": darkness.brightness},
            "failing": enhancement.error is not None,
            "error": enhancement.error,
        }
        described = {consumer.name.replace(" ", "_"): consumer.describe() for consumer in self._consumers}
        return (
            stats
            | {name: described.get(name) for name in ("stills", "recording", "screen", "raw_output")}
            | {"system": measure_machine()}
        )

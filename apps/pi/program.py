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
from edge_dce.pixels.smoothing import FRAME_BY_FRAME, STEADY
from edge_dce.stream import Stream
from edge_dce.terminal.console import answer

from .darkness import Darkness
from .enhancement import Enhancement
from .options import PROG, LiveOptions, read_options
from .outputs.output import Output
from .outputs.push import Push
from .outputs.raw_output import RawOutput
from .outputs.recording import Recording
from .outputs.screen import Screen
from .outputs.stills import Stills
from .outputs.transport_stream import TransportStream
from .outputs.virtual_camera import VirtualCamera
from .pipeline import Pipeline
from .stats import LiveStats, describe_run
from .systemd import notification
from .web.access import Access
from .web.broadcast import Broadcast
from .web.pages import Pages
from .web.server import Server

_log = logging.getLogger(__name__)

# Without a frame for so long the camera counts as not delivering, and beyond that as stuck.
_STALE_S = 5.0
_STUCK_S = 30.0
_CHECK_S = 1.0
# Of one output: more often is no accident.
_MOST_DEATHS = 3


def main(argv: Sequence[str] | None = None, *, prog: str = PROG) -> int:
    """Run until told to stop.

    Args:
        prog: the command's name in help and messages.

    Returns:
        Exit status: 0 stopped or at a file's end, 1 for an error said on stderr, 2 for wrong usage (by the parser), 130
        for Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else argv
    options = read_options(argv, prog=prog)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=f"{prog}: %(message)s")
    return answer(lambda: asyncio.run(Program(options, argv, prog=prog).run()), prog=prog)


class Program:
    """One run."""

    def __init__(self, options: LiveOptions, argv: Sequence[str], *, prog: str = PROG) -> None:
        """Loads the model; raises ModelError and RuntimeMissingError.

        Args:
            options: those of `argv`, which is read again at every reload.
            prog: the command's name in messages.
        """
        self._options = options
        self._argv, self._prog = argv, prog
        self._stats = LiveStats()
        enhancer = load(
            options.model, threads=options.threads, contract=options.contract, accelerator=options.accelerator
        )
        smoothing = STEADY if options.smooth else FRAME_BY_FRAME
        self._stream = Stream(enhancer, look=options.look, smoothing=smoothing)
        self._enhancement = Enhancement(self._stream, darkness=Darkness() if options.auto else None)
        self._source: FrameSource | None = None
        self._camera = LatestFrame(self._open_camera, on_status=lambda status: _log.info("camera: %s", status))
        self._pipeline = Pipeline(self._camera, self._enhancement, self._stats)
        self._broadcast = Broadcast(self._pipeline, self._stats, quality=options.quality)
        self._outputs: list[Output] = []
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
            self._outputs = self._make_outputs()
            self._pipeline.start()
            self._broadcast.start()
            for output in self._outputs:
                output.start()
            server = await self._serve()
            notification.send("READY=1")
            await self._watch()
        finally:
            notification.send("STOPPING=1")
            if server is not None:
                await server.stop()
            await asyncio.to_thread(self._stop_threads)
            await self._broadcast.stop()
        return self._status

    def _open_camera(self) -> FrameSource:
        options = self._options
        self._source = open_source(options.source, size=options.size, fps=options.fps, loop=not options.once)
        return self._source

    def _make_outputs(self) -> list[Output]:
        options, pipeline = self._options, self._pipeline
        assert self._source is not None
        outputs: list[Output] = []
        if options.stills is not None:
            outputs.append(Stills(pipeline, options.stills, every_s=options.every_s, keep=options.keep))
        if options.record is not None:
            outputs.append(Recording(pipeline, options.record, fps=self._source.fps, keep=options.keep))
        if options.screen:
            outputs.append(Screen(pipeline))
        if options.raw:
            outputs.append(RawOutput(pipeline, size=self._source.size, fps=self._source.fps))
        if options.mpegts:
            outputs.append(TransportStream(pipeline, fps=self._source.fps))
        if options.rtsp is not None:
            outputs.append(Push(pipeline, options.rtsp, fps=self._source.fps))
        if options.virtual_camera is not None:
            size, fps = self._source.size, self._source.fps
            outputs.append(VirtualCamera(pipeline, options.virtual_camera, size=size, fps=fps))
        return outputs

    async def _serve(self) -> Server | None:
        if self._options.http is None:
            return None
        pages = Pages(
            self._broadcast,
            self._stats,
            Access(self._options.token),
            describe=self.describe,
            find_fault=self.find_fault,
            change_look=self._change_look,
        )
        server = Server(pages.answer, self._stats)
        address = await server.listen(*self._options.http)
        _log.info("%s%s", address, "" if self._options.token is None else " (asks for the token)")
        return server

    async def _watch(self) -> None:
        """Until a signal, the end of a file, or the end of a thread that should not end."""
        watchdog_s = notification.read_watchdog_s()
        interval_s = _CHECK_S if watchdog_s is None else min(_CHECK_S, watchdog_s / 3)
        while not self._stop.is_set():
            end = self._find_end()
            if end is not None:
                is_over = self._options.once and self._camera.is_finished and not self._camera.is_live
                self._status = 0 if is_over else 1
                _log.log(logging.INFO if is_over else logging.ERROR, "stopping: %s", end)
                return
            over = [output for output in self._outputs if output.ends_program]
            if over or not self._revive_outputs():
                self._status = 0 if over and not over[0].trouble else 1
                return
            if watchdog_s is not None and not self._is_stuck():
                notification.send(f"WATCHDOG=1\nSTATUS={self.find_fault() or 'live'}")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), interval_s)

    def _find_end(self) -> str | None:
        """Why no picture will come any more, or None."""
        if self._camera.is_finished and not self._camera.is_live:
            return self._camera.status
        ended = {
            "reads the camera": self._camera.is_finished,
            "enhances": self._pipeline.is_finished,
            "encodes": self._broadcast.is_finished,
        }
        return next((f"the thread that {work} has died" for work, has_ended in ended.items() if has_ended), None)

    def _revive_outputs(self) -> bool:
        """Start those again whose thread has died; whether there is hope."""
        for output in self._outputs:
            if output.has_died:
                output.deaths += 1
                if output.deaths > _MOST_DEATHS:
                    _log.error("stopping: %s has died %d times", output.name, output.deaths)
                    return False
                _log.error("%s has died; starting it again", output.name)
                output.start()
        return True

    def _stop_threads(self) -> None:
        for output in self._outputs:
            output.stop()
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
            options = read_options(self._argv, prog=self._prog)
            enhancer = await asyncio.to_thread(
                load, options.model, threads=options.threads, contract=options.contract, accelerator=options.accelerator
            )
        except SystemExit:
            _log.error("settings not reloaded: see the error above")
            return
        except EdgeDceError as error:
            _log.error("settings not reloaded: %s", error)
            return
        self._stream.enhancer, self._stream.look = enhancer, options.look
        swapped = dataclasses.replace(
            self._options,
            model=options.model,
            contract=options.contract,
            threads=options.threads,
            look=options.look,
        )
        if options != swapped:
            _log.warning("only the model and the look are reloaded; restart to change the other settings")
        _log.info("settings reloaded; the model is %s", enhancer.model.path.stem)

    def _change_look(self, values: dict[str, Any]) -> Look:
        look = self._stream.look = dataclasses.replace(self._stream.look, **values)
        return look

    def find_fault(self) -> str | None:
        """What does not work of what was asked for and only the program can mend, or None."""
        fault = self._find_camera_fault() or self._find_end()
        if fault is None and self._pipeline.busy_s > _STALE_S:
            return f"the model has worked on one frame for {self._pipeline.busy_s:.0f} s"
        dead = [f"{output.name} has died" for output in self._outputs if output.has_died]
        return fault or (dead[0] if dead else None)

    def _find_camera_fault(self) -> str | None:
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
        newest = self._camera.newest
        return time.monotonic() - (self._start_s if newest is None else newest.time_s)

    def describe(self) -> dict[str, Any]:
        """What /stats.json says; docs/pi.md describes it."""
        assert self._source is not None
        return describe_run(
            self._stats,
            camera=self._camera,
            source=self._source,
            fault=self._find_camera_fault(),
            enhancement=self._enhancement,
            outputs={output.name.replace(" ", "_"): output.describe() for output in self._outputs},
        )

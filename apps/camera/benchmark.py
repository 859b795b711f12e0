"""How fast the view is on this device, and whether memory stays where it is: `python -m apps.camera --benchmark 60`.

The shader is on with its filter over time, on without it, and off in turn, with the network running all the time, so
that a machine that is busy with something else slows all three. Frames come from the drawn night scene, faster than any
camera.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from pathlib import Path
from typing import Any

from kivy.clock import Clock
from kivy.graphics.opengl import GL_RENDERER, glFinish, glGetString

from edge_dce.benchmark.latency import Latency, divide_pairs
from edge_dce.camera import FrameSource, open_source
from edge_dce.machine import count_usable_cores, read_cpu_name, read_rss_bytes

from .device import Folders
from .view.app import CameraApp

SIZE = 1280, 720
SCHEMA = 1
_SOURCE_FPS = 60.0
_TURN_S = 4.0
# Of each turn, for a shader that is compiled anew and frames on their way.
_SETTLING_S = 1.0


@dataclasses.dataclass(frozen=True)
class Turn:
    """Some seconds with the shader on or off: frames shown, the time that they took, and memory at the end.

    Results from before there was a filter over time are without it.
    """

    is_enhancing: bool
    frames: int
    seconds: float
    maps: int
    cpu_s: float
    rss_mb: float
    is_denoising: bool = False


# Whether the shader is on, and its filter over time.
_KINDS = ((True, True), (True, False), (False, False))


class Benchmark:
    """Runs the app for some time and counts."""

    def __init__(self, folders: Folders, seconds: float) -> None:
        self.turns: list[Turn] = []
        self._app = CameraApp(folders, camera="synthetic", open_camera=_open_fast)
        self._seconds = seconds

    def run(self) -> dict[str, Any]:
        """Everything measured, ready for JSON."""
        self._started_s = time.monotonic()
        Clock.schedule_interval(self._step, 0)
        self._next_turn()
        self._app.run()
        return {
            "schema": SCHEMA,
            "kind": "camera app",
            "cpu": f"{read_cpu_name()}, {count_usable_cores()} cores",
            "renderer": self._renderer,
            "size": SIZE,
            "turns": [dataclasses.asdict(turn) for turn in self.turns],
        }

    def _next_turn(self) -> None:
        self._is_enhancing, self._is_denoising = _KINDS[len(self.turns) % len(_KINDS)]
        self._begin_s = time.monotonic() + _SETTLING_S
        self._is_counting = False

    def _step(self, *_: object) -> None:
        app, now_s = self._app, time.monotonic()
        if app.root is None or app.root.ids.preview.frame_size is None:
            self._begin_s = now_s + _SETTLING_S
            return
        preview = app.root.ids.preview
        preview.is_enhancing, preview.is_denoising = self._is_enhancing, self._is_denoising
        # Without it a driver may queue frames and count them before they are drawn.
        glFinish()
        if not self._is_counting and now_s >= self._begin_s:
            self._is_counting = True
            self._first = self._count(), now_s, time.process_time()
        elif self._is_counting and now_s >= self._begin_s + _TURN_S:
            (frames, maps), begin_s, cpu_s = self._first
            now_frames, now_maps = self._count()
            self.turns.append(
                Turn(
                    self._is_enhancing,
                    now_frames - frames,
                    now_s - begin_s,
                    now_maps - maps,
                    time.process_time() - cpu_s,
                    (read_rss_bytes() or 0) / (1024 * 1024),
                    self._is_denoising,
                )
            )
            self._next_turn()
            if now_s - self._started_s >= self._seconds and len(self.turns) % len(_KINDS) == 0:
                self._renderer = glGetString(GL_RENDERER).decode()
                app.stop()

    def _count(self) -> tuple[int, int]:
        return self._app.session.count()


def summarize(result: dict[str, Any]) -> str:
    """The result in a few lines."""
    turns = [Turn(**fields) for fields in result["turns"]]
    filtered, with_shader, without = (
        Latency(
            tuple(turn.seconds / turn.frames * 1e3 for turn in turns if (turn.is_enhancing, turn.is_denoising) == kind)
        )
        for kind in _KINDS
    )
    maps = statistics.median(turn.maps / turn.seconds for turn in turns if turn.is_denoising)
    cores = statistics.median(turn.cpu_s / turn.seconds for turn in turns if turn.is_denoising)
    width, height = result["size"]
    # Caches and pools fill in the first turns.
    settled = [turn.rss_mb for turn in turns[len(turns) // 4 :]]
    half = len(settled) // 2
    memory = [statistics.median(part) for part in (settled[:half] or settled, settled[half:])]
    return "\n".join(
        [
            f"{result['renderer']}, window and frames {width}x{height}, {len(turns)} turns",
            f"view with the filter  {filtered} ms a frame (p50 / p90 of turns), {1e3 / filtered.p50_ms:.1f} fps, "
            f"network {maps:.0f}/s, {cores:.1f} cores",
            f"view without filter   {with_shader} ms a frame, {1e3 / with_shader.p50_ms:.1f} fps; "
            f"filter {divide_pairs(filtered.values_ms, with_shader.values_ms)}",
            f"view without shader   {without} ms a frame, {1e3 / without.p50_ms:.1f} fps; "
            f"shader {divide_pairs(with_shader.values_ms, without.values_ms)}",
            f"memory                {memory[0]:6.1f} MB in the first half, {memory[1]:.1f} MB in the second",
        ]
    )


def run_benchmark(folders: Folders, seconds: float, json_path: Path | None) -> None:
    """Run, print, and keep the raw result if asked to."""
    from edge_dce.files.output import write_file

    result = Benchmark(folders, seconds).run()
    if json_path is not None:
        write_file(json_path, f"{json.dumps(result, indent=1)}\n".encode())
    print(summarize(result))


def _open_fast(source: str, *, size: tuple[int, int] | None) -> FrameSource:
    return open_source(source, size=SIZE, fps=_SOURCE_FPS)

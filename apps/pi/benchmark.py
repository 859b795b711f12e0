"""What a frame costs on its way through the script, against enhancing and encoding it: `python -m apps.pi.benchmark`.

Both in turn in one run: a frame handed to the camera's thread until its JPEG has arrived over HTTP, and
`Enhancer.enhance` and the encoding of the same frame in one thread.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import queue
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.benchmark.latency import Latency, Ratio, divide_pairs
from edge_dce.camera import Frame, LatestFrame
from edge_dce.camera.frames import ClosingSource
from edge_dce.camera.synthetic import SyntheticSource
from edge_dce.enhancer import load
from edge_dce.files.output import write_file
from edge_dce.machine import describe_machine
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.pixels.look import BARE
from edge_dce.pixels.smoothing import FRAME_BY_FRAME, STEADY
from edge_dce.stream import Stream
from edge_dce.terminal.arguments import parse_positive, parse_size
from edge_dce.terminal.console import answer

from .enhancement import Enhancement
from .jpeg import encode_jpeg
from .pipeline import Pipeline
from .stats import LiveStats
from .web.access import Access
from .web.broadcast import Broadcast
from .web.pages import Pages
from .web.server import Server

_WARMUP = 5
_QUALITY = 80


@dataclasses.dataclass(frozen=True)
class FrameCost:
    """Milliseconds per frame, taken in turn: by the clock, and of the processor on all threads.

    The script's side includes the viewer, who is in the same process.
    """

    size: tuple[int, int]
    model: str
    smooth: bool
    alone_ms: tuple[float, ...]
    script_ms: tuple[float, ...]
    alone_cpu_ms: tuple[float, ...]
    script_cpu_ms: tuple[float, ...]

    @property
    def ratio(self) -> Ratio:
        """By the clock, pair by pair, because drift of the machine hits both alike."""
        return divide_pairs(self.script_ms, self.alone_ms)

    @property
    def cpu_ratio(self) -> Ratio:
        """Of the processor: what is left where other programs compete for it and every change of threads waits."""
        return divide_pairs(self.script_cpu_ms, self.alone_cpu_ms)


@dataclasses.dataclass(frozen=True)
class _Instant:
    clock_s: float
    cpu_s: float

    @staticmethod
    def now() -> _Instant:
        return _Instant(time.perf_counter(), time.process_time())


class _HandedFrames(ClosingSource):
    """Delivers a frame whenever it is handed one."""

    name = "benchmark"
    fps = 30.0

    def __init__(self, image: npt.NDArray[np.uint8]) -> None:
        self.size = image.shape[1], image.shape[0]
        self._image = image
        self._handed: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def hand(self) -> None:
        self._handed.put(True)

    def read(self) -> Frame | None:
        return Frame(self._image, "BGR", time.monotonic(), 0) if self._handed.get() else None

    def finish(self) -> None:
        self._handed.put(False)


async def measure_frame_cost(*, size: tuple[int, int], model: str, smooth: bool, runs: int) -> FrameCost:
    """Measure with a frame of the synthetic night scene, blue first as cameras deliver it.

    Neither way cleans: that takes as long on both, and would hide what the script adds.
    """
    image = np.ascontiguousarray(SyntheticSource(size=size, fps=30).draw()[..., ::-1])
    alone, shared = load(model), load(model)
    source, stats = _HandedFrames(image), LiveStats()
    stream = Stream(shared, look=BARE, smoothing=STEADY if smooth else FRAME_BY_FRAME)
    moments: list[tuple[_Instant, _Instant, _Instant]] = []
    with LatestFrame(lambda: source) as camera:
        pipeline = Pipeline(camera, Enhancement(stream), stats)
        broadcast = Broadcast(pipeline, stats, quality=_QUALITY)
        pages = Pages(
            broadcast,
            stats,
            Access(None),
            describe=dict,
            find_fault=lambda: None,
            change_look=lambda values: stream.look,
        )
        server = Server(pages.answer, stats)
        pipeline.start()
        broadcast.start()
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        writer.write(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"--frame\r\n")
        for run in range(runs + _WARMUP):
            start = _Instant.now()
            encode_jpeg(alone.enhance(image, BARE, channel_order="BGR"), "BGR", _QUALITY)
            between = _Instant.now()
            source.hand()
            await _read_part(reader)
            if run >= _WARMUP:
                moments.append((start, between, _Instant.now()))
        source.finish()
        await server.stop()
        pipeline.stop()
        await broadcast.stop()
    return FrameCost(
        size,
        model,
        smooth,
        alone_ms=tuple((between.clock_s - start.clock_s) * 1e3 for start, between, _ in moments),
        script_ms=tuple((end.clock_s - between.clock_s) * 1e3 for _, between, end in moments),
        alone_cpu_ms=tuple((between.cpu_s - start.cpu_s) * 1e3 for start, between, _ in moments),
        script_cpu_ms=tuple((end.cpu_s - between.cpu_s) * 1e3 for _, between, end in moments),
    )


async def _read_part(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.rpartition(b"Content-Length: ")[2])
    await reader.readexactly(length)
    await reader.readuntil(b"--frame\r\n")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}.benchmark", description=__doc__)
    parser.add_argument(
        "--size", type=parse_size, default=(1920, 1080), metavar="WxH", help="size of the frames (default: 1920x1080)"
    )
    parser.add_argument("-m", "--model", default=DEFAULT_MODEL)
    parser.add_argument("--runs", type=parse_positive, default=100)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw result; replaces an existing file")
    parser.add_argument("--show", type=Path, metavar="FILE", help="run nothing; print the result in this --json file")
    arguments = parser.parse_args(argv)
    return answer(lambda: _run(arguments), prog="benchmark")


def _run(arguments: argparse.Namespace) -> None:
    if arguments.show:
        print("\n".join(format_cost(cost) for cost in read_costs(arguments.show)))
        return
    costs = [
        asyncio.run(measure_frame_cost(size=arguments.size, model=arguments.model, smooth=smooth, runs=arguments.runs))
        for smooth in (False, True)
    ]
    for cost in costs:
        print(format_cost(cost))
    if arguments.json:
        record = {"schema": 1, "machine": describe_machine(), "costs": [dataclasses.asdict(cost) for cost in costs]}
        write_file(arguments.json, (json.dumps(record, indent=1) + "\n").encode(), overwrite=True)


def read_costs(path: Path) -> list[FrameCost]:
    """What --json wrote."""
    found = []
    for cost in json.loads(path.read_text())["costs"]:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in cost.items()
        }
        found.append(FrameCost(**fields))
    return found


def format_cost(cost: FrameCost) -> str:
    """What docs/soak.md shows: p50 / p90 of both, and the ratio with its 95 % interval."""
    smoothing = "smoothed" if cost.smooth else "frame by frame"
    lines = [f"{cost.size[0]}x{cost.size[1]}, {cost.model}, {smoothing}, {len(cost.alone_ms)} pairs"]
    for counted, alone_ms, script_ms, ratio in (
        ("clock", cost.alone_ms, cost.script_ms, cost.ratio),
        ("processor", cost.alone_cpu_ms, cost.script_cpu_ms, cost.cpu_ratio),
    ):
        alone, script = Latency(alone_ms), Latency(script_ms)
        lines.append(f"  {counted:9}  enhance + JPEG {alone} ms, through the script {script} ms, ratio {ratio}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""A 1080p clip from file to file: how many frames a second, and which stage takes how much of the work."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import edge_dce
from edge_dce.benchmark.latency import Latency
from edge_dce.enhancing.video import Stages, enhance_video

_STAGES = {"decode": "decode_s", "enhance": "enhance_s", "encode": "encode_s"}


@dataclasses.dataclass(frozen=True)
class VideoTimes:
    """Stages of every run; they overlap, and share the cores with the encoder's own threads."""

    clip: str
    size: tuple[int, int]
    model: str
    threads: int
    runs: tuple[Stages, ...]

    @property
    def frames_per_second(self) -> float:
        """From file to file, p50 of the runs."""
        return 1e3 / Latency(tuple(run.total_s / run.frames * 1e3 for run in self.runs)).p50_ms

    def latency(self, stage: str) -> Latency:
        """What "decode", "enhance" or "encode" takes per frame, run by run."""
        return Latency(tuple(getattr(run, _STAGES[stage]) / run.frames * 1e3 for run in self.runs))

    def shares_percent(self) -> dict[str, float]:
        """Of the work, by stage."""
        per_frame_ms = {stage: self.latency(stage).p50_ms for stage in _STAGES}
        return {stage: 100 * ms / sum(per_frame_ms.values()) for stage, ms in per_frame_ms.items()}


def measure_video(clip: Path, work_folder: Path, *, model: str, threads: int, runs: int) -> VideoTimes:
    """Enhance a clip several times.

    Args:
        work_folder: where the result is written.

    Raises:
        EdgeDceError: as `edge_dce.enhancing.video.enhance_video`.
    """
    enhancer = edge_dce.load(model, threads=threads)
    target = work_folder / "enhanced.mkv"
    stages = tuple(enhance_video(clip, target, enhancer, overwrite=True) for _ in range(runs))
    # Not imported before PyAV was found to be there.
    from edge_dce.files.video_reader import VideoReader

    with VideoReader(clip) as reader:
        size = reader.width, reader.height
    return VideoTimes(clip.name, size, model, threads, stages)


def format_video(times: VideoTimes) -> str:
    """One line for each stage, and which is the slowest."""
    shares_percent = times.shares_percent()
    width, height = times.size
    clip = f"{times.clip}, {width}x{height}, {times.runs[0].frames} frames"
    lines = [
        f"{clip}, {times.model}, {times.threads} threads, {len(times.runs)} runs",
        f"{'stage':10}{'ms a frame, p50 / p90':>24}{'share':>8}",
    ]
    lines += [f"{stage:10}{times.latency(stage)!s:>24}{share:7.0f} %" for stage, share in shares_percent.items()]
    slowest = max(shares_percent, key=shares_percent.__getitem__)
    lines.append(f"{times.frames_per_second:.1f} frames a second from file to file; slowest stage: {slowest}")
    return "\n".join(lines)


def render_video(record: dict[str, Any]) -> str:
    """What `python -m benchmarks video --json` wrote, as a sentence."""
    stages = [Stages(**run) for run in record.pop("runs")]
    fields = {field.name for field in dataclasses.fields(VideoTimes)}
    times = VideoTimes(**{name: record[name] for name in fields & record.keys()}, runs=tuple(stages))
    shares = ", ".join(f"{stage} {share:.0f} %" for stage, share in times.shares_percent().items())
    width, height = times.size
    return (
        f"A {width}x{height} clip goes from file to file at {times.frames_per_second:.0f} frames a second with "
        f"{times.model} ({shares} of the work; {record['machine']['cpu']}, {times.threads} threads)."
    )

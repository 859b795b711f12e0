"""What `benchmarks.frame` and `benchmarks.photo` measured, as text and as a table of the documents."""

from __future__ import annotations

from typing import Any

from benchmarks.frame import CLAHE, FULL_SIZE, HD, UHD, FrameTimes, name_frame
from benchmarks.photo import PhotoTimes
from edge_dce.benchmark.latency import Latency

MODELS = ("zero-dce-scene-256x256-int8", "zero-dce-pp-128x128-int8", "zero-dce-128x128-int8")


def format_frames(times: FrameTimes) -> str:
    """One line for each contender and each ratio."""
    lines = [f"{'ms, p50 / p90, ' + str(times.threads) + ' threads':44}{'1080p':>18}{'4K':>18}"]
    lines += [f"{name:44}{times.latency(name)!s:>18}" for name in (FULL_SIZE, CLAHE)]
    for model in MODELS:
        latencies = (times.latency(name_frame(model, size)) for size in (HD, UHD))
        lines.append(f"{model:44}" + "".join(f"{latency!s:>18}" for latency in latencies))
    lines.append(f"{'how many times as long, round by round':44}{'(95 % interval)':>18}")
    for model in MODELS:
        hd, uhd = name_frame(model, HD), name_frame(model, UHD)
        for label, slow in ((f"CLAHE : {model}", CLAHE), ("full size : the same", FULL_SIZE), ("its 4K : 1080p", uhd)):
            lines.append(f"{label:44}{times.ratio(slow, hd)!s:>18}")
    return "\n".join(lines)


def format_photo(photo: PhotoTimes) -> str:
    """The stages of a photo on one line."""
    decode, enhance, encode = (Latency(values) for values in (photo.decode_ms, photo.enhance_ms, photo.encode_ms))
    return (
        f"{photo.size[0]}x{photo.size[1]} JPEG to JPEG, p50 / p90: decode {decode} ms, enhance {enhance} ms "
        f"({100 * photo.enhance_share:.0f} % of all), encode and write {encode} ms; "
        f"peak memory of the process {photo.peak_rss_mb:.0f} MB"
    )


def render_frames(record: dict[str, Any]) -> str:
    """What `python -m benchmarks frame --json` wrote, as Markdown."""
    times = FrameTimes(record["frame"]["threads"], tuple(record["frame"]["rounds"]))
    photo = PhotoTimes(**record["photo"])
    heads = ("1080p", "4K", "CLAHE takes as long", "network at full size takes as long")
    lines = [
        f"| frame to frame, p50 / p90 ms, {times.threads} threads | {' | '.join(heads)} |",
        "| --- | --- | --- | --- | --- |",
        f"| zero-dce on the whole frame in float32, eight numpy steps | {times.latency(FULL_SIZE)} | | | |",
        f"| OpenCV CLAHE on L of Lab | {times.latency(CLAHE)} | | | |",
    ]
    for model in MODELS:
        hd, uhd = (name_frame(model, size) for size in (HD, UHD))
        figures = (times.latency(hd), times.latency(uhd), times.ratio(CLAHE, hd), times.ratio(FULL_SIZE, hd))
        lines.append(f"| {model} | {' | '.join(map(str, figures))} |")
    return "\n".join([*lines, "", f"A photo: {format_photo(photo)}. Measured on: {record['machine']['cpu']}."])

"""What `benchmarks.frame` and `benchmarks.photo` measured, as text and as a table of the documents."""

from __future__ import annotations

from typing import Any

from benchmarks.frame import CLAHE, FULL_SIZE, HD, UHD, FrameTimes, name_default, name_frame
from benchmarks.photo import PhotoTimes
from edge_dce.benchmark.latency import Latency
from edge_dce.models.catalog import DEFAULT_MODEL

MODELS = (DEFAULT_MODEL, "zero-dce-scene-256x256-int8", "zero-dce-pp-128x128-int8", "zero-dce-128x128-int8")


def format_frames(times: FrameTimes) -> str:
    """One line for each contender and each ratio."""
    lines = [f"{'ms, p50 / p90, ' + str(times.threads) + ' threads':50}{'1080p':>18}{'4K':>18}"]
    lines += [f"{name:50}{times.latency(name)!s:>18}" for name in (FULL_SIZE, CLAHE)]
    for label, hd, uhd in _list_contenders(times):
        lines.append(f"{label:50}{times.latency(hd)!s:>18}{times.latency(uhd)!s:>18}")
    lines.append(f"{'how many times as long, round by round':50}{'(95 % interval)':>18}")
    for name, hd, uhd in _list_contenders(times):
        for label, slow in ((f"CLAHE : {name}", CLAHE), ("full size : the same", FULL_SIZE), ("its 4K : 1080p", uhd)):
            lines.append(f"{label:50}{times.ratio(slow, hd)!s:>18}")
    default, plain = name_default(HD), name_frame(DEFAULT_MODEL, HD)
    for label, fast in (("by default : CLAHE", CLAHE), ("by default : without denoising", plain)):
        lines.append(f"{label:50}{times.ratio(default, fast)!s:>18}")
    return "\n".join(lines)


def format_photo(photo: PhotoTimes) -> str:
    """The stages of a photo on one line."""
    decode, enhance, encode = (Latency(values) for values in (photo.decode_ms, photo.enhance_ms, photo.encode_ms))
    return (
        f"{photo.size[0]}x{photo.size[1]} JPEG to JPEG, p50 / p90: decode {decode} ms, enhance {enhance} ms "
        f"({100 * photo.enhance_share:.0f} % of all), encode and write {encode} ms; "
        f"peak memory of the process {photo.peak_rss_mb:.0f} MB"
        + (f"; by default {photo.default_ratio} as long as without denoising" if photo.default_ratio else "")
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
    for label, hd, uhd in _list_contenders(times):
        figures = (times.latency(hd), times.latency(uhd), times.ratio(CLAHE, hd), times.ratio(FULL_SIZE, hd))
        lines.append(f"| {label} | {' | '.join(map(str, figures))} |")
    return "\n".join([*lines, "", f"A photo: {format_photo(photo)}. Measured on: {record['machine']['cpu']}."])


def _list_contenders(times: FrameTimes) -> list[tuple[str, str, str]]:
    """What a line says, and the contenders of 1080p and 4K: those of the record, whose default may be another model."""
    hd, uhd = (name_frame("", size) for size in (HD, UHD))
    return [(name.replace(hd, ""), name, name.replace(hd, uhd)) for name in times.rounds[0] if hd in name]

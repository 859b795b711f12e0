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
    for name, hd, uhd in _list_frames(times):
        lines.append(f"{name:44}" + "".join(f"{times.latency(frame)!s:>18}" for frame in (hd, uhd)))
    lines.append(f"{'how many times as long, round by round':44}{'(95 % interval)':>18}")
    for name, hd, uhd in _list_frames(times):
        for label, slow in ((f"CLAHE : {name}", CLAHE), ("full size : the same", FULL_SIZE), ("its 4K : 1080p", uhd)):
            lines.append(f"{label:44}{times.ratio(slow, hd)!s:>18}")
    return "\n".join(lines)


def format_photo(photo: PhotoTimes) -> str:
    """The stages of a photo on one line."""
    decode, enhance, encode = (Latency(values) for values in (photo.decode_ms, photo.enhance_ms, photo.encode_ms))
    return (
        f"{photo.size[0]}x{photo.size[1]} JPEG to JPEG, p50 / p90: decode {decode} ms, enhance {enhance} ms "
        f"({100 * photo.enhance_share:.0f} % of all), encode and write {encode} ms; {_format_cleaning(photo)}"
        f"peak memory of the process {photo.peak_rss_mb:.0f} MB"
    )


def _format_cleaning(photo: PhotoTimes) -> str:
    ratio = photo.cleaned_ratio
    return f"with cleaning, the whole takes {ratio} as long; " if ratio else ""


def _list_frames(times: FrameTimes) -> list[tuple[str, str, str]]:
    """What people call it and its two contenders, 1080p and 4K, for all that were measured."""
    first, *others = ((model, name_frame(model, HD), name_frame(model, UHD)) for model in MODELS)
    hd, uhd = (name_frame(MODELS[0], size, cleaned=True) for size in (HD, UHD))
    # Records of earlier versions do not have it.
    cleaned = [(f"{MODELS[0]}, cleaned", hd, uhd)] if hd in times.rounds[0] else []
    return [first, *cleaned, *others]


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
    for name, hd, uhd in _list_frames(times):
        figures = (times.latency(hd), times.latency(uhd), times.ratio(CLAHE, hd), times.ratio(FULL_SIZE, hd))
        lines.append(f"| {name} | {' | '.join(map(str, figures))} |")
    return "\n".join([*lines, "", f"A photo: {format_photo(photo)}. Measured on: {record['machine']['cpu']}."])

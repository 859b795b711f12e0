"""What `benchmarks.frame` and `benchmarks.photo` measured, as text and as a table of the documents."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.frame import CLAHE, FULL_SIZE, HD, UHD, FrameTimes, name_frame
from benchmarks.photo import PhotoTimes

MODELS = ("zero-dce-scene-256x256-int8", "zero-dce-pp-128x128-int8", "zero-dce-128x128-int8")


def format_frames(times: FrameTimes) -> str:
    """One line for each contender and each ratio."""
    lines = [f"{'ms, median, ' + str(times.threads) + ' threads':44}{'1080p':>9}{'4K':>9}"]
    lines += [f"{name:44}{times.median_ms(name):9.1f}" for name in (FULL_SIZE, CLAHE)]
    for model in MODELS:
        medians = (times.median_ms(name_frame(model, size)) for size in (HD, UHD))
        lines.append(f"{model:44}" + "".join(f"{median:9.1f}" for median in medians))
    lines.append(f"{'ratios, round by round':44}{'p10':>9}{'median':>9}{'p90':>9}")
    for model in MODELS:
        hd, uhd = name_frame(model, HD), name_frame(model, UHD)
        for label, slow in ((f"CLAHE : {model}", CLAHE), ("full size : the same", FULL_SIZE), ("its 4K : 1080p", uhd)):
            lines.append(f"{label:44}" + "".join(f"{value:9.2f}" for value in times.ratio(slow, hd)))
    return "\n".join(lines)


def format_photo(photo: PhotoTimes) -> str:
    """The stages of a photo on one line."""
    decode, enhance, encode = (np.median(values) for values in (photo.decode_ms, photo.enhance_ms, photo.encode_ms))
    return (
        f"{photo.size[0]}x{photo.size[1]} JPEG to JPEG: decode {decode:.0f} ms, enhance {enhance:.0f} ms "
        f"({100 * photo.enhance_share:.0f} % of all), encode and write {encode:.0f} ms; "
        f"peak memory of the process {photo.peak_rss_mb:.0f} MB"
    )


def render_frames(record: dict[str, Any]) -> str:
    """What `python -m benchmarks frame --json` wrote, as Markdown."""
    times = FrameTimes(record["frame"]["threads"], tuple(record["frame"]["rounds"]))
    photo = PhotoTimes(**record["photo"])
    clahe_ms, full_size_ms = times.median_ms(CLAHE), times.median_ms(FULL_SIZE)
    lines = [
        f"| frame to frame, {times.threads} threads | 1080p ms | 4K ms | CLAHE takes | network at full size takes |",
        "| --- | --- | --- | --- | --- |",
        f"| zero-dce on the whole frame in float32, eight numpy steps | {full_size_ms:.0f} | | | |",
        f"| OpenCV CLAHE on L of Lab | {clahe_ms:.1f} | | | |",
    ]
    for model in MODELS:
        hd, uhd = (name_frame(model, size) for size in (HD, UHD))
        slower = [times.ratio(other, hd)[1] for other in (CLAHE, FULL_SIZE)]
        lines.append(
            f"| {model} | {times.median_ms(hd):.1f} | {times.median_ms(uhd):.1f} "
            f"| {slower[0]:.1f} times as long | {slower[1]:.0f} times as long |"
        )
    return "\n".join([*lines, "", f"A photo: {format_photo(photo)}. Measured on: {record['machine']['cpu']}."])

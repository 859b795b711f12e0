"""Clips: containers with their boxes damaged, and playlists that pose as clips."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np

from tests.attack.case import Case
from tests.attack.mutation import mutate

# Each names another file or server; what is read of it would show in the output.
_PLAYLISTS = (
    "ffconcat version 1.0\nfile neighbor.mp4\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nneighbor.mp4\n#EXT-X-ENDLIST\n",
    "#EXTM3U\n#EXTINF:1,\nfile:neighbor.mp4\n",
    "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "[playlist]\nFile1=neighbor.mp4\nNumberOfEntries=1\n",
    "<MPD><Period><AdaptationSet><Representation><BaseURL>neighbor.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
)


def make_seeds() -> dict[str, bytes]:
    """Whole files by suffix and a name."""
    seeds = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, codec, pixels in (
            ("h264.mp4", "libx264", "yuv420p"),
            ("mpeg4.mov", "mpeg4", "yuv420p"),
            ("h264.mkv", "libx264", "yuv420p"),
            ("mjpeg.avi", "mjpeg", "yuvj420p"),
            ("vp8.webm", "libvpx", "yuv420p"),
            ("mpeg2.ts", "mpeg2video", "yuv420p"),
        ):
            path = Path(folder) / name
            _write_clip(path, codec, pixels)
            seeds[name] = path.read_bytes()
    return seeds


def make_case(seeds: dict[str, bytes], chance: random.Random) -> Case:
    name = chance.choice(sorted(seeds))
    data, suffix = seeds[name], name[name.rindex(".") :]
    files = {}
    kind = chance.random()
    if kind < 0.1:
        files["neighbor.mp4"] = seeds["h264.mp4"]
        data = chance.choice(_PLAYLISTS).encode()
    elif kind < 0.2:
        # Titles are in whatever letters their writer used.
        data = data.replace(b"night", chance.randbytes(5))
    elif kind < 0.25:
        data = data + seeds[chance.choice(sorted(seeds))]
    else:
        data = mutate(data, chance)
    output = chance.choice((".mp4", ".mkv", ".mov"))
    files[f"input{suffix}"] = data
    argv = ["enhance", f"input{suffix}", "-o", f"output{output}"]
    return Case(files, argv, f"output{output}", is_secret="neighbor.mp4" in files)


def _write_clip(path: Path, codec: str, pixel_format: str) -> None:
    import av

    chance = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "night"
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, pixel_format
        for _ in range(8):
            frame = av.VideoFrame.from_ndarray(chance.integers(0, 60, (24, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

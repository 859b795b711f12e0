"""Clips: containers with their boxes damaged, and playlists that pose as clips."""

from __future__ import annotations

import random
import struct
import tempfile
from pathlib import Path

import numpy as np

from tests.attack.case import Case
from tests.attack.mutation import EXTREMES, mutate

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
# What says when frames are shown: boxes of MP4 and MOV, elements of Matroska, chunks of AVI.
_TIMES = (
    *(b"mvhd", b"tkhd", b"mdhd", b"stts", b"ctts", b"elst", b"avih", b"strh"),
    *(b"\x2a\xd7\xb1", b"\x23\xe3\x83", b"\x44\x89", b"\xe7", b"\xa3", b"\x9b"),
)
_RATES = (*EXTREMES, 24, 25, 1000, 32_778, 90_000, 1_000_000, 1_000_000_000)


def make_seeds() -> dict[str, bytes]:
    """Whole files by suffix and a name."""
    # Where PyAV is missing the other kinds are attacked all the same.
    from tests.edge_dce.enhancing.clips import write_clip

    seeds = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, codec, pixels in (
            ("h264.mp4", "libx264", "yuv420p"),
            ("mpeg4.mov", "mpeg4", "yuv420p"),
            ("h264.mkv", "libx264", "yuv420p"),
            ("mjpeg.avi", "mjpeg", "yuvj420p"),
            ("vp8.webm", "libvpx", "yuv420p"),
            ("mpeg2.ts", "mpeg2video", "yuv420p"),
            ("h264.ts", "libx264", "yuv420p"),
            ("mpeg4.avi", "mpeg4", "yuv420p"),
            ("mpeg1.mpg", "mpeg1video", "yuv420p"),
            ("wmv2.wmv", "wmv2", "yuv420p"),
            ("deep.mkv", "libx264", "yuv420p10le"),
        ):
            path = Path(folder) / name
            _write_clip(path, codec, pixels)
            seeds[name] = path.read_bytes()
        for name, codec in (("sound.mp4", "aac"), ("sound.mkv", "libopus"), ("sound.avi", "mp3"), ("sound.ts", "mp2")):
            path = write_clip(Path(folder) / name, size=(32, 24), sound=codec)
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
    elif kind < 0.5:
        data = _change_times(data, chance)
    else:
        data = mutate(data, chance)
    output = chance.choice((".mp4", ".mkv", ".mov", ".webm", ".avi"))
    files[f"input{suffix}"] = data
    argv = ["enhance", f"input{suffix}", "-o", f"output{output}"]
    return Case(files, argv, f"output{output}", is_secret="neighbor.mp4" in files)


def _change_times(data: bytes, chance: random.Random) -> bytes:
    """Change numbers near what says when frames are shown."""
    changed = bytearray(data)
    marks = [mark for mark in _TIMES if mark in data]
    for _ in range(chance.randint(1, 3)):
        if not marks:
            return mutate(data, chance)
        mark = chance.choice(marks)
        field = chance.choice((">I", "<I", ">H", ">Q", "B"))
        place = data.index(mark) + len(mark) + chance.randrange(40)
        if place + struct.calcsize(field) <= len(data):
            struct.pack_into(field, changed, place, chance.choice(_RATES) & (256 ** struct.calcsize(field) - 1))
    return bytes(changed)


def _write_clip(path: Path, codec: str, pixel_format: str) -> None:
    import av

    chance = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "night"
        # MPEG-1 knows a few rates only.
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, pixel_format
        for _ in range(8):
            frame = av.VideoFrame.from_ndarray(chance.integers(0, 60, (24, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

"""A video from file to file: decode, enhance and encode side by side.

Three threads, each with one kind of work: one reads and decodes, the caller's enhances (an `Enhancer` belongs to one
thread), one encodes and writes. Each works a few frames ahead of the next, so that memory stays bounded. The work is in
FFmpeg, OpenCV and the network, which let go of Python's lock.

Needs PyAV, which is imported when the first video is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from edge_dce.enhancer import Enhancer
from edge_dce.errors import VideoError
from edge_dce.files.containers import WRITABLE_SUFFIXES
from edge_dce.files.output import check_free, unfinished_file
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.pixels.smoothing import STEADY, Smoothing
from edge_dce.stream import Stream

if TYPE_CHECKING:
    from edge_dce.files.video_reader import Portion, VideoReader
    from edge_dce.files.video_writer import VideoWriter

# Frames decoded but not enhanced, and enhanced but not encoded: enough to even out key frames, 6 MB each at 1080p.
_AHEAD_FRAMES = 3

# Called after each frame with the number of frames done and how many are expected, if the file tells.
OnFrame = Callable[[int, "int | None"], None]


@dataclasses.dataclass
class Stages:
    """How long each stage of a video was at work, in seconds; they overlap, so their sum may exceed `total_s`.

    Attributes:
        notes: what the result does not have of the source, and what was made different, a line for each.
    """

    decode_s: float = 0.0
    enhance_s: float = 0.0
    encode_s: float = 0.0
    total_s: float = 0.0
    frames: int = 0
    notes: tuple[str, ...] = ()

    @contextlib.contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Add the time spent in the block to a stage; each stage is timed on one thread only."""
        start = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, stage, getattr(self, stage) + time.perf_counter() - start)


def enhance_video(
    source: str | Path,
    target: str | Path,
    enhancer: Enhancer,
    *,
    look: Look = PLAIN,
    smoothing: Smoothing = STEADY,
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
) -> Stages:
    """Enhance a video file. Frames keep their times, sound is copied as it is, rotation is applied.

    `target` appears when it is whole; an exception, Ctrl-C among them, leaves nothing behind.

    Args:
        target: .mp4, .m4v, .mov or .mkv get H.264, .webm gets VP9, .avi gets MPEG-4; in 4:2:0 with 8 bits, which plays
            everywhere, whatever the source was.

    Raises:
        VideoError: PyAV is missing, the source cannot be read to its end, or the container cannot hold its sound.
        OutputError: the target exists and `overwrite` is False, or cannot be written.
        ModelError: the runtime failed.
    """
    source, target = Path(source), Path(target)
    reader_type, writer_type = _import_codecs()
    if target.suffix.lower() not in WRITABLE_SUFFIXES:
        expected = " ".join(sorted(WRITABLE_SUFFIXES))
        raise VideoError(f"{target}: cannot write a '{target.suffix}' video; expected one of {expected}")
    check_free(target, overwrite=overwrite)
    stages = Stages()
    stream = Stream(enhancer, look=look, smoothing=smoothing)
    with (
        stages.timing("total_s"),
        reader_type(source) as reader,
        unfinished_file(target, overwrite=overwrite) as unfinished,
        writer_type(unfinished, reader, target) as writer,
    ):
        _run_stages(reader, stream, writer, stages, on_frame)
        left_out = [*reader.left_out, *writer.left_out]
        stages.notes = (*([f"left out: {', '.join(left_out)}"] if left_out else []), *reader.changes, *writer.changes)
    return stages


def _run_stages(
    reader: VideoReader, stream: Stream, writer: VideoWriter, stages: Stages, on_frame: OnFrame | None
) -> None:
    def decode() -> Portion | None:
        with stages.timing("decode_s"):
            return reader.read()

    def encode(portion: Portion) -> None:
        with stages.timing("encode_s"):
            writer.write(portion)
        if portion.frame is not None:
            reader.give_back(portion.frame)

    def finish() -> None:
        with stages.timing("encode_s"):
            writer.finish()

    with _one_thread("decode") as decoding, _one_thread("encode") as encoding:
        decoded = deque(decoding.submit(decode) for _ in range(_AHEAD_FRAMES))
        encoded: deque[Future[None]] = deque()
        while (portion := decoded.popleft().result()) is not None:
            decoded.append(decoding.submit(decode))
            if portion.frame is not None:
                with stages.timing("enhance_s"):
                    stream.enhance_into(portion.frame, portion.frame)
                stages.frames += 1
            encoded.append(encoding.submit(encode, portion))
            if len(encoded) > _AHEAD_FRAMES:
                encoded.popleft().result()
            if on_frame is not None and portion.frame is not None:
                on_frame(stages.frames, reader.expected_frames)
        encoded.append(encoding.submit(finish))
        for future in encoded:
            future.result()


@contextlib.contextmanager
def _one_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """A thread that does one thing after another, and on the way out drops what it has not begun."""
    executor = ThreadPoolExecutor(1, thread_name_prefix=f"edge-dce-{name}")
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _import_codecs() -> tuple[type[VideoReader], type[VideoWriter]]:
    try:
        from edge_dce.files.video_reader import VideoReader
        from edge_dce.files.video_writer import VideoWriter
    except ImportError as error:
        raise VideoError(f"videos need PyAV ({error}); run: pip install 'edge-dce[video]'") from error
    return VideoReader, VideoWriter

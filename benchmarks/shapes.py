"""Peak memory of `edge-dce enhance` for pictures of any shape, and how long it takes to refuse one."""

from __future__ import annotations

import dataclasses
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.shape_files import WRITERS
from edge_dce.errors import EdgeDceError
from edge_dce.files.formats.limits import MOST_PIXELS
from edge_dce.reports.table import Table
from edge_dce.terminal.child import run_python

# What docs/reliability.md promises of whatever is accepted: at most so many times the bytes of the picture's samples,
# its file, and what the program and two threads' buffers take.
MOST_TIMES, MOST_BASE_MB = 8, 250
_CHANNELS = 3
_SMALL = (64, 48)
_FILLING_BYTES = 4_000_000
# The child tells its own peak: what `wait` tells of it begins with that of its parent.
_CHILD = (
    "import sys, time; from edge_dce.cli import main; from edge_dce.machine import read_peak_rss_mb; "
    "start = time.perf_counter(); status = main(sys.argv[1:]); "
    "print(status, read_peak_rss_mb(), time.perf_counter() - start)"
)
_TIMEOUT_S = 1800.0


@dataclasses.dataclass(frozen=True)
class ShapeUse:
    """What one picture took.

    Attributes:
        kind: of file, a key of `WRITERS`.
        bits: of a sample.
        peak_mb: resident memory of the whole process at most.
        file_mb: of the picture's file.
        base_mb: the peak with a picture of hardly any pixels.
    """

    kind: str
    width: int
    height: int
    bits: int
    peak_mb: float
    file_mb: float
    base_mb: float

    @property
    def sample_mb(self) -> float:
        """Of the decoded picture."""
        return self.width * self.height * _CHANNELS * self.bits / 8 / 2**20

    @property
    def own_mb(self) -> float:
        """What the pixels took: without the program and the file. Of few pixels it is less than programs differ by."""
        return max(0.0, self.peak_mb - self.base_mb - self.file_mb)

    @property
    def bytes_per_pixel(self) -> float:
        return self.own_mb * 2**20 / (self.width * self.height)

    @property
    def times(self) -> float:
        """How many times its samples."""
        return self.own_mb / self.sample_mb

    @property
    def is_within(self) -> bool:
        """Whether that is what is promised."""
        return self.peak_mb <= MOST_BASE_MB + self.file_mb + MOST_TIMES * self.sample_mb


@dataclasses.dataclass(frozen=True)
class Refusal:
    """How long the command took over what it refuses, without its start."""

    what: str
    took_s: float


def measure_shapes(
    kinds: Iterable[str] = tuple(WRITERS), *, megapixels: float = 100, bits: tuple[int, ...] = (8, 16)
) -> tuple[ShapeUse, ...]:
    """Enhance a file of every kind, depth and shape, each in a process of its own.

    Args:
        megapixels: of the largest.
        bits: of the samples; a JPEG has 8.

    Raises:
        EdgeDceError: a picture that should be accepted is refused, or the system does not tell how much memory it took.
    """
    uses = []
    with tempfile.TemporaryDirectory(prefix="edge-dce-") as folder:
        for kind in kinds:
            for depth in (8,) if kind == "JPEG" else bits:
                base_mb, _ = _measure_peak_mb(Path(folder), kind, *_SMALL, depth)
                for width, height in _list_shapes(WRITERS[kind][2], round(megapixels * 1e6)):
                    used = _measure_peak_mb(Path(folder), kind, width, height, depth)
                    uses.append(ShapeUse(kind, width, height, depth, *used, base_mb))
    return tuple(uses)


def measure_refusals() -> tuple[Refusal, ...]:
    """Name small files that promise too much.

    Raises:
        EdgeDceError: one is accepted.
    """
    refusals = []
    with tempfile.TemporaryDirectory(prefix="edge-dce-") as folder:
        for what, (suffix, data) in _make_refused().items():
            source = Path(folder, f"input{suffix}")
            source.write_bytes(data)
            status, _, took_s = _enhance(source)
            if status != 1:
                raise EdgeDceError(f"expected {what} to be refused with status 1, found {status}")
            refusals.append(Refusal(what, took_s))
    return tuple(refusals)


def format_shapes(uses: Iterable[ShapeUse]) -> str:
    """A table for the terminal."""
    return _make_table(uses).to_text()


def format_refusals(refusals: Iterable[Refusal]) -> str:
    return "\n".join(f"{refusal.what}: refused in {refusal.took_s:.2f} s" for refusal in refusals)


def render_shapes(record: dict[str, Any]) -> str:
    """What `python -m benchmarks shapes --json` wrote, as Markdown."""
    uses = [ShapeUse(**each) for each in record["shapes"]]
    slowest_s = max(each["took_s"] for each in record["refusals"])
    return "\n\n".join(
        [
            _make_table(uses).to_markdown(),
            f"Of {len(record['refusals'])} files that promise too much, each was refused within {slowest_s:.2f} s.",
        ]
    )


def _make_table(uses: Iterable[ShapeUse]) -> Table:
    rows = [
        [
            use.kind,
            f"{use.bits}",
            f"{use.width}x{use.height}",
            f"{use.peak_mb:.0f}",
            f"{use.file_mb:.0f}",
            f"{use.bytes_per_pixel:.1f}",
            f"{use.times:.1f}",
            "yes" if use.is_within else "NO",
        ]
        for use in uses
    ]
    return Table(
        ["file", "bits", "pixels", "peak MB", "MB of the file", "bytes a pixel", "times its samples", "as promised"],
        rows,
    )


def _list_shapes(longest_px: int, pixels: int) -> Iterator[tuple[int, int]]:
    """A row, a column, a square, and as many pixels as a bar either way."""
    longest_px = min(longest_px, pixels)
    side, across = round(pixels**0.5), max(1, pixels // longest_px)
    yield from ((longest_px, 1), (1, longest_px), (side, side), (longest_px, across), (across, longest_px))


def _measure_peak_mb(folder: Path, kind: str, width: int, height: int, bits: int) -> tuple[float, float]:
    """Of the process, and the file's size."""
    write, suffix, _ = WRITERS[kind]
    source = folder / f"input{suffix}"
    write(source, width, height, bits)
    status, peak_mb, _ = _enhance(source)
    if status:
        raise EdgeDceError(f"{kind} of {width}x{height} pixels with {bits} bits: expected status 0, found {status}")
    return peak_mb, source.stat().st_size / 2**20


def _enhance(source: Path) -> tuple[int, float, float]:
    """Exit status, peak memory in MB, seconds."""
    target = source.with_name(f"output{source.suffix}")
    target.unlink(missing_ok=True)
    found = run_python(("-c", _CHILD, "enhance", str(source), "-o", str(target)), timeout_s=_TIMEOUT_S)
    last = found.output.splitlines()[-1].split() if found.output else []
    if found.failure or len(last) != 3 or last[1] == "None":
        raise EdgeDceError(f"expected the peak memory of a process, found: {found.failure or found.output[-200:]}")
    return int(last[0]), float(last[1]), float(last[2])


def _make_refused() -> dict[str, tuple[str, bytes]]:
    rows = zlib.compress(bytes(60_000_000), 9)
    return {
        "a PNG of 20,000,000x1 pixels": (".png", _make_png(20_000_000, 1, rows)),
        "a PNG of 1x20,000,000 pixels": (".png", _make_png(1, 20_000_000, rows)),
        f"a PNG of {MOST_PIXELS + 1:,} pixels": (".png", _make_png((MOST_PIXELS + 2) // 1000, 1001, rows)),
        "a TIFF of one tile of 18,000x18,000 pixels": (".tif", _make_large_tile(18_000)),
        "a TIFF of one tile without end": (".tif", _make_large_tile(1 << 30)),
        "a TIFF whose entries name the same values": (".tif", _make_overlaid()),
        "a JPEG of fill bytes": (".jpg", b"\xff\xd8" + b"\xff" * _FILLING_BYTES),
    }


def _make_png(width: int, height: int, data: bytes) -> bytes:
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _make_large_tile(tile_px: int) -> bytes:
    """A picture of 16x16 pixels in one tile."""
    entries = ((256, 16), (257, 16), (258, 8), (259, 8), (262, 1), (277, 1), (322, tile_px), (323, tile_px))
    data = zlib.compress(bytes(min(tile_px**2, 400_000_000)), 9)
    at = 8 + 2 + 12 * (len(entries) + 2) + 4
    packed = [struct.pack("<HHII", tag, 4, 1, number) for tag, number in (*entries, (324, at), (325, len(data)))]
    return b"II*\0" + struct.pack("<IH", 8, len(packed)) + b"".join(packed) + bytes(4) + data


def _make_overlaid() -> bytes:
    """300 entries, each of all the file's bytes."""
    entries = b"".join(struct.pack("<HHII", 1000 + number, 4, _FILLING_BYTES // 4, 8) for number in range(300))
    at = 8 + _FILLING_BYTES
    return b"II*\0" + struct.pack("<I", at) + bytes(_FILLING_BYTES) + struct.pack("<H", 300) + entries + bytes(4)

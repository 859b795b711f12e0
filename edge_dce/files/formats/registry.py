"""Which picture files are read and written, and what each kind holds: the one table that everything asks.

docs/enhancing.md shows it: `python -m benchmarks table`.
"""

from __future__ import annotations

import dataclasses
import importlib.util

ALPHA = "alpha"
DEPTH = "16 bits"
PROFILE = "color profile"
HDR = "HDR"
EXIF = "EXIF"
XMP = "XMP"
IPTC = "IPTC"
RESOLUTION = "resolution"
TEXT = "text"
TIFF_TAGS = "TIFF tags"
FRAMES = "further frames"
FEATURES = (DEPTH, ALPHA, PROFILE, HDR, FRAMES, EXIF, XMP, IPTC, RESOLUTION, TEXT, TIFF_TAGS)


@dataclasses.dataclass(frozen=True)
class Format:
    """A kind of picture file.

    Attributes:
        suffixes: which names its files have, the usual one first.
        reads: what of the features above is read.
        holds: what is written; None where the format is only read.
        package: which package reads it, or None where no other is needed; `extra` brings it.
    """

    name: str
    suffixes: tuple[str, ...]
    reads: frozenset[str]
    holds: frozenset[str] | None = None
    package: str | None = None
    extra: str | None = None

    @property
    def is_installed(self) -> bool:
        """Whether what reads it is there."""
        return self.package is None or importlib.util.find_spec(self.package) is not None


_PNG = frozenset({DEPTH, ALPHA, PROFILE, HDR, EXIF, XMP, RESOLUTION, TEXT, FRAMES})
_JPEG = frozenset({PROFILE, EXIF, XMP, IPTC, RESOLUTION, TEXT})
_TIFF = frozenset({DEPTH, ALPHA, PROFILE, EXIF, XMP, IPTC, RESOLUTION, TIFF_TAGS})
_WEBP = frozenset({ALPHA, PROFILE, EXIF, XMP, FRAMES})

PNG = Format("PNG", (".png",), _PNG, _PNG)
JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), _JPEG, _JPEG)
TIFF = Format("TIFF", (".tif", ".tiff"), _TIFF, _TIFF)
WEBP = Format("WEBP", (".webp",), _WEBP, _WEBP)
BMP = Format("BMP", (".bmp",), frozenset({RESOLUTION, ALPHA}), frozenset({RESOLUTION}))
GIF = Format("GIF", (".gif",), frozenset({ALPHA, FRAMES, TEXT}))
PPM = Format("PPM", (".ppm", ".pgm", ".pbm", ".pnm"), frozenset({DEPTH}))
AVIF = Format("AVIF", (".avif",), frozenset({ALPHA, PROFILE, HDR, FRAMES, EXIF, XMP}))
HEIC = Format(
    "HEIC",
    (".heic", ".heif", ".hif"),
    frozenset({DEPTH, ALPHA, PROFILE, HDR, EXIF, XMP}),
    package="pillow_heif",
    extra="heic",
)
RAW = Format(
    "raw",
    (".dng", ".arw", ".cr2", ".cr3", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw"),
    frozenset({DEPTH, EXIF}),
    package="rawpy",
    extra="raw",
)
FORMATS = (JPEG, PNG, TIFF, WEBP, BMP, GIF, PPM, AVIF, HEIC, RAW)

# A folder of a camera's raw files and JPEGs is enhanced without the raw files where nothing can develop them.
READABLE_SUFFIXES = frozenset(
    suffix for known in FORMATS if known is not RAW or known.is_installed for suffix in known.suffixes
)
_WRITERS = {suffix: known for known in FORMATS if known.holds is not None for suffix in known.suffixes}
WRITABLE_SUFFIXES = frozenset(_WRITERS)


def find_writer(suffix: str) -> Format | None:
    """The format that is written for a suffix, or None."""
    return _WRITERS.get(suffix.lower())


def list_suffixes(suffixes: frozenset[str]) -> str:
    """For messages."""
    return " ".join(sorted(suffixes))

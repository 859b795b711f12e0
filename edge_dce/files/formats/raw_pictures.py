"""Raw files of cameras, developed by LibRaw: what the sensor recorded, not the small JPEG that lies beside it.

Needs rawpy, of the extra `raw`, which is imported when the first raw file is read.
"""

from __future__ import annotations

import io

from edge_dce.errors import ImageError
from edge_dce.files.formats import metadata
from edge_dce.files.formats.limits import check_size
from edge_dce.files.formats.tiff_directories import is_tiff, read_directories
from edge_dce.files.picture import Picture

# How raw files begin that are no TIFF, or no plain one.
_STARTS = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILM", b"FOVb", b"II\x1a\0\0\0HEAPCCDR")
_CR2_AT, _CR2 = 8, b"CR"
_CR3_AT, _CR3 = 4, b"ftypcrx "
# Enough for the brands of a HEIC, too.
HEAD_BYTES = 64


def is_raw(data: bytes) -> bool:
    """Whether a file is a raw file; of files that are no TIFF the first `HEAD_BYTES` tell.

    Raises:
        ValueError, struct.error: a damaged TIFF.
    """
    if data.startswith(_STARTS) or data.startswith(_CR3, _CR3_AT) or data.startswith(_CR2, _CR2_AT):
        return True
    return is_tiff(data) and any(directory.is_raw for directory in read_directories(data))


def read_raw(data: bytes) -> Picture:
    """Develop a raw file: 16 bits, the camera's white balance, sRGB, and no light added.

    Raises:
        ImageError: rawpy is missing, or the file is damaged, too large, or of a camera that LibRaw does not know.
    """
    try:
        import rawpy
    except ImportError as error:
        raise ImageError(f"a camera's raw file needs rawpy ({error}); run: pip install 'edge-dce[raw]'") from error
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            check_size(raw.sizes.raw_width, raw.sizes.raw_height)
            image = raw.postprocess(
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=(2.4, 12.92),
                use_camera_wb=True,
                no_auto_bright=True,
            )
    except rawpy.LibRawError as error:
        reason = str(error.args[0].decode() if isinstance(error.args[0], bytes) else error)
        raise ImageError(
            f"a raw file that LibRaw cannot develop ({reason}); develop it by the camera's program"
        ) from error
    return Picture(image, exif=_read_exif(data))


def _read_exif(data: bytes) -> bytes | None:
    return metadata.keep_exif(metadata.load_exif(data), is_of_tiff=True) if is_tiff(data[:4]) else None

"""The archive behind a model, read as what anybody may have put there: nothing is unpacked before its size is known."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

# Cards of ours have about 2 kB.
MOST_BYTES = 1 << 17
# A model may carry files of other tools beside its card.
_MOST_ENTRIES = 64
# The records at the end of an archive and of one of 64 bits (APPNOTE.TXT 4.3.15 and 4.3.16).
_END, _END_BYTES = b"PK\x05\x06", 22
_END_64, _END_64_BYTES = b"PK\x06\x07", 20


def split(data: bytes, name: str) -> tuple[bytes, bytes | None]:
    """A model without the archive behind it, and a file of the archive; all of `data` and None where there is none.

    Raises:
        ValueError: the archive is damaged, larger than `MOST_BYTES`, compressed by another method than deflate, behind
            another archive, or holds two files of that name.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data, None
    try:
        _check_directory(data)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            named = [entry for entry in entries if entry.filename == name]
            if not named:
                return data, None
            content = data[: min(entry.header_offset for entry in entries)]
            if len(named) > 1 or zipfile.is_zipfile(io.BytesIO(content)):
                raise ValueError("more than one")
            return content, _unpack(archive, named[0])
    except (EOFError, OSError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error


def _check_directory(data: bytes) -> None:
    """Raise ValueError for an archive of more than a few files, before any is looked at.

    `zipfile` takes the same record of the end; one of 64 bits before it would count for more.
    """
    place = data.rfind(_END, 0, len(data) - _END_BYTES + len(_END))
    count, size = struct.unpack_from("<HI", data, place + 10)
    if data[max(0, place - _END_64_BYTES) :].startswith(_END_64):
        raise ValueError("an archive of 64 bits")
    if count > _MOST_ENTRIES or size > MOST_BYTES:
        raise ValueError(f"an archive of {count} files")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"compressed by method {entry.compress_type}")
    if max(entry.file_size, entry.compress_size) > MOST_BYTES:
        raise ValueError(f"{entry.file_size} bytes, more than {MOST_BYTES}")
    with archive.open(entry) as file:
        # Whatever the sizes say.
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return text

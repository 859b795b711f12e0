"""What is left free on a disk: a system whose disk is full to the last byte cannot even log that it is."""

from __future__ import annotations

import shutil
from pathlib import Path

RESERVE_BYTES = 64 * 1024 * 1024


def find_shortage(folder: Path, reserve_bytes: int) -> str | None:
    """What is missing where less than the reserve is free, or None."""
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        return f"{folder}: {error.strerror}"
    if free_bytes >= reserve_bytes:
        return None
    return f"{folder}: expected {reserve_bytes >> 20} MB free or more, found {free_bytes >> 20}"

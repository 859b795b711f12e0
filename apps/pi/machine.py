"""What the machine tells about itself while the script runs."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path
from typing import Any

_TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")


def measure_machine() -> dict[str, Any]:
    """Resident memory and temperature, each None where the system does not tell."""
    return {"rss_bytes": _read_rss_bytes(), "temperature_c": _read_temperature_c()}


def _read_rss_bytes() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return None


def _read_temperature_c() -> float | None:
    with contextlib.suppress(OSError, ValueError):
        return int(_TEMPERATURE.read_text()) / 1000
    return None

"""Which TFLite runtime has a wheel for this device.

`scripts/install-pi.sh` asks here too.
"""

from __future__ import annotations

import struct
import sys

LITERT = "ai-edge-litert>=1.2"
TFLITE = "tflite-runtime==2.14.0"


def choose_runtime(python: tuple[int, int] | None = None, bits: int | None = None) -> str | None:
    """What pip has to install, or None where no runtime has a wheel.

    Args:
        python: (major, minor); None is this one.
        bits: of the userland; None is this one's. The kernel's word for the machine misleads: 32-bit Raspberry Pi OS
            runs on a 64-bit kernel.
    """
    python = python or sys.version_info[:2]
    bits = bits or struct.calcsize("P") * 8
    if bits == 64:
        return LITERT if (3, 10) <= python <= (3, 14) else None
    return TFLITE if (3, 10) <= python <= (3, 11) else None


def main() -> int:
    """Print the requirement for this Python; exit status 1 where there is none."""
    requirement = choose_runtime()
    if requirement is None:
        version, bits = ".".join(str(part) for part in sys.version_info[:2]), struct.calcsize("P") * 8
        print(f"no TFLite runtime has a wheel for {bits}-bit Python {version}", file=sys.stderr)
        return 1
    print(requirement)
    return 0

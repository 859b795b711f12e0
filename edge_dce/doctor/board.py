"""The machine below Python: system, memory, clock, heat, power, cameras; read from files and never changed.

Every function takes the root of the file system, which is / except in tests.
"""

from __future__ import annotations

import os
import platform
import struct
from pathlib import Path

from edge_dce.doctor import child
from edge_dce.doctor.finding import Finding

# A photo of 12 megapixels and its enhanced copy, in a process that loaded numpy, OpenCV and a model.
_LITTLE_MEMORY_MB = 250
# Raspberry Pi firmware lowers the clock from here on.
_HOT_C = 80
# `vcgencmd get_throttled`: now, and 16 bits higher since boot.
_THROTTLING = (
    (0x1, "under-voltage", "use the official power supply and a short cable"),
    (0x8, "soft temperature limit", "add a heat sink or a fan"),
    (0x4, "throttled", "add a heat sink or a fan; use the official power supply"),
    (0x2, "clock capped", "add a heat sink or a fan; use the official power supply"),
)
# Video nodes of a Raspberry Pi that are no cameras: codecs and image processors.
_NO_CAMERA_DRIVERS = ("bcm2835-codec", "bcm2835-isp", "rpi-hevc-dec", "rpivid", "pispbe", "hantro-vpu")
# The nodes of the camera connector speak raw sensor data: they are used through libcamera.
_CONNECTOR_DRIVERS = ("unicam", "rp1-cfe")


def read_line(path: Path) -> str | None:
    """The text of a small file of the kernel, without its end; None where there is none to read."""
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def read_model(root: Path) -> str | None:
    """What the board calls itself ("Raspberry Pi 4 Model B Rev 1.4"), None on a PC."""
    return read_line(root / "proc/device-tree/model")


def is_raspberry_pi(root: Path) -> bool:
    return (read_model(root) or "").startswith("Raspberry Pi")


def examine_system(root: Path) -> Finding:
    """Operating system, board, kernel and userland."""
    lines = dict(line.split("=", 1) for line in (read_line(root / "etc/os-release") or "").splitlines() if "=" in line)
    name = lines.get("PRETTY_NAME", platform.system()).strip('"')
    board = read_model(root)
    machine, bits = platform.machine(), struct.calcsize("P") * 8
    found = ", ".join(part for part in (name, board, f"{machine} kernel, {bits}-bit userland") if part)
    return Finding("system", "ok", found)


def examine_memory(root: Path) -> Finding:
    """Memory that programs can have without swapping."""
    for line in (read_line(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            free_mb = int(line.split()[1]) // 1024
            if free_mb < _LITTLE_MEMORY_MB:
                remedy = "close other programs, or keep to small pictures"
                return Finding("memory", "warning", f"{free_mb} MB free", remedy)
            return Finding("memory", "ok", f"{free_mb} MB free")
    return Finding("memory", "ok", "the system does not tell")


def examine_clock(root: Path) -> Finding:
    """The governor that sets the CPU's clock."""
    cpufreq = root / "sys/devices/system/cpu/cpu0/cpufreq"
    governor = read_line(cpufreq / "scaling_governor")
    if governor is None:
        return Finding("clock", "ok", "the system does not tell (a virtual machine?)")
    current, limit = (read_line(cpufreq / f"{name}_freq") for name in ("scaling_cur", "scaling_max"))
    # The kernel counts kHz.
    speed = f", {int(current) // 1000} of {int(limit) // 1000} MHz" if current and limit else ""
    if governor == "powersave":
        remedy = "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        return Finding("clock", "warning", f"governor powersave{speed}: the slowest clock, always", remedy)
    return Finding("clock", "ok", f"governor {governor}{speed}")


def examine_temperature(root: Path) -> Finding:
    """The hottest thermal zone."""
    texts = [read_line(path) for path in sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))]
    # The kernel counts thousandths of a degree.
    temperatures_c = [int(text) / 1000 for text in texts if text and text.lstrip("-").isdigit()]
    if not temperatures_c:
        return Finding("temperature", "ok", "the system does not tell")
    found = f"{max(temperatures_c):.0f} °C"
    if max(temperatures_c) >= _HOT_C:
        remedy = "add a heat sink or a fan, or give it air"
        return Finding("temperature", "warning", f"{found}: boards slow down from {_HOT_C} °C on", remedy)
    return Finding("temperature", "ok", found)


def examine_power(root: Path) -> Finding:
    """Under-voltage and throttling, as the firmware of a Raspberry Pi tells."""
    vcgencmd = root / "usr/bin/vcgencmd"
    if not vcgencmd.exists():
        return Finding(
            "power", "ok", "vcgencmd is not installed" if is_raspberry_pi(root) else "the board does not tell"
        )
    outcome = child.run([str(vcgencmd), "get_throttled"])
    _, _, text = outcome.output.strip().partition("throttled=")
    if outcome.failure or not text:
        remedy = "sudo usermod -aG video $USER, and log in again"
        return Finding("power", "warning", f"vcgencmd: {outcome.failure or outcome.output.strip()}", remedy)
    bits = int(text, 16)
    for shift, when in ((0, "now"), (16, "since boot")):
        causes = [(name, remedy) for bit, name, remedy in _THROTTLING if bits >> shift & bit]
        if causes:
            found = f"{', '.join(name for name, _ in causes)} {when} ({text}): figures mean little"
            return Finding("power", "warning", found, causes[0][1])
    return Finding("power", "ok", "never throttled since boot")


def examine_cameras(root: Path) -> Finding:
    """Cameras that the kernel shows, by their nodes; none is opened."""
    cameras, closed = [], []
    for node in sorted((root / "sys/class/video4linux").glob("video*")):
        driver = (node / "device/driver").resolve().name
        # A USB camera has two nodes; the second carries metadata.
        if driver in _NO_CAMERA_DRIVERS or read_line(node / "index") not in (None, "0"):
            continue
        device = root / "dev" / node.name
        where = "on the camera connector" if driver in _CONNECTOR_DRIVERS else f"/dev/{node.name}"
        cameras.append(f"{read_line(node / 'name') or driver} ({where})")
        if not os.access(device, os.R_OK | os.W_OK):
            closed.append(node.name)
    found = ", ".join(cameras) or "none found"
    if closed:
        remedy = "sudo usermod -aG video $USER, and log in again"
        return Finding("cameras", "warning", f"{found}: no permission to use {', '.join(closed)}", remedy)
    if not cameras and is_raspberry_pi(root):
        remedy = "rpicam-hello --list-cameras; if it finds none either: the ribbon cable, both ends"
        return Finding("cameras", "warning", found, remedy)
    return Finding("cameras", "ok", found)

"""What `edge_dce.machine` and the kernel tell of the board, judged: system, memory, clock, heat, power, cameras.

Every function takes the root of the file system, which is / except in tests. Nothing is changed.
"""

from __future__ import annotations

import os
import platform
import struct
from pathlib import Path

from edge_dce import machine
from edge_dce.doctor.finding import Finding
from edge_dce.machine import Throttling, is_raspberry_pi, read_line
from edge_dce.terminal import child

# A photo of 12 megapixels and its enhanced copy, in a process that loaded numpy, OpenCV and a model.
_LITTLE_MEMORY_MB = 250
# Raspberry Pi firmware lowers the clock from here on.
_HOT_C = 80
# Of `edge_dce.machine.Throttling`, the cause of others first.
_THROTTLING_REMEDIES = {
    "under-voltage": "use the official power supply and a short cable",
    "soft temperature limit": "add a heat sink or a fan",
    "throttled": "add a heat sink or a fan; use the official power supply",
    "clock capped": "add a heat sink or a fan; use the official power supply",
}
# Video nodes of a Raspberry Pi that are no cameras: codecs and image processors.
_NO_CAMERA_DRIVERS = ("bcm2835-codec", "bcm2835-isp", "rpi-hevc-dec", "rpivid", "pispbe", "hantro-vpu")
# The nodes of the camera connector speak raw sensor data: they are used through libcamera.
_CONNECTOR_DRIVERS = ("unicam", "rp1-cfe")

# Numbers below ten are those that cameras are looked for under, and browsers want the capabilities of a camera alone.
_LOAD_LOOPBACK = (
    "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback video_nr=10 exclusive_caps=1 card_label=edge-dce"
)


def examine_system(root: Path) -> Finding:
    """Operating system, board, kernel and userland."""
    lines = dict(line.split("=", 1) for line in (read_line(root / "etc/os-release") or "").splitlines() if "=" in line)
    name = lines.get("PRETTY_NAME", platform.system()).strip('"')
    userland = f"{platform.machine()} kernel, {struct.calcsize('P') * 8}-bit userland"
    found = ", ".join(part for part in (name, machine.read_board_name(root), userland) if part)
    return Finding("system", "ok", found)


def examine_memory(root: Path) -> Finding:
    """Memory that programs can have without swapping."""
    free_mb = machine.read_available_memory_mb(root)
    if free_mb is None:
        return Finding("memory", "ok", "the system does not report it")
    if free_mb < _LITTLE_MEMORY_MB:
        return Finding("memory", "warning", f"{free_mb} MB free", "close other programs, or use smaller pictures")
    return Finding("memory", "ok", f"{free_mb} MB free")


def examine_clock(root: Path) -> Finding:
    """The governor that sets the CPU's clock."""
    governor = machine.read_governor(root)
    if governor is None:
        return Finding("clock", "ok", "the system does not report it (a virtual machine?)")
    clock_mhz, most_mhz = machine.read_condition(root).clock_mhz, machine.read_max_clock_mhz(root)
    speed = f", {clock_mhz:.0f} of {most_mhz:.0f} MHz" if clock_mhz and most_mhz else ""
    if governor == "powersave":
        remedy = "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        return Finding("clock", "warning", f"governor powersave{speed}: the clock always stays at its slowest", remedy)
    return Finding("clock", "ok", f"governor {governor}{speed}")


def examine_temperature(root: Path) -> Finding:
    """The processor's temperature."""
    temperature_c = machine.read_condition(root).temperature_c
    if temperature_c is None:
        return Finding("temperature", "ok", "the system does not report it")
    found = f"{temperature_c:.0f} °C"
    if temperature_c >= _HOT_C:
        remedy = "add a heat sink or a fan, or let more air reach the board"
        return Finding("temperature", "warning", f"{found}: boards slow down at {_HOT_C} °C", remedy)
    return Finding("temperature", "ok", found)


def examine_power(root: Path) -> Finding:
    """Under-voltage and throttling, as the firmware of a Raspberry Pi tells: through the kernel, or to `vcgencmd`."""
    throttling = machine.read_throttling(root)
    return _judge_throttling(throttling) if throttling else _ask_vcgencmd(root)


def _ask_vcgencmd(root: Path) -> Finding:
    vcgencmd = root / "usr/bin/vcgencmd"
    if not vcgencmd.exists():
        found = "vcgencmd is not installed" if is_raspberry_pi(root) else "the board does not report it"
        return Finding("power", "ok", found)
    result = child.run([str(vcgencmd), "get_throttled"])
    _, _, text = result.output.strip().partition("throttled=")
    if result.failure or not text:
        remedy = "sudo usermod -aG video $USER, and log in again"
        return Finding("power", "warning", f"vcgencmd: {result.failure or result.output.strip()}", remedy)
    return _judge_throttling(Throttling(int(text, 16)))


def _judge_throttling(throttling: Throttling) -> Finding:
    for told, when in ((throttling.now, "now"), (throttling.since_boot, "since boot")):
        causes = [name for name in _THROTTLING_REMEDIES if name in told]
        if causes:
            found = f"{', '.join(causes)} {when} ({throttling.bits:#x}): measurements mean little"
            return Finding("power", "warning", found, _THROTTLING_REMEDIES[causes[0]])
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
        remedy = "rpicam-hello --list-cameras; if it finds none either, check both ends of the ribbon cable"
        return Finding("cameras", "warning", found, remedy)
    return Finding("cameras", "ok", found)


def examine_loopback(root: Path) -> Finding:
    """The kernel module that makes cameras of what programs write, for `edge-dce live --virtual-camera`."""
    if (root / "sys/module/v4l2loopback").is_dir():
        nodes = sorted((root / "sys/devices/virtual/video4linux").glob("video*"))
        return Finding("loopback", "ok", ", ".join(f"/dev/{node.name}" for node in nodes) or "v4l2loopback, no device")
    found = f"v4l2loopback is not loaded; --virtual-camera needs it: {_LOAD_LOOPBACK}"
    return Finding("loopback", "ok", found)

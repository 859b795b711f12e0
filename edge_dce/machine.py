"""What this machine is and how it is doing: everything that decides how fast it runs, read in one place.

Every function takes what the system tells and answers None where it tells nothing: a virtual machine has no
thermometer, a Mac no /proc. `root` is the folder that stands for `/`, for tests.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

_ROOT = Path("/")
_CPU = "sys/devices/system/cpu"
# Where the Raspberry Pi's firmware tells about power and heat, as `vcgencmd get_throttled` prints it.
_PI_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
# Its bits for this moment; the same 16 bits higher for any moment since boot. Documented with `vcgencmd`.
_PI_FLAGS = ("under-voltage", "clock capped", "throttled", "soft temperature limit")
# Thermal zones that are the processor's own, in order of preference; of others the hottest stands for it.
_CPU_ZONES = ("cpu", "x86_pkg", "soc", "acpitz")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclasses.dataclass(frozen=True)
class Condition:
    """How the machine is doing at one moment.

    Attributes:
        temperature_c: of the processor, in °C.
        clock_mhz: of the fastest core at this moment.
        slowed_by: what slows the processor down at this moment ("under-voltage", "throttled", ...); None where
            nobody tells.
        throttle_events: how often it was throttled since boot, where the system counts.
    """

    temperature_c: float | None
    clock_mhz: float | None
    slowed_by: tuple[str, ...] | None
    throttle_events: int | None

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"slowed_by": None if self.slowed_by is None else list(self.slowed_by)}

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> Condition:
        """What `to_dict` wrote."""
        slowed_by = fields["slowed_by"]
        return Condition(**fields | {"slowed_by": None if slowed_by is None else tuple(slowed_by)})


def describe_machine(root: Path = _ROOT) -> dict[str, Any]:
    """What figures were measured on: for people and for JSON."""
    return {
        "cpu": read_cpu_name(root),
        "cores": os.cpu_count(),
        "usable_cores": count_usable_cores(),
        "memory_mb": _read_memory_mb(root),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "governor": read_governor(root),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def read_condition(root: Path = _ROOT) -> Condition:
    """The machine's condition now."""
    return Condition(
        temperature_c=_read_temperature_c(root),
        clock_mhz=_read_clock_mhz(root),
        slowed_by=_read_slowed_by(root),
        throttle_events=_read_throttle_events(root),
    )


def find_throttling(before: Condition, after: Condition) -> list[str]:
    """What slowed the processor down at either moment or, where the system counts, between them."""
    found = [*(before.slowed_by or ()), *(after.slowed_by or ())]
    if (after.throttle_events or 0) > (before.throttle_events or 0):
        found.append("throttled")
    return sorted(set(found))


def read_governor(root: Path = _ROOT) -> str | None:
    """The clock governor of the first core, such as "performance", "ondemand", "schedutil"."""
    return _read(root / _CPU / "cpu0/cpufreq/scaling_governor")


def count_usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_cpu_name(root: Path = _ROOT) -> str:
    """The board's name where there is one ("Raspberry Pi 5 Model B Rev 1.0"), else the processor's."""
    board = _read(root / "proc/device-tree/model")
    if board:
        return board.rstrip("\0")
    return _read_cpuinfo(root, "model name") or platform.processor() or "unknown"


def read_peak_rss_mb() -> float | None:
    """The most memory that this process held, in MB; None where the system does not tell (Windows)."""
    # Not getrusage on Linux: there a process starts with the peak of the one that started it.
    for line in (_read(Path("/proc/self/status")) or "").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def read_rss_bytes() -> int | None:
    """The memory that this process holds now; None where the system does not tell (macOS, Windows)."""
    for line in (_read(Path("/proc/self/status")) or "").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return None


def count_threads() -> int | None:
    """The threads of this process, those of native libraries too."""
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - nothing is done with the paths
    except OSError:
        return None


class LoadMeter:
    """How busy other programs keep the cores, from its making on.

    In a container the whole machine's cores count, which is what slows us.
    """

    def __init__(self, root: Path = _ROOT) -> None:
        self._root = root
        self._start_s, self._start = time.perf_counter(), self._read_foreign_s()

    def read_busy_cores(self) -> float | None:
        """Cores that were kept from us on average: by other programs, or by the host of a virtual machine."""
        elapsed_s, now = time.perf_counter() - self._start_s, self._read_foreign_s()
        if now is None or self._start is None or elapsed_s <= 0:
            return None
        return max(0.0, (now - self._start) / elapsed_s)

    def _read_foreign_s(self) -> float | None:
        for line in (_read(self._root / "proc/stat") or "").splitlines():
            name, *ticks = line.split()
            if name == "cpu" and len(ticks) >= 8:
                user, nice, system, _, _, irq, soft_irq, steal = (int(each) for each in ticks[:8])
                own = os.times()
                busy_s = (user + nice + system + irq + soft_irq + steal) / _TICKS_PER_S
                return busy_s - own.user - own.system - own.children_user - own.children_system
        return None


def _read_temperature_c(root: Path) -> float | None:
    zones = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        temperature = _read_int(zone / "temp")
        if temperature is not None:
            zones[f"{_read(zone / 'type')} {zone.name}"] = temperature / 1000
    for kind in _CPU_ZONES:
        of_this_kind = [temperature_c for name, temperature_c in zones.items() if name.lower().startswith(kind)]
        if of_this_kind:
            return max(of_this_kind)
    return max(zones.values(), default=None)


def _read_clock_mhz(root: Path) -> float | None:
    clocks_khz = [_read_int(path) for path in (root / _CPU).glob("cpu*/cpufreq/scaling_cur_freq")]
    known = [clock for clock in clocks_khz if clock is not None]
    if known:
        return max(known) / 1000
    listed = _read_cpuinfo(root, "cpu MHz")
    return float(listed) if listed else None


def _read_slowed_by(root: Path) -> tuple[str, ...] | None:
    told = _read(root / _PI_THROTTLED)
    coolers = [
        cooler
        for cooler in (root / "sys/class/thermal").glob("cooling_device*")
        if "cpufreq" in (_read(cooler / "type") or "")
    ]
    if told is None and not coolers:
        return None
    bits = int(told, 16) if told else 0
    flags = [name for bit, name in enumerate(_PI_FLAGS) if bits >> bit & 1]
    if any(_read_int(cooler / "cur_state") for cooler in coolers):
        flags.append("clock capped")
    return tuple(sorted(set(flags)))


def _read_throttle_events(root: Path) -> int | None:
    counts = [_read_int(path) for path in (root / _CPU).glob("cpu*/thermal_throttle/*_throttle_count")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _read_memory_mb(root: Path) -> int | None:
    for line in (_read(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return None


def _read_cpuinfo(root: Path, key: str) -> str | None:
    for line in (_read(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def _read_int(path: Path) -> int | None:
    text = _read(path)
    return int(text) if text and text.lstrip("-").isdigit() else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None

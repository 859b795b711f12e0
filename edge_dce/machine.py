"""What this machine is and how it is doing: everything that decides how fast it runs, read in one place.

Every function takes what the system tells and answers None where it tells nothing: a virtual machine has no
thermometer, a Mac no /proc. `root` is the folder that stands for `/`, for tests. Imports the standard library alone:
`edge-dce doctor` asks here too, where numpy or OpenCV cannot be imported.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

_ROOT = Path("/")
_CPU = "sys/devices/system/cpu"
# Where the Raspberry Pi's firmware tells about power and heat, as `vcgencmd get_throttled` prints it.
_PI_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
# Its bits for this moment; the same 16 bits higher for any moment since boot. Documented with `vcgencmd`.
_PI_FLAGS = ("under-voltage", "clock capped", "throttled", "soft temperature limit")
# Distributions that bring OpenCV. Debian's, python3-opencv, has no metadata.
OPENCVS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)
# Thermal zones that are the processor's own, in order of preference; of others the hottest stands for it.
_CPU_ZONES = ("cpu", "x86_pkg", "soc", "acpitz")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def find_cache_folder() -> Path | None:
    """Where this user's programs keep what they can make again, a folder of our own there; it need not exist yet.

    `EDGE_DCE_CACHE` names another. None where a user has no home.
    """
    named = os.environ.get("EDGE_DCE_CACHE")
    if named:
        return Path(named)
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "edge-dce"


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


@dataclasses.dataclass(frozen=True)
class Throttling:
    """What the firmware of a Raspberry Pi tells of power and heat; `bits` as `vcgencmd get_throttled` prints them."""

    bits: int

    @property
    def now(self) -> tuple[str, ...]:
        """What slows the board down at this moment, as in `Condition.slowed_by`."""
        return tuple(name for bit, name in enumerate(_PI_FLAGS) if self.bits >> bit & 1)

    @property
    def since_boot(self) -> tuple[str, ...]:
        """What slowed it down at any moment since boot."""
        return Throttling(self.bits >> 16).now


def describe_machine(root: Path = _ROOT) -> dict[str, Any]:
    """What figures were measured on: for people and for JSON."""
    return {
        "cpu": read_cpu_name(root),
        "cores": os.cpu_count(),
        "usable_cores": count_usable_cores(),
        "memory_mb": _read_memory_mb(root, "MemTotal"),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "governor": read_governor(root),
        "python": platform.python_version(),
        "numpy": _read_module_version("numpy", ("numpy",)),
        "opencv": _read_module_version("cv2", OPENCVS),
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
    return read_line(root / _CPU / "cpu0/cpufreq/scaling_governor")


def read_max_clock_mhz(root: Path = _ROOT) -> float | None:
    """The clock that the governor may choose at most, of the fastest core."""
    return _read_fastest_mhz(root, "scaling_max_freq")


def read_throttling(root: Path = _ROOT) -> Throttling | None:
    """What the firmware of a Raspberry Pi tells through the kernel; None elsewhere.

    Raises:
        ValueError: no hexadecimal number.
    """
    told = read_line(root / _PI_THROTTLED)
    return Throttling(int(told, 16)) if told else None


def read_available_memory_mb(root: Path = _ROOT) -> int | None:
    """The memory that programs can have without swapping, in MB."""
    return _read_memory_mb(root, "MemAvailable")


def count_usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_board_name(root: Path = _ROOT) -> str | None:
    """What the board calls itself ("Raspberry Pi 5 Model B Rev 1.0"); None on a PC."""
    return read_line(root / "proc/device-tree/model")


def is_raspberry_pi(root: Path = _ROOT) -> bool:
    return (read_board_name(root) or "").startswith("Raspberry Pi")


def read_cpu_name(root: Path = _ROOT) -> str:
    """The board's name where there is one, else the processor's."""
    return read_board_name(root) or _read_cpuinfo(root, "model name") or platform.processor() or "unknown"


def read_cpu_features(root: Path = _ROOT) -> frozenset[str]:
    """What Linux calls the CPU's instruction sets, as "avx2" or "bf16"; empty where it does not tell."""
    return frozenset((_read_cpuinfo(root, "flags") or _read_cpuinfo(root, "Features") or "").split())


def read_version(distribution: str) -> str | None:
    """Version of an installed distribution; None if its metadata is not there."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def read_line(path: Path) -> str | None:
    """The text of a small file of the kernel, without its end; None where there is none to read."""
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def read_peak_rss_mb() -> float | None:
    """The most memory that this process held, in MB; None where the system does not tell (Windows)."""
    # Not getrusage on Linux: there a process starts with the peak of the one that started it.
    for line in (read_line(Path("/proc/self/status")) or "").splitlines():
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
    for line in (read_line(Path("/proc/self/status")) or "").splitlines():
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
        for line in (read_line(self._root / "proc/stat") or "").splitlines():
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
            zones[f"{read_line(zone / 'type')} {zone.name}"] = temperature / 1000
    for kind in _CPU_ZONES:
        of_this_kind = [temperature_c for name, temperature_c in zones.items() if name.lower().startswith(kind)]
        if of_this_kind:
            return max(of_this_kind)
    return max(zones.values(), default=None)


def _read_clock_mhz(root: Path) -> float | None:
    fastest = _read_fastest_mhz(root, "scaling_cur_freq")
    listed = _read_cpuinfo(root, "cpu MHz") if fastest is None else None
    return float(listed) if listed else fastest


def _read_fastest_mhz(root: Path, name: str) -> float | None:
    clocks_khz = [_read_int(path) for path in (root / _CPU).glob(f"cpu*/cpufreq/{name}")]
    return max((clock / 1000 for clock in clocks_khz if clock is not None), default=None)


def _read_slowed_by(root: Path) -> tuple[str, ...] | None:
    throttling = read_throttling(root)
    coolers = [
        cooler
        for cooler in (root / "sys/class/thermal").glob("cooling_device*")
        if "cpufreq" in (read_line(cooler / "type") or "")
    ]
    if throttling is None and not coolers:
        return None
    flags = list(throttling.now) if throttling else []
    if any(_read_int(cooler / "cur_state") for cooler in coolers):
        flags.append("clock capped")
    return tuple(sorted(set(flags)))


def _read_throttle_events(root: Path) -> int | None:
    counts = [_read_int(path) for path in (root / _CPU).glob("cpu*/thermal_throttle/*_throttle_count")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _read_module_version(module: str, distributions: tuple[str, ...]) -> str | None:
    """Without importing it: as the module says where something else has imported it, else by metadata."""
    loaded: str | None = getattr(sys.modules.get(module), "__version__", None)
    if loaded:
        return loaded
    installed = next(filter(None, map(read_version, distributions)), None)
    # Packages of OpenCV number their builds in a fourth place.
    return ".".join(installed.split(".")[:3]) if installed else None


def _read_memory_mb(root: Path, key: str) -> int | None:
    for line in (read_line(root / "proc/meminfo") or "").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) // 1024
    return None


def _read_cpuinfo(root: Path, key: str) -> str | None:
    for line in (read_line(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def _read_int(path: Path) -> int | None:
    text = read_line(path)
    return int(text) if text and text.lstrip("-").isdigit() else None

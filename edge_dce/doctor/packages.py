"""Python and its packages: installed, importable, and fit for each other.

Versions come from the metadata; whether an import works is tried in a child process, which it may crash.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import platform
import struct
import sys
import sysconfig
from pathlib import Path

from edge_dce.doctor.finding import Finding, Level
from edge_dce.doctor.wheels import choose_runtime
from edge_dce.machine import OPENCVS, is_raspberry_pi, read_version
from edge_dce.terminal.child import ChildResult, run_python

_PYTHONS = ((3, 10), (3, 14))
# Distribution and what to import of it, in the order in which edge_dce.models.runtime prefers them.
_RUNTIMES = (("ai-edge-litert", "ai_edge_litert"), ("tflite-runtime", "tflite_runtime"))
# Later releases of OpenCV need numpy 2.
_OPENCV_FOR_NUMPY_1 = "==4.11.0.86"
_NUMPY_1 = f"'numpy<2' opencv-python-headless{_OPENCV_FOR_NUMPY_1}"
# What the package index does not have for 32-bit ARM, and Debian has.
_DEBIAN = {"numpy": "python3-numpy", "opencv": "python3-opencv", "pillow": "python3-pil"}
# Where Debian keeps what apt installs for its own Python.
_SYSTEM_PACKAGES = "usr/lib/python3/dist-packages"


def examine_python() -> Finding:
    """The interpreter and its environment."""
    version, bits = platform.python_version(), struct.calcsize("P") * 8
    where = f"in {_shorten(sys.prefix)}" if _in_venv() else "the system's Python, no virtual environment"
    found = f"{version}, {bits}-bit, {where}"
    if not _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        remedy = "python3.11 -m venv .venv (any Python from 3.10 to 3.14)"
        return Finding("python", "problem", f"{found}: expected 3.10 to 3.14", remedy)
    return Finding("python", "ok", found)


def examine_numpy() -> Finding:
    """numpy, and whether the runtime in use was built against it."""
    version = read_version("numpy")
    result = _try_import("numpy", "numpy.__version__")
    if result.failure:
        return _report_broken("numpy", version, result.failure)
    version = result.output.strip()
    if int(version.split(".")[0]) >= 2 and _find_runtimes() == ["tflite-runtime"]:
        found = f"{version} with tflite-runtime, which needs numpy 1 and stops with a SystemError"
        return Finding("numpy", "problem", found, pip_line(_NUMPY_1))
    return Finding("numpy", "ok", version)


def examine_opencv() -> Finding:
    """OpenCV, of which two distributions write into one folder and break each other."""
    installed = [name for name in OPENCVS if read_version(name)]
    result = _try_import("cv2", "cv2.__version__")
    named = " and ".join(f"{name} {read_version(name)}" for name in installed)
    if len(installed) > 1:
        remedy = f"{pip_line(uninstall=' '.join(installed))}; {_install_line('opencv')}"
        level: Level = "problem" if result.failure else "warning"
        return Finding("opencv", level, f"{named}: they overwrite each other's files", remedy)
    if result.failure and "libGL" in result.failure:
        return Finding("opencv", "problem", f"{named}: {result.failure}", "sudo apt install -y libgl1 libglib2.0-0")
    if result.failure:
        return _report_broken("opencv", named, result.failure)
    return Finding("opencv", "ok", named or f"{result.output.strip()}, the system's")


def examine_others() -> list[Finding]:
    """The small packages that edge_dce needs."""
    findings = []
    for name, module, tell in (("pillow", "PIL.Image", "PIL.__version__"), ("tqdm", "tqdm", "tqdm.__version__")):
        result = _try_import(module, tell)
        if result.failure:
            findings.append(_report_broken(name, read_version(name), result.failure))
        else:
            findings.append(Finding(name, "ok", result.output.strip()))
    return findings


def examine_runtime() -> Finding:
    """The TFLite runtimes, of which the first that can be imported is used."""
    requirement = choose_runtime()
    remedy = pip_line(f"'{requirement}'") if requirement else "use a 64-bit system, or 32-bit Raspberry Pi OS bookworm"
    works, broken = [], []
    for name, module in _RUNTIMES:
        version = read_version(name)
        if version is None:
            continue
        result = _try_import(f"{module}.interpreter")
        if result.failure:
            broken.append(f"{name} {version} cannot be imported ({result.failure})")
        else:
            works.append(f"{name} {version}")
    if not works:
        return Finding("runtime", "problem", "; ".join(broken) or "no TFLite runtime installed", remedy)
    found = " in use, ".join(works[:1] + [f"{name} too" for name in works[1:]])
    if broken:
        return Finding("runtime", "warning", f"{found}; {'; '.join(broken)}", remedy)
    return Finding("runtime", "ok", found)


def examine_picamera2(root: Path) -> Finding:
    """picamera2, which apt installs for the system's Python alone."""
    in_system = (root / _SYSTEM_PACKAGES / "picamera2").is_dir()
    if importlib.util.find_spec("picamera2") is not None:
        result = _try_import("picamera2")
        if result.failure is None:
            return Finding("picamera2", "ok", read_version("picamera2") or "the system's")
        remedy = "sudo apt install -y python3-picamera2"
        if "numpy" in result.failure:
            # "numpy.dtype size changed": what apt brings with picamera2 in bookworm was built against numpy 1.
            remedy = pip_line(_NUMPY_1)
        return Finding("picamera2", "warning", f"cannot be imported ({result.failure})", remedy)
    if in_system and _in_venv():
        remedy = f"/usr/bin/python3 -m venv --system-site-packages {_shorten(sys.prefix)}"
        found = "installed for the system, but this virtual environment does not see it"
        return Finding("picamera2", "warning", found, remedy)
    if in_system:
        found = f"installed for the system's Python, but {_shorten(sys.executable)} does not see it"
        return Finding("picamera2", "warning", found, "scripts/install-pi.sh, or run /usr/bin/python3")
    if is_raspberry_pi(root):
        remedy = "sudo apt install -y python3-picamera2"
        return Finding("picamera2", "warning", "not installed: the camera connector cannot be used", remedy)
    return Finding("picamera2", "ok", "not installed; only a Raspberry Pi needs it")


def examine_kivy() -> list[Finding]:
    """The libraries that Kivy opens a window with; nothing where Kivy is not installed."""
    version = read_version("kivy")
    if version is None:
        return []
    missing = [name for name in ("EGL", "GL") if ctypes.util.find_library(name) is None]
    if missing:
        found = f"Kivy {version}, but no {' and no '.join(f'lib{name}' for name in missing)}: no window will open"
        return [Finding("kivy", "warning", found, "sudo apt install -y libegl1 libgl1 libgl1-mesa-dri libmtdev1")]
    return [Finding("kivy", "ok", f"{version}, libEGL and libGL found")]


def pip_line(install: str = "", *, uninstall: str = "") -> str:
    """The command that installs into, or removes from, the environment of this very Python."""
    python = _shorten(sys.executable)
    line = f"-m pip uninstall -y {uninstall}" if uninstall else f"-m pip install {install}"
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    if not _in_venv() and marker.exists():
        # Debian's Python refuses pip outside an environment.
        return f"{python} -m venv --system-site-packages .venv && .venv/bin/python {line}"
    return f"{python} {line}"


def _find_runtimes() -> list[str]:
    return [name for name, module in _RUNTIMES if importlib.util.find_spec(module) is not None]


def _try_import(module: str, tell: str = "''") -> ChildResult:
    """Import in a child, which prints the value of the expression `tell`."""
    return run_python(["-c", f"import {module}; print({tell})"])


def _report_broken(name: str, version: str | None, failure: str) -> Finding:
    if not version and failure.startswith("ModuleNotFoundError"):
        return Finding(name, "problem", "not installed", _install_line(name))
    remedy = _install_line(name, "--force-reinstall --no-deps ")
    return Finding(name, "problem", f"{version or 'installed'}, cannot be imported ({failure})", remedy)


def _install_line(name: str, options: str = "") -> str:
    """The command that installs one of the packages edge_dce needs, in a release that fits numpy 1 where that is."""
    if struct.calcsize("P") == 4 and name in _DEBIAN:
        return f"sudo apt install -y {_DEBIAN[name]}"
    if name == "opencv":
        name = "opencv-python-headless"
        if (read_version("numpy") or "").startswith("1."):
            name += _OPENCV_FOR_NUMPY_1
    elif name == "numpy" and _find_runtimes() == ["tflite-runtime"]:
        name = "'numpy<2'"
    return pip_line(f"{options}{name}")


def _in_venv() -> bool:
    return sys.prefix != sys.base_prefix


def _shorten(path: str) -> str:
    """Relative to the working folder where that is below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative

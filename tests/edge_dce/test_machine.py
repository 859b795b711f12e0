import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_dce import machine

ROOT = Path(__file__).resolve().parents[2]
CPU = "sys/devices/system/cpu"
THERMAL = "sys/class/thermal"
PI_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


def write_files(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_description_of_this_machine_names_what_decides_speed() -> None:
    described = machine.describe_machine()
    assert {"cpu", "cores", "architecture", "governor", "python", "numpy", "opencv"} <= described.keys()
    assert described["cores"] == os.cpu_count()


def test_raspberry_pi_tells_board_governor_clock_heat_and_power(tmp_path: Path) -> None:
    root = write_files(
        tmp_path,
        {
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            f"{CPU}/cpu0/cpufreq/scaling_governor": "ondemand\n",
            f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "600000\n",
            f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "1800000\n",
            f"{THERMAL}/thermal_zone0/type": "cpu-thermal\n",
            f"{THERMAL}/thermal_zone0/temp": "61322\n",
            PI_THROTTLED: "50005\n",
        },
    )
    assert machine.read_cpu_name(root) == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine.read_governor(root) == "ondemand"
    condition = machine.read_condition(root)
    assert (condition.temperature_c, condition.clock_mhz) == (61.322, 1800)
    # Bits 0 and 2 are of this moment; 16 and 18 say that it happened since boot.
    assert condition.slowed_by == ("throttled", "under-voltage")


@pytest.mark.parametrize("line", ["flags\t\t: fpu avx2 amx_bf16", "Features\t: fp asimd bf16", ""])
def test_features_of_the_cpu_are_words_on_x86_and_arm(line: str, tmp_path: Path) -> None:
    root = write_files(tmp_path, {"proc/cpuinfo": f"processor\t: 0\n{line}\n"})
    assert machine.read_cpu_features(root) == set(line.partition(": ")[2].split())


def test_firmware_tells_what_happened_now_and_since_boot(tmp_path: Path) -> None:
    assert machine.read_throttling(tmp_path) is None
    throttling = machine.read_throttling(write_files(tmp_path, {PI_THROTTLED: "50008\n"}))
    assert throttling is not None
    assert throttling.now == ("soft temperature limit",)
    assert throttling.since_boot == ("under-voltage", "throttled")


def test_versions_are_told_without_importing_what_they_are_of(tmp_path: Path) -> None:
    for name, version in (("numpy", "2.4.6"), ("opencv_python", "4.11.0.86")):
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        write_files(tmp_path, {f"{name}-{version}.dist-info/METADATA": metadata})
    found = describe_in_bare_python(tmp_path)
    # As cv2.__version__ has it, so that reports of before and after can be compared.
    assert (found["numpy"], found["opencv"]) == ("2.4.6", "4.11.0")


def test_version_without_metadata_is_unknown_until_the_module_is_imported(tmp_path: Path) -> None:
    write_files(tmp_path, {"cv2.py": "__version__ = '4.6.0'"})
    assert describe_in_bare_python(tmp_path)["opencv"] is None
    assert describe_in_bare_python(tmp_path, "import cv2")["opencv"] == "4.6.0"


def describe_in_bare_python(packages: Path, first: str = "") -> dict[str, object]:
    """What `describe_machine` says in a Python that has nothing but what is in `packages`."""
    code = f"{first}\nimport json; from edge_dce.machine import describe_machine; print(json.dumps(describe_machine()))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (packages, ROOT)))}
    command = [sys.executable, "-S", "-c", code]
    child = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found: dict[str, object] = json.loads(child.stdout)
    return found


def test_temperature_is_the_processors_where_other_zones_are_hotter(tmp_path: Path) -> None:
    root = write_files(
        tmp_path,
        {
            f"{THERMAL}/thermal_zone0/type": "wifi",
            f"{THERMAL}/thermal_zone0/temp": "70000",
            f"{THERMAL}/thermal_zone1/type": "x86_pkg_temp",
            f"{THERMAL}/thermal_zone1/temp": "55000",
        },
    )
    assert machine.read_condition(root).temperature_c == 55


def test_kernel_that_caps_the_clock_is_seen(tmp_path: Path) -> None:
    cooler = f"{THERMAL}/cooling_device0"
    root = write_files(tmp_path, {f"{cooler}/type": "cpufreq-cpu0", f"{cooler}/cur_state": "0"})
    assert machine.read_condition(root).slowed_by == ()
    write_files(tmp_path, {f"{cooler}/cur_state": "3"})
    assert machine.read_condition(root).slowed_by == ("clock capped",)


def test_machine_that_tells_nothing_is_described_by_none(tmp_path: Path) -> None:
    assert machine.read_condition(tmp_path) == machine.Condition(None, None, None, None)
    assert machine.read_governor(tmp_path) is None
    assert machine.LoadMeter(tmp_path).read_busy_cores() is None


def test_throttling_between_two_moments_is_found_by_the_count(tmp_path: Path) -> None:
    count = f"{CPU}/cpu0/thermal_throttle/core_throttle_count"
    before = machine.read_condition(write_files(tmp_path, {count: "7"}))
    after = machine.read_condition(write_files(tmp_path, {count: "9"}))
    assert machine.find_throttling(before, before) == []
    assert machine.find_throttling(before, after) == ["throttled"]


def test_load_of_others_leaves_our_own_out(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    meter = machine.LoadMeter(write_files(tmp_path, {"proc/stat": "cpu 0 0 0 0 0 0 0 0 0 0\n"}))
    # A thousand seconds of others within the moment that this test takes.
    write_files(tmp_path, {"proc/stat": f"cpu {1000 * ticks} 0 0 0 0 0 0 0 0 0\n"})
    busy = meter.read_busy_cores()
    assert busy is not None
    assert busy > 1
    write_files(tmp_path, {"proc/stat": "cpu 0 0 0 0 0 0 0 0 0 0\n"})
    np.arange(10**6).sum()
    assert meter.read_busy_cores() == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process alone")
def test_peak_memory_is_that_of_the_process_itself_not_of_its_parent() -> None:
    ballast = np.ones(300_000_000, np.uint8)
    code = "from edge_dce.machine import read_peak_rss_mb; print(read_peak_rss_mb())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert 10 < float(child.stdout) < 250
    own = machine.read_peak_rss_mb()
    assert own is not None
    assert own > ballast.size / 2**20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_held_now_grows_and_shrinks_with_what_is_held() -> None:
    before = machine.read_rss_bytes()
    held = np.ones(64 << 20, np.uint8)
    grown = machine.read_rss_bytes()
    del held
    # An array of this size goes back to the system at once; half of it leaves room for all else.
    assert grown - before > 32 << 20
    assert grown - machine.read_rss_bytes() > 32 << 20

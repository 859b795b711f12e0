"""`edge-dce doctor` in situations made for it: boards as trees of files, environments with packages that are broken."""

import dataclasses
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from edge_dce import cli, doctor
from edge_dce.doctor import (
    board,
    checks,
    default_model,
    examine,
    format_findings,
    packages,
    reference,
    wheels,
    worst_level,
)
from edge_dce.doctor.finding import LEVELS, Finding
from edge_dce.models.catalog import DEFAULT_MODEL
from scripts.collect_typical import collect

ROOT = Path(__file__).resolve().parents[3]
GOOD_TRIAL = {
    "cpu": "Cortex-A76",
    "runtime": "ai-edge-litert",
    "runtime_version": "2.3.0",
    "size": [1920, 1080],
    "threads": 2,
    "default": {
        "model": "network-int8",
        "uses_xnnpack": True,
        "network_ms": 2.0,
        "end_to_end_ms": 20.0,
        "cleaned_ms": 30.0,
    },
    "twin": {
        "model": "network-float16",
        "uses_xnnpack": True,
        "network_ms": 4.0,
        "end_to_end_ms": 22.0,
        "cleaned_ms": 32.0,
    },
    "agreement_db": 45.0,
    "peak_rss_mb": 200.0,
}


def write_files(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def write_vcgencmd(root: Path, script: str) -> Path:
    write_files(root, {"usr/bin/vcgencmd": f"#!/bin/sh\n{script}\n"})
    (root / "usr/bin/vcgencmd").chmod(0o755)
    return root


def add_video_node(root: Path, node: str, *, driver: str, name: str, index: str = "0") -> None:
    folder = f"sys/class/video4linux/{node}"
    write_files(root, {f"{folder}/name": f"{name}\n", f"{folder}/index": f"{index}\n", f"dev/{node}": ""})
    (root / "drivers" / driver).mkdir(parents=True, exist_ok=True)
    (root / folder / "device").mkdir()
    (root / folder / "device/driver").symlink_to(root / "drivers" / driver)


@dataclasses.dataclass
class Environment:
    """A virtual environment that holds only what a test writes into it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def add(self, distribution: str, version: str, module: str, source: str = "") -> None:
        (site,) = self.folder.glob("lib/python*/site-packages")
        file = site / module / "__init__.py" if "." not in module else site / f"{module.replace('.', '/')}.py"
        if distribution:
            metadata = site / f"{distribution.replace('-', '_')}-{version}.dist-info" / "METADATA"
            write_files(site, {str(metadata): f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"})
        write_files(site, {str(file): f"__version__ = {version!r}\n{source}\n"})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [self.python, *arguments], capture_output=True, text=True, cwd=ROOT, env=clean, check=False
        )

    def examine(self) -> dict[str, Finding]:
        child = self.run("-m", "edge_dce", "doctor", "--json")
        assert child.stderr == ""
        report = json.loads(child.stdout)
        assert child.returncode == (1 if report["level"] == "problem" else 0)
        return {finding["name"]: Finding(**finding) for finding in report["findings"]}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    venv.create(tmp_path / "environment", symlinks=True)
    made = Environment(tmp_path / "environment")
    try:
        made.run("-c", "")
    except OSError as error:
        pytest.skip(f"this Python cannot start a copy of itself, as under emulation ({error.strerror})")
    return made


@pytest.mark.parametrize(
    ("bits", "level", "words"),
    [
        ("0x0", "ok", "never throttled"),
        ("0x1", "warning", "under-voltage now"),
        ("0x50000", "warning", "under-voltage, throttled since boot"),
        ("0xe0008", "warning", "soft temperature limit now"),
    ],
)
def test_throttling_is_told_as_the_firmware_tells_it(tmp_path: Path, bits: str, level: str, words: str) -> None:
    finding = board.examine_power(write_vcgencmd(tmp_path, f"echo throttled={bits}"))
    assert finding.level == level
    assert words in finding.found


def test_throttling_that_the_kernel_tells_needs_no_vcgencmd(tmp_path: Path) -> None:
    write_files(tmp_path, {"sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n"})
    finding = board.examine_power(write_vcgencmd(tmp_path, "exit 1"))
    assert finding.found == "under-voltage, throttled now (0x50005): measurements mean little"


def test_closed_firmware_device_names_the_group(tmp_path: Path) -> None:
    finding = board.examine_power(write_vcgencmd(tmp_path, "echo 'Can not open device file: /dev/vcio' >&2; exit 255"))
    assert finding.level == "warning"
    assert "/dev/vcio" in finding.found
    assert "usermod -aG video" in str(finding.remedy)


def test_firmware_that_answers_nonsense_stops_nothing(tmp_path: Path) -> None:
    root = write_vcgencmd(tmp_path, "echo throttled=perhaps")
    (finding,) = checks._try("power", lambda: board.examine_power(root))
    assert finding.level == "warning"
    assert "could not be examined" in finding.found


@pytest.mark.parametrize(("milli_c", "level"), [("79999", "ok"), ("80000", "warning")])
def test_hottest_zone_decides(tmp_path: Path, milli_c: str, level: str) -> None:
    zones = "sys/class/thermal/thermal_zone"
    write_files(tmp_path, {f"{zones}0/temp": "40000\n", f"{zones}1/temp": f"{milli_c}\n"})
    assert board.examine_temperature(tmp_path).level == level


def test_slowest_governor_is_a_warning_and_the_usual_one_is_none(tmp_path: Path) -> None:
    cpufreq = "sys/devices/system/cpu/cpu0/cpufreq"
    write_files(tmp_path, {f"{cpufreq}/scaling_governor": "powersave\n"})
    assert board.examine_clock(tmp_path).level == "warning"
    clock = {"scaling_governor": "ondemand\n", "scaling_cur_freq": "600000\n", "scaling_max_freq": "1800000\n"}
    write_files(tmp_path, {f"{cpufreq}/{name}": text for name, text in clock.items()})
    assert board.examine_clock(tmp_path) == Finding("clock", "ok", "governor ondemand, 600 of 1800 MHz")


@pytest.mark.parametrize(("available_kb", "level"), [(200_000, "warning"), (900_000, "ok")])
def test_little_memory_is_a_warning(tmp_path: Path, available_kb: int, level: str) -> None:
    write_files(tmp_path, {"proc/meminfo": f"MemTotal: 1 kB\nMemAvailable:   {available_kb} kB\n"})
    assert board.examine_memory(tmp_path).level == level


def test_board_and_system_are_named(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "etc/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        },
    )
    found = board.examine_system(tmp_path).found
    assert found.startswith("Debian GNU/Linux 12 (bookworm), Raspberry Pi 4 Model B Rev 1.4, ")


def test_cameras_are_told_from_codecs_and_metadata_nodes(tmp_path: Path) -> None:
    add_video_node(tmp_path, "video0", driver="unicam", name="unicam-image")
    add_video_node(tmp_path, "video1", driver="uvcvideo", name="HD Webcam")
    add_video_node(tmp_path, "video2", driver="uvcvideo", name="HD Webcam", index="1")
    add_video_node(tmp_path, "video10", driver="bcm2835-codec", name="bcm2835-codec-decode")
    found = board.examine_cameras(tmp_path).found
    assert found == "unicam-image (on the camera connector), HD Webcam (/dev/video1)"


def test_raspberry_pi_without_camera_is_a_warning_and_a_pc_is_not(tmp_path: Path) -> None:
    assert board.examine_cameras(tmp_path).level == "ok"
    write_files(tmp_path, {"proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"})
    assert board.examine_cameras(tmp_path).level == "warning"


def test_numpy_2_under_tflite_runtime_is_named_with_the_line_that_mends_it(environment: Environment) -> None:
    environment.add("numpy", "2.4.6", "numpy")
    environment.add("tflite-runtime", "2.14.0", "tflite_runtime")
    environment.add("", "2.14.0", "tflite_runtime.interpreter", "class Interpreter: pass")
    findings = environment.examine()
    assert findings["numpy"].level == "problem"
    assert "SystemError" in findings["numpy"].found
    assert str(findings["numpy"].remedy).endswith("-m pip install 'numpy<2' opencv-python-headless==4.11.0.86")
    assert str(environment.python) in str(findings["numpy"].remedy)


def test_empty_environment_has_a_line_for_everything_that_is_missing(environment: Environment) -> None:
    findings = environment.examine()
    problems = {name for name, finding in findings.items() if finding.level == "problem"}
    assert problems == {"numpy", "opencv", "pillow", "tqdm", "runtime", "network"}
    assert findings["runtime"].found == "no TFLite runtime installed"
    assert findings["opencv"].remedy == f"{environment.python} -m pip install opencv-python-headless"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise ImportError('\\n\\nIMPORTANT: PLEASE READ THIS\\n\\nlibopenblas.so.0: not found')", "libopenblas.so.0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
    ],
)
def test_numpy_that_cannot_be_imported_is_examined_all_the_same(
    environment: Environment, source: str, words: str
) -> None:
    environment.add("numpy", "2.4.6", "numpy", source)
    findings = environment.examine()
    assert findings["numpy"].level == "problem"
    assert words in findings["numpy"].found


def test_other_commands_point_to_the_doctor_where_numpy_is_missing(environment: Environment) -> None:
    child = environment.run("-m", "edge_dce", "models")
    assert child.returncode == 1
    assert child.stdout == ""
    assert child.stderr.startswith("edge-dce: error: this installation is broken (No module named ")
    assert child.stderr.endswith("run: edge-dce doctor\n")


def test_two_opencv_distributions_are_one_too_many(environment: Environment) -> None:
    environment.add("opencv-python", "5.0.0.93", "cv2")
    environment.add("opencv-python-headless", "5.0.0.93", "cv2")
    finding = environment.examine()["opencv"]
    assert finding.level == "warning"
    assert "pip uninstall -y opencv-python-headless opencv-python; " in str(finding.remedy)


def test_packages_without_a_wheel_come_from_debian_on_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("struct.calcsize", lambda form: 4)
    assert packages._install_line("opencv") == "sudo apt install -y python3-opencv"
    assert packages._install_line("tqdm").endswith("-m pip install tqdm")


def test_opencv_beside_numpy_1_is_the_last_one_for_it(environment: Environment) -> None:
    environment.add("numpy", "1.26.4", "numpy")
    assert str(environment.examine()["opencv"].remedy).endswith("pip install opencv-python-headless==4.11.0.86")


def test_picamera2_of_the_system_is_hidden_from_a_plain_environment(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "usr/lib/python3/dist-packages/picamera2").mkdir(parents=True)
    code = f"from edge_dce.doctor.packages import *; print(examine_picamera2(Path({str(tmp_path)!r})))"
    child = environment.run("-c", code)
    assert "installed for the system, but this virtual environment does not see it" in child.stdout
    remedy = f"/usr/bin/python3 -m venv --system-site-packages {environment.folder}"
    assert remedy in child.stdout


def test_remedy_for_a_hidden_package_keeps_the_environment_and_shows_it(environment: Environment) -> None:
    environment.add("numpy", "2.4.6", "numpy")
    assert "include-system-site-packages = false" in (environment.folder / "pyvenv.cfg").read_text()
    command = [sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", environment.folder]
    subprocess.run(command, check=True)
    assert "include-system-site-packages = true" in (environment.folder / "pyvenv.cfg").read_text()
    assert environment.run("-c", "import numpy; print(numpy.__version__)").stdout == "2.4.6\n"


def test_picamera2_from_pip_lacks_libcamera(environment: Environment) -> None:
    environment.add("picamera2", "0.3.38", "picamera2", "import libcamera")
    finding = environment.examine()["picamera2"]
    assert finding.level == "warning"
    assert "No module named 'libcamera'" in finding.found
    assert finding.remedy == "sudo apt install -y python3-picamera2"


def test_picamera2_of_bookworm_under_numpy_2_is_told_from_a_missing_library(environment: Environment) -> None:
    source = "raise ValueError('numpy.dtype size changed, may indicate binary incompatibility.')"
    environment.add("picamera2", "0.3.31", "picamera2", source)
    assert "pip install 'numpy<2'" in str(environment.examine()["picamera2"].remedy)


def test_kivy_is_examined_only_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "read_version", lambda name: None)
    assert packages.examine_kivy() == []
    monkeypatch.setattr(packages, "read_version", lambda name: "2.3.1")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: "libGL.so.1" if name == "GL" else None)
    (finding,) = packages.examine_kivy()
    assert finding.level == "warning"
    assert "no libEGL:" in finding.found
    assert "libegl1" in str(finding.remedy)


def test_this_environment_is_healthy_enough_to_enhance() -> None:
    findings = {finding.name: finding for finding in examine()}
    assert {"python", "system", "numpy", "opencv", "runtime", "network", "xnnpack", "speed"} <= set(findings)
    assert not [finding for finding in findings.values() if finding.level == "problem"]
    assert "1080p in " in findings["speed"].found


def judge(**changes: object) -> dict[str, Finding]:
    trial = GOOD_TRIAL | changes
    findings = [
        default_model._judge_result(trial),
        default_model._judge_delegate(trial),
        default_model._judge_speed(trial, None),
    ]
    return {finding.name: finding for finding in findings}


def test_good_trial_raises_nothing() -> None:
    assert worst_level(list(judge().values())) == "ok"


def test_wrong_results_are_a_problem_and_name_the_other_model() -> None:
    finding = judge(agreement_db=14.0)["network"]
    assert finding.level == "problem"
    assert finding.remedy == "edge-dce enhance --model network-float16 PHOTO"


def test_runtime_that_leaves_int8_out_of_xnnpack_is_a_warning() -> None:
    slow = GOOD_TRIAL["default"] | {"uses_xnnpack": False, "network_ms": 40.0}  # type: ignore[operator]
    finding = judge(default=slow, runtime="tflite-runtime", runtime_version="2.14.0")["xnnpack"]
    assert finding.level == "warning"
    assert "tflite-runtime 2.14.0 runs int8 without it" in finding.found


def test_what_is_typical_is_the_median_of_committed_results_for_the_default_model(tmp_path: Path) -> None:
    result = {"model": DEFAULT_MODEL, "runtime": "ai-edge-litert", "threads": 2, "size": [1920, 1080]}
    report = {
        "machine": {"cpu": "Cortex-A76"},
        "results": [
            result | {"end_to_end_ms": {"values": [9.0, 8.0, 7.0]}},
            result | {"model": "another", "end_to_end_ms": {"values": [1.0]}},
            result | {"runtime": "onnxruntime", "end_to_end_ms": {"values": [2.0]}},
        ],
    }
    write_files(tmp_path, {"pi-5/network-int8.json": json.dumps(report), "pi-5/other.json": '{"results": 1}'})
    assert json.loads(collect(tmp_path)) == [result | {"cpu": "Cortex-A76", "end_to_end_ms": 8.0}]


def test_package_holds_what_is_typical_wherever_it_is_installed() -> None:
    assert reference.TYPICAL.read_text(encoding="utf-8") == collect(), "run: python -m scripts.collect_typical"
    (row, *_) = json.loads(reference.TYPICAL.read_text(encoding="utf-8"))
    trial = {key: row[key] for key in ("cpu", "runtime", "threads", "size")} | {"default": {"model": DEFAULT_MODEL}}
    assert reference.find_end_to_end_ms(trial) == row["end_to_end_ms"]
    assert reference.TYPICAL.is_relative_to(Path(doctor.__file__).parent)


def test_speed_is_judged_by_results_of_the_same_processor_alone(tmp_path: Path) -> None:
    result = {"cpu": "Cortex-A76", "model": "network-int8", "runtime": "ai-edge-litert", "threads": 2}
    typical = tmp_path / "typical.json"
    typical.write_text(json.dumps([result | {"size": [1920, 1080], "end_to_end_ms": 8.0}]))
    assert reference.find_end_to_end_ms(GOOD_TRIAL | {"cpu": "Cortex-A72"}, typical) is None
    assert reference.find_end_to_end_ms(GOOD_TRIAL, typical) == 8.0
    assert default_model._judge_speed(GOOD_TRIAL, 8.0).level == "warning"
    assert default_model._judge_speed(GOOD_TRIAL, 10.0).level == "ok"
    assert "no reference for this CPU" in default_model._judge_speed(GOOD_TRIAL, None).found


@pytest.mark.parametrize(
    ("python", "bits", "requirement"),
    [
        ((3, 11), 64, "ai-edge-litert>=1.2"),
        ((3, 13), 64, "ai-edge-litert>=1.2"),
        ((3, 14), 64, "ai-edge-litert>=1.2"),
        ((3, 11), 32, "tflite-runtime==2.14.0"),
        ((3, 13), 32, None),
        ((3, 9), 64, None),
    ],
)
def test_runtime_follows_python_and_the_bits_of_the_userland(
    python: tuple[int, int], bits: int, requirement: str | None
) -> None:
    assert wheels.choose_runtime(python, bits) == requirement


def test_every_line_fits_80_columns_but_for_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    findings = [
        Finding("system", "ok", "a board with a very long name " * 5),
        Finding("numpy", "problem", "not installed", "python -m pip install numpy"),
        Finding("clock", "warning", "slow", "faster"),
    ]
    lines = format_findings(findings).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "         -> python -m pip install numpy" in lines
    assert lines[-1] == "1 problem, 1 warning"


def test_finding_that_is_not_ok_carries_a_remedy() -> None:
    for level in LEVELS[1:]:
        with pytest.raises(ValueError, match="without a remedy"):
            Finding("numpy", level, "broken")


def test_doctor_is_a_command_of_the_cli_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == 1
    assert set(report["findings"][0]) == {"name", "level", "found", "remedy"}


def test_doctor_takes_the_same_options_by_itself_and_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    pages = []
    for run, arguments in ((doctor.main, ["--help"]), (cli.main, ["doctor", "--help"])):
        with pytest.raises(SystemExit):
            run(arguments)
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1]

"""The script as a systemd service: its unit, its installation, and what it says to systemd."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.pi.running_camera import ROOT, run_camera

UNIT = "edge-dce-pi.service"
INSTALL = ROOT / "apps" / "pi" / "systemd" / "install-service.sh"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs: apt-get install systemd")


def install(destination: Path, *flags: str) -> str:
    result = subprocess.run(
        [INSTALL, *flags], env=os.environ | {"DESTDIR": str(destination)}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder that stands for / after the installation."""
    install(tmp_path, "--python", sys.executable)
    return tmp_path


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_systemd
def test_unit_is_valid(installed: Path) -> None:
    unit = installed / "etc/systemd/system" / UNIT
    result = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@needs_systemd
def test_unit_exposes_little(installed: Path) -> None:
    unit = installed / "etc/systemd/system" / UNIT
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert found, result.stderr
    # systemd's own scale of 0 to 10 calls up to 2 "OK"; a unit without any hardening has 9.6.
    assert float(found.group(1)) <= 2.0


def test_installing_twice_changes_nothing(installed: Path) -> None:
    settings = installed / "etc/edge-dce/pi.toml"
    settings.write_text(settings.read_text() + 'source = "usb:0"\n')
    before = list_files(installed)
    install(installed, "--python", sys.executable)
    assert list_files(installed) == before


def test_only_the_owner_reads_the_token(installed: Path) -> None:
    token = installed / "etc/edge-dce/token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert len(token.read_text().strip()) >= 32


def test_installed_settings_are_understood(installed: Path) -> None:
    settings, token = installed / "etc/edge-dce/pi.toml", installed / "etc/edge-dce/token"
    with run_camera("--config", str(settings), "--token-file", str(token), "--http", "127.0.0.1:0") as camera:
        assert camera.get("stats.json")[0] == 401
        assert camera.stats(token.read_text().strip())["camera"]["live"]


def test_unit_runs_this_checkout(installed: Path) -> None:
    text = (installed / "etc/systemd/system" / UNIT).read_text()
    assert f"WorkingDirectory={ROOT}\n" in text
    assert f"ExecStart={sys.executable} -m apps.pi --config /etc/edge-dce/pi.toml" in text
    assert "/opt/edge-dce" not in text.replace(str(ROOT), "")


def test_uninstalling_twice_keeps_settings_and_token(installed: Path) -> None:
    install(installed, "--uninstall")
    assert "kept" in install(installed, "--uninstall")
    assert set(list_files(installed)) == {"etc/edge-dce/pi.toml", "etc/edge-dce/token"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--python", "/nowhere/python"], "no such program; make the environment first"),
        (["--python", shutil.which("false") or "/bin/false"], "cannot run the script"),
        (["--force"], "expected --uninstall or --python PATH, found '--force'"),
    ],
)
def test_what_cannot_be_installed_is_told(flags: list[str], message: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [INSTALL, *flags], env=os.environ | {"DESTDIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith("install-service: error: ")
    assert message in result.stderr
    assert list_files(tmp_path) == {}


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """systemd's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(30)
        yield channel


def test_systemd_hears_ready_then_alive_then_stopping(systemd: socket.socket) -> None:
    env = os.environ | {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "600000"}
    with run_camera(env=env) as camera:
        assert systemd.recv(1000) == b"READY=1"
        start_s = time.monotonic()
        assert [systemd.recv(1000) for _ in range(4)] == [b"WATCHDOG=1\nSTATUS=live"] * 4
        # Every 0.2 s, a third of what systemd asked for, so that one may be late.
        assert time.monotonic() - start_s < 5
        assert camera.stop(signal.SIGTERM) == 0
        messages = []
        while not messages or messages[-1] != b"STOPPING=1":
            messages.append(systemd.recv(1000))


def test_watchdog_meant_for_another_process_is_left_alone(systemd: socket.socket) -> None:
    env = os.environ | {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"}
    with run_camera(env=env):
        assert systemd.recv(1000) == b"READY=1"
        systemd.settimeout(1)
        with pytest.raises(TimeoutError):
            systemd.recv(1000)

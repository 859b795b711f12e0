"""The element of GStreamer's as its users run it, against the enhancer itself."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from edge_dce.enhancer import load
from edge_dce.pixels.look import Look
from edge_dce.pixels.smoothing import FRAME_BY_FRAME, STEADY
from edge_dce.stream import Stream

ROOT = Path(__file__).resolve().parents[3]
# Rows of 322 pixels of three bytes are padded to four.
WIDTH, HEIGHT, STRIDE, FRAMES = 322, 180, 968, 4
PACKAGES = "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-python3-plugin-loader python3-gst-1.0"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where GStreamer's Python, which is Debian's, finds the element and this environment's packages."""
    env = os.environ | {
        "GST_PLUGIN_PATH": str(ROOT / "apps" / "gstreamer"),
        "GST_REGISTRY": str(tmp_path_factory.mktemp("gstreamer") / "registry"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")]),
    }
    if shutil.which("gst-inspect-1.0") is None:
        pytest.skip(f"needs GStreamer: apt-get install {PACKAGES}")
    version = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
    ).stdout.split()
    if version != [str(part) for part in sys.version_info[:2]]:
        pytest.skip("needs an environment of Debian's own Python, whose packages GStreamer can load")
    if subprocess.run(["gst-inspect-1.0", "python"], env=env, capture_output=True).returncode:
        pytest.skip(f"needs GStreamer's loader of Python: apt-get install {PACKAGES}")
    return env


def launch(folder: Path, env: dict[str, str], channel_order: str, properties: str) -> list[np.ndarray]:
    """The (frames, height, width, 3) before and after the element."""
    pipeline = (
        f"videotestsrc num-buffers={FRAMES} pattern=ball background-color=0xff101418 foreground-color=0xff605040 "
        f"! video/x-raw,format={channel_order},width={WIDTH},height={HEIGHT} ! tee name=both "
        f"both. ! queue ! filesink location={folder / 'before'} "
        f"both. ! queue ! edgedce {properties} ! filesink location={folder / 'after'}"
    )
    subprocess.run(["gst-launch-1.0", "-q", *pipeline.split()], env=env, check=True, timeout=120)
    found = []
    for name in ("before", "after"):
        rows = np.fromfile(folder / name, np.uint8).reshape(FRAMES, HEIGHT, STRIDE)
        found.append(rows[..., : 3 * WIDTH].reshape(FRAMES, HEIGHT, WIDTH, 3))
    return found


def test_each_frame_by_itself_is_the_enhancers_bit_for_bit(environment: dict[str, str], tmp_path: Path) -> None:
    before, after = launch(tmp_path, environment, "RGB", "smooth=false denoise=0 strength=0.8 max-brightness=0.9")
    enhancer, look = load(), Look(0.8, 0.9, 0)
    for frame, enhanced in zip(before, after, strict=True):
        assert np.array_equal(enhanced, enhancer.enhance(frame, look))
    assert after.mean() > 1.5 * before.mean()


@pytest.mark.parametrize(("properties", "smoothing"), [("", STEADY), ("smooth=false", FRAME_BY_FRAME)])
def test_frames_of_a_stream_are_those_of_a_stream(
    properties: str, smoothing: object, environment: dict[str, str], tmp_path: Path
) -> None:
    before, after = launch(tmp_path, environment, "BGR", properties)
    stream = Stream(load(), smoothing=smoothing)
    for frame, enhanced in zip(before, after, strict=True):
        expected = np.empty_like(frame)
        stream.enhance_into(frame, expected, channel_order="BGR")
        assert np.array_equal(enhanced, expected)


@pytest.mark.parametrize(
    ("properties", "message"),
    [("model=nothing", "nothing"), ("denoise=much", "much"), ("denoise=2", "denoise")],
)
def test_wrong_property_is_told_in_a_line(properties: str, message: str, environment: dict[str, str]) -> None:
    pipeline = f"videotestsrc num-buffers=1 ! video/x-raw,format=RGB ! edgedce {properties} ! fakesink"
    done = subprocess.run(["gst-launch-1.0", *pipeline.split()], env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ERROR: from element")]
    assert message in line
    assert "Traceback" not in done.stderr

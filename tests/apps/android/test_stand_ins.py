"""What the app does on a phone, against stand-ins of Java's classes on this machine's JVM."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_dce.enhancer import Enhancer
from edge_dce.errors import CameraError, ModelError
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, find_model

SOURCES = Path(__file__).resolve().parent / "java"

pytestmark = pytest.mark.skipif(
    shutil.which("javac") is None, reason="needs a Java compiler: sudo apt-get install default-jdk-headless"
)


@pytest.fixture(scope="module")
def jnius(tmp_path_factory: pytest.TempPathFactory) -> Any:
    classes = tmp_path_factory.mktemp("classes")
    sources = [str(path) for path in sorted(SOURCES.rglob("*.java"))]
    subprocess.run(["javac", "-nowarn", "-d", str(classes), *sources], check=True, capture_output=True)
    if "JAVA_HOME" not in os.environ:
        os.environ["JAVA_HOME"] = str(Path(shutil.which("javac")).resolve().parent.parent)
    jnius_config = pytest.importorskip("jnius_config", reason="needs pyjnius: pip install 'edge-dce[android]'")
    package = Path(importlib.util.find_spec("jnius").origin).parent
    jnius_config.set_classpath(str(classes), str(package / "src"))
    return pytest.importorskip("jnius")


@pytest.fixture
def java(jnius: Any) -> Any:
    stand_in = jnius.autoclass("org.tensorflow.lite.Interpreter")
    yield stand_in
    stand_in.isFailing = False
    stand_in.outputType = jnius.autoclass("org.tensorflow.lite.DataType").UINT8


@pytest.fixture
def camera_class(jnius: Any) -> Any:
    stand_in = jnius.autoclass("android.hardware.Camera")
    yield stand_in
    stand_in.isTaken = False


def read_model() -> ModelFile:
    return read_model_file(find_model(DEFAULT_MODEL))


def open_enhancer(threads: int = 2) -> Enhancer:
    from apps.camera.android.java_interpreter import open_java_interpreter

    # The card of a bundled model tells of another size and contract than the stand-in has.
    interpreter = open_java_interpreter(read_model(), threads=threads)
    return Enhancer(ModelFile(Path("stand-in.tflite"), b"", None), interpreter, threads=1, contract="curves")


def test_samples_cross_to_java_and_back(java: Any) -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    curves = open_enhancer().estimate_curves(image)
    # The stand-in stores 255 - x with scale 1/256 and zero point 255.
    assert np.allclose(curves, -image.astype(np.float32) / 256)


def test_threads_are_passed_on(java: Any) -> None:
    open_enhancer(threads=3)
    assert java.threads == 3


def test_enhancer_runs_frame_after_frame(java: Any) -> None:
    enhancer = open_enhancer()
    for value in (10, 200):
        frame = np.full((40, 60, 3), value, np.uint8)
        assert enhancer.enhance(frame).mean() > value


def test_failure_in_java_is_a_model_error(java: Any) -> None:
    enhancer = open_enhancer()
    java.isFailing = True
    with pytest.raises(ModelError, match=r"the runtime failed on an image .*Failed to run"):
        enhancer.enhance(np.zeros((4, 6, 3), np.uint8))


def test_model_without_card_is_refused(java: Any) -> None:
    from apps.camera.android.java_interpreter import open_java_interpreter

    with pytest.raises(ModelError, match="expected a model with a card"):
        open_java_interpreter(ModelFile(Path("x.tflite"), b"\0\0\0\0TFL3", None), threads=1)


def test_damaged_model_is_a_model_error(java: Any) -> None:
    from apps.camera.android.java_interpreter import open_java_interpreter

    nonsense = ModelFile(Path("x.tflite"), b"nonsense", read_model().card, is_trusted=True)
    with pytest.raises(ModelError, match=r"LiteRT cannot run this model .*not a valid TensorFlow Lite"):
        open_java_interpreter(nonsense, threads=1)
    # Of any but a bundled model the tables are checked first, whatever its card says.
    with pytest.raises(ModelError, match="expected a whole TFLite model"):
        open_java_interpreter(dataclasses.replace(nonsense, is_trusted=False), threads=1)


def test_tensor_of_another_type_is_refused(java: Any, jnius: Any) -> None:
    java.outputType = jnius.autoclass("org.tensorflow.lite.DataType").BOOL
    with pytest.raises(ModelError, match="found BOOL"):
        open_enhancer()


def test_camera_on_the_back_comes_first_and_has_the_torch(camera_class: Any) -> None:
    from apps.camera.android.phone import list_android_cameras

    back, front = list_android_cameras()
    assert (back.source, back.is_front, back.has_torch) == ("android:1", False, True)
    assert (front.source, front.is_front, front.has_torch) == ("android:0", True, False)


@pytest.mark.parametrize(
    ("number", "rotation", "is_tall", "bright_side"),
    # The sensor's left half is bright. Held upright, the back camera's sensor is turned by 90°, the front's by 270°.
    [
        (1, 0, True, "top"),
        (1, 90, False, "left"),
        (1, 270, False, "right"),
        (0, 0, True, "bottom"),
        (0, 90, False, "left"),
    ],
)
def test_frames_are_upright(number: int, rotation: int, is_tall: bool, bright_side: str, camera_class: Any) -> None:
    from apps.camera.android.phone import AndroidCamera

    with AndroidCamera(number, size=(60, 30), read_rotation=lambda: rotation) as camera:
        frames = [camera.read() for _ in range(5)]
    height, width = frames[0].image.shape[:2]
    assert (height, width) == ((64, 32) if is_tall else (32, 64))
    assert camera.size == (width, height)
    assert [frame.sequence for frame in frames] == list(range(5))
    luma = frames[-1].image.mean(axis=2)
    parts = {"top": luma[: height // 4], "bottom": luma[-height // 4 :], "left": luma[:, :8], "right": luma[:, -8:]}
    assert max(parts, key=lambda side: parts[side].mean()) == bright_side


def test_torch_is_switched_where_there_is_one(camera_class: Any) -> None:
    from apps.camera.android.phone import AndroidCamera

    with AndroidCamera(1, size=(60, 30), read_rotation=lambda: 0) as camera:
        camera.set_torch(True)
        assert camera_class.torch == "torch"
        camera.set_torch(False)
        assert camera_class.torch == "off"
    with (
        AndroidCamera(0, size=(60, 30), read_rotation=lambda: 0) as front,
        pytest.raises(CameraError, match="its flashlight cannot be switched; try again"),
    ):
        front.set_torch(True)


def test_camera_of_another_app_is_a_camera_error(camera_class: Any) -> None:
    from apps.camera.android.phone import AndroidCamera

    camera_class.isTaken = True
    with pytest.raises(CameraError, match="Fail to connect to camera service"):
        AndroidCamera(1, size=(60, 30), read_rotation=lambda: 0)


def test_closed_camera_is_released(camera_class: Any) -> None:
    from apps.camera.android.phone import AndroidCamera

    before = camera_class.released
    AndroidCamera(1, size=(60, 30), read_rotation=lambda: 0).close()
    assert camera_class.released == before + 1


def test_phone_joins_the_registry_of_cameras(camera_class: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.camera.android.phone import register_android_cameras
    from edge_dce.camera import sources

    monkeypatch.setattr(sources, "_kinds", list(sources._kinds))
    register_android_cameras()
    assert [camera.source for camera in sources.list_cameras()] == ["android:1", "android:0", "synthetic"]
    assert sources.find_camera("android:0").is_front
    camera_class.isTaken = True
    with pytest.raises(
        CameraError, match=r"no camera found \(android:1: cannot be opened .*\); connect one, or use the source 'synth"
    ):
        sources.open_source("auto")
    with pytest.raises(CameraError, match=r"^android:0: cannot be opened"):
        sources.open_source("android:0")

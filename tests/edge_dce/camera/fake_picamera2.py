"""picamera2 and libcamera as far as we use them: the signatures, formats and errors of picamera2 0.3.38, without a Pi.

`plug(monkeypatch)` puts both where `import` finds them and returns the cameras made so far.
"""

import concurrent.futures
import sys
import time
import types

import numpy as np
import pytest

# What the sensor sees: R, G, B.
SCENE = (200, 100, 50)
# The scaler pads rows to this many bytes.
ALIGNMENT = 64


class Unplugged:
    """Set to make the fake's cameras time out, as after the ribbon cable came loose."""

    def __init__(self) -> None:
        self.is_set = False


class Request:
    def __init__(self, config: dict, timestamp_ns: int) -> None:
        self.config = config
        self._timestamp_ns = timestamp_ns
        self.is_released = False

    def make_array(self, name: str) -> np.ndarray:
        if self.config.get(name) is None:
            raise RuntimeError(f"Stream {name!r} is not defined")
        width, height = self.config[name]["size"]
        if name == "main":
            assert self.config["main"]["format"] == "RGB888"
            # Blue first in memory, whatever the name says.
            return np.full((height, width, 3), SCENE[::-1], np.uint8)
        assert self.config["lores"]["format"] == "YUV420"
        stride = -(-width // ALIGNMENT) * ALIGNMENT
        red, green, blue = (level / 255 for level in SCENE)
        # BT.601, limited range.
        y = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
        u = 128 - 37.797 * red - 74.203 * green + 112 * blue
        v = 128 + 112 * red - 93.786 * green - 18.214 * blue
        planes = np.full((height * 3 // 2, stride), round(y), np.uint8)
        planes[height : height + height // 4] = round(u)
        planes[height + height // 4 :] = round(v)
        return planes

    def get_metadata(self) -> dict:
        return {"SensorTimestamp": self._timestamp_ns, "ExposureTime": 33000}

    def release(self) -> None:
        assert not self.is_released
        self.is_released = True


def plug(monkeypatch: pytest.MonkeyPatch, *, cameras: int = 1) -> tuple[list, Unplugged]:
    picamera2, libcamera, made, unplugged = make_modules(cameras)
    monkeypatch.setitem(sys.modules, "picamera2", picamera2)
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)
    return made, unplugged


def make_modules(cameras: int = 1) -> tuple[types.ModuleType, types.ModuleType, list, Unplugged]:
    """The two modules, the list of the cameras that will be made, and the hand that unplugs them."""
    made: list = []
    unplugged = Unplugged()

    class Picamera2:
        def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None) -> None:
            if camera_num >= cameras or unplugged.is_set:
                raise RuntimeError(f"No camera number {camera_num} found - use rpicam-hello to check")
            self.requests: list[Request] = []
            self.is_open, self.started, self.config = True, False, None
            self.has_pending_job = False
            made.append(self)

        @staticmethod
        def global_camera_info() -> list[dict]:
            return [{"Model": "imx708", "Id": f"/base/soc/i2c0mux/i2c@1/imx708@{n}", "Num": n} for n in range(cameras)]

        def create_video_configuration(
            self,
            main={},  # noqa: B006
            lores=None,
            raw={},  # noqa: B006
            transform=None,
            colour_space=None,
            buffer_count=6,
            controls={},  # noqa: B006
            display="main",
            encode="main",
            queue=True,
            sensor={},  # noqa: B006
            use_case="video",
        ) -> dict:
            return {"main": main, "lores": lores, "colour_space": colour_space, "controls": controls}

        def configure(self, camera_config=None) -> None:
            for name in ("main", "lores"):
                width, height = camera_config[name]["size"]
                if width % 2 or height % 2:
                    raise RuntimeError("width and height should be even")
            if camera_config["lores"]["size"] > camera_config["main"]["size"]:
                raise RuntimeError("lores stream dimensions may not exceed main stream")
            self.config = camera_config

        def start(self, config=None, show_preview=False) -> None:
            assert self.config is not None
            self.started = True

        def stop(self) -> None:
            self.started = False

        def capture_array(self, name="main", wait=None) -> np.ndarray:
            return Request(self.config, time.monotonic_ns()).make_array(name)

        def capture_request(self, wait=None, signal_function=None, flush=None) -> Request:
            if unplugged.is_set:
                # In place of the `wait` seconds that the real one takes.
                self.has_pending_job = True
                raise concurrent.futures.TimeoutError
            interval_us = self.config["controls"]["FrameDurationLimits"][0]
            time.sleep(interval_us / 1e6)
            request = Request(self.config, time.monotonic_ns() - 10_000_000)
            self.requests.append(request)
            return request

        def cancel_all_and_flush(self) -> None:
            self.has_pending_job = False

        def close(self) -> None:
            assert not self.has_pending_job, "the real one would wait for ever"
            self.is_open = self.started = False

    class ColorSpace:
        @staticmethod
        def Smpte170m() -> str:  # noqa: N802
            return "SMPTE170M"

    picamera2, libcamera = types.ModuleType("picamera2"), types.ModuleType("libcamera")
    picamera2.Picamera2 = Picamera2
    libcamera.ColorSpace = ColorSpace
    return picamera2, libcamera, made, unplugged

"""What the recorder writes, without a session."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from apps.camera.shots.recording import Moment, Recorder
from edge_dce.camera import LatestFrame, open_source
from edge_dce.pixels.look import Look

av = pytest.importorskip("av")

SIZE = 320, 240


def record(path: Path, look: Look) -> np.ndarray:
    """The twelfth frame of the night scene, (H, W, 3) uint8."""
    enhancer = edge_dce.load(threads=1)
    camera = LatestFrame(lambda: open_source("synthetic", size=SIZE))
    camera.start()
    first = camera.reader().wait(timeout_s=20)
    moment = Moment(enhancer.open_rendering, enhancer.estimate(first.image), look)
    recorder = Recorder(camera, path, read_moment=lambda: moment)
    recorder.start()
    end = time.monotonic() + 20
    while recorder.frames < 12:
        assert time.monotonic() < end, recorder.error
        time.sleep(0.01)
    recorder.stop()
    camera.stop()
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][11]


def test_noise_is_taken_out_where_the_look_asks_for_it(tmp_path: Path) -> None:
    roughness = []
    for look in (Look(), Look(denoise=0)):
        frame = record(tmp_path / f"{look.denoise}.mp4", look)
        roughness.append(np.abs(np.diff(frame.astype(float), axis=1)).mean())
    # The houses' edges and windows stay.
    assert roughness[0] < 0.5 * roughness[1]

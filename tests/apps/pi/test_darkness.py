"""When frames are enhanced: only in the dark, without flipping back and forth."""

import numpy as np
import pytest

from apps.pi.darkness import Darkness

FPS = 10


def judge(darkness: Darkness, levels: list[int], start_s: float = 0.0) -> list[float]:
    return [
        darkness.judge(np.full((90, 160, 3), level, np.uint8), start_s + number / FPS)
        for number, level in enumerate(levels)
    ]


@pytest.mark.parametrize(("level", "share"), [(20, 1.0), (60, 1.0), (120, 0.0), (255, 0.0)])
def test_first_frame_decides_at_once(level: int, share: float) -> None:
    assert judge(Darkness(), [level]) == [share]


def test_light_switched_on_fades_the_enhancement_out() -> None:
    shares = judge(Darkness(), [20] * 10 + [150] * 30)
    # One second of patience, then half a second of fading in steps of a frame.
    assert shares[:20] == [1.0] * 20
    assert shares[20:26] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0, 0.0], abs=1e-6)


def test_flash_changes_nothing() -> None:
    assert set(judge(Darkness(), [20] * 10 + [255] * 9 + [20] * 30)) == {1.0}


@pytest.mark.parametrize("start", [20, 200])
def test_between_the_thresholds_everything_stays(start: int) -> None:
    # 0.25 and 0.35 of white are 64 and 89.
    dusk = [66, 87] * 50
    shares = judge(Darkness(), [start, *dusk])
    assert set(shares) == {shares[0]}


def test_night_falls_and_day_breaks() -> None:
    darkness = Darkness()
    assert judge(darkness, [150] * 20)[-1] == 0.0
    assert judge(darkness, [30] * 30, start_s=10)[-1] == 1.0
    assert judge(darkness, [150] * 30, start_s=20)[-1] == 0.0
    assert darkness.brightness == pytest.approx(150 / 255, abs=0.01)

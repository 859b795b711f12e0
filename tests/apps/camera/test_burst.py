"""Bursts: less noise, nothing smeared."""

import cv2
import numpy as np
import pytest

from apps.camera.shots.burst import merge_burst
from edge_dce.errors import ImageError

NOISE = 6.0


def draw_scene(width: int = 240, height: int = 180) -> np.ndarray:
    """Something with texture everywhere: (H, W, 3) float32."""
    random = np.random.default_rng(3)
    coarse = random.uniform(20, 90, (18, 24, 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def photograph(scene: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, NOISE, scene.shape)
    return np.clip(np.rint(scene + noise), 0, 255).astype(np.uint8)


def move(scene: np.ndarray, x: float, y: float, degrees: float = 0.0) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((scene.shape[1] / 2, scene.shape[0] / 2), degrees, 1)
    matrix[:, 2] += x, y
    return cv2.warpAffine(scene, matrix, scene.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def measure_error(merged: np.ndarray, scene: np.ndarray) -> float:
    inner = (slice(20, -20), slice(20, -20))
    return float(np.sqrt(np.mean((merged[inner] / 257 - scene[inner]) ** 2)))


def test_noise_falls_as_frames_are_averaged() -> None:
    scene = draw_scene()
    errors = [measure_error(merge_burst([photograph(scene, seed) for seed in range(n)]), scene) for n in (1, 4, 8)]
    assert errors[0] == pytest.approx(NOISE, rel=0.05)
    # 1/√n, and a tenth for what the weights leave out.
    assert errors[1] < NOISE / 2 * 1.1
    assert errors[2] < NOISE / 8**0.5 * 1.1


def test_shaken_frames_are_aligned() -> None:
    scene = draw_scene()
    shakes = [(0, 0, 0), (3.4, -2.2, 0.4), (-4, 1.5, -0.5), (1.2, 4.6, 0.8)]
    frames = [photograph(move(scene, *shake), seed) for seed, shake in enumerate(shakes)]
    unaligned = np.mean([frame.astype(np.float64) for frame in frames], axis=0) * 257
    assert measure_error(merge_burst(frames), scene) < min(NOISE * 0.65, measure_error(unaligned, scene) * 0.8)


def test_what_moves_by_itself_is_not_smeared() -> None:
    scene = draw_scene()
    frames = []
    for number in range(4):
        moved = scene.copy()
        moved[60:90, 40 + 40 * number : 70 + 40 * number] = 220
        frames.append(photograph(moved, number))
    merged = merge_burst(frames)
    ghosts = np.abs(merged[65:85, 85:105] / 257 - scene[65:85, 85:105]).mean()
    # A plain mean leaves a quarter of the way to 220: some 40 levels.
    assert ghosts < 8
    assert np.abs(merged[65:85, 45:65] / 257 - 220).mean() < 8


def test_frames_of_something_else_are_left_out() -> None:
    scene = draw_scene()
    other = np.random.default_rng(9).integers(0, 255, scene.shape).astype(np.uint8)
    assert measure_error(merge_burst([photograph(scene, 0), other]), scene) < NOISE * 1.1


def test_black_frames_are_merged_too() -> None:
    black = np.zeros((40, 60, 3), np.uint8)
    assert not merge_burst([black] * 4).any()


def test_frames_of_different_sizes_are_refused() -> None:
    with pytest.raises(ImageError, match="frames of one size"):
        merge_burst([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)])
    with pytest.raises(ImageError, match="frames of one size"):
        merge_burst([])

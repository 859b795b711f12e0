"""The lines of docs/other-runtimes.md that apply a tone outside Python do what edge_dce does."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge_dce.enhancer import load
from edge_dce.files.pictures import read_image
from edge_dce.models.catalog import DEFAULT_MODEL, find_model
from edge_dce.pixels import tone
from edge_dce.pixels.look import Look
from edge_dce.pixels.tone_table import ToneTable
from tests.documents import ROOT, read_blocks

# The numbers and the strength, then the picture, on stdin; the picture on stdout.
PROGRAM = """
#include <cstdio>
#include <vector>

int main() {
    float tone[103], strength;
    if (std::fread(tone, 4, 103, stdin) != 103 || std::fread(&strength, 4, 1, stdin) != 1) return 1;
    std::vector<std::uint8_t> rgb;
    for (int byte; (byte = std::getchar()) != EOF;) rgb.push_back(std::uint8_t(byte));
    apply_tone(tone, rgb.data(), rgb.size() / 3, strength);
    return std::fwrite(rgb.data(), 1, rgb.size(), stdout) != rgb.size();
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ here; run: sudo apt-get install g++")
    folder = tmp_path_factory.mktemp("cpp")
    (lines,) = read_blocks(ROOT / "docs" / "other-runtimes.md", "cpp")
    (folder / "tone.cpp").write_text(lines + PROGRAM)
    options = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *options, folder / "tone.cpp", "-o", folder / "tone"], check=True)
    return folder / "tone"


def run(program: Path, image: np.ndarray, numbers: np.ndarray, strength: float = 1.0) -> np.ndarray:
    given = numbers.astype("<f4").tobytes() + np.array(strength, "<f4").tobytes() + image.tobytes()
    child = subprocess.run([program], input=given, capture_output=True, check=True)
    return np.frombuffer(child.stdout, np.uint8).reshape(image.shape)


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
def test_cpp_lines_give_the_picture_of_the_formula(program: Path, strength: float) -> None:
    for seed in range(5):
        random = np.random.default_rng(seed)
        image = random.integers(0, 256, (64, 80, 3), dtype=np.uint8)
        # Some beyond the range, which is clipped.
        numbers = random.uniform(-1.2, 1.2, tone.COUNT).astype(np.float32)
        expected = tone.apply_exact(image, numbers, look=Look(strength=strength)).astype(np.int16)
        # Float32 sums in another order: a value halfway between two levels may be rounded to either.
        assert np.abs(run(program, image, numbers, strength) - expected).max() <= 1


def test_cpp_lines_give_the_picture_that_users_get(program: Path) -> None:
    image = read_image(ROOT / "docs" / "pictures" / "night-launch.jpg")
    numbers = load(find_model(DEFAULT_MODEL), threads=1).estimate(image)
    found = run(program, image, numbers)
    assert found.mean() > image.mean()
    # The look-up is within 2 levels of the formula, and the program within 1.
    assert np.abs(found - ToneTable().apply(image, numbers).astype(np.int16)).max() <= 3


def test_identity_keeps_every_color(program: Path) -> None:
    image = np.random.default_rng(3).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    np.testing.assert_array_equal(run(program, image, np.zeros(tone.COUNT, np.float32)), image)

"""Models compiled for an accelerator. Of those, every machine has its CPU."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from edge_dce.errors import ModelError
from edge_dce.models.catalog import bundled_models

ROOT = Path(__file__).resolve().parents[3]
HAS_COMPILED_MODELS = importlib.util.find_spec("ai_edge_litert") is not None
needs_compiled_models = pytest.mark.skipif(not HAS_COMPILED_MODELS, reason="only ai-edge-litert compiles models")


def make_image() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 80, (48, 64, 3)).astype(np.uint8)


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and stderr of `edge-dce enhance`."""
    command = [sys.executable, "-m", "edge_dce", "enhance", *arguments]
    done = subprocess.run(
        command, capture_output=True, timeout=120, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    return done.returncode, done.stderr.decode()


@needs_compiled_models
@pytest.mark.parametrize("name", [model.stem for model in bundled_models()])
def test_compiled_for_the_cpu_a_model_has_the_bits_of_the_interpreter(name: str) -> None:
    plain, compiled = (edge_dce.load(name, threads=2, accelerator=each) for each in (None, "cpu"))
    for image in (make_image(), make_image()[:, ::-1]):
        np.testing.assert_array_equal(compiled.estimate(image), plain.estimate(image))
        np.testing.assert_array_equal(compiled.enhance(image), plain.enhance(image))


@needs_compiled_models
def test_a_tensor_of_another_shape_is_refused_and_not_written() -> None:
    compiled = edge_dce.load(accelerator="cpu")
    with pytest.raises(ModelError, match="expected"):
        compiled.invoke(np.zeros((1, 8, 8, 3), np.uint8))


@needs_compiled_models
def test_of_how_it_was_compiled_the_command_says_nothing_before_its_end(tmp_path: Path) -> None:
    edge_dce.write_picture(edge_dce.Picture(make_image()), tmp_path / "in.png")
    status, errors = run(str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png"), "--accelerator", "cpu")
    assert status == 0
    # LiteRT tells when it lets go of what it found, after Python has ended.
    assert all("DestroyAccelerator" in line for line in errors.splitlines())
    expected = edge_dce.load().enhance(make_image())
    np.testing.assert_array_equal(edge_dce.read_picture(tmp_path / "out.png").image, expected)


@pytest.mark.parametrize("accelerator", ["npu", "cpu"])
def test_what_the_package_or_the_machine_lacks_is_one_line(tmp_path: Path, accelerator: str) -> None:
    if HAS_COMPILED_MODELS and accelerator == "cpu":
        pytest.skip("it has that")
    edge_dce.write_picture(edge_dce.Picture(make_image()), tmp_path / "in.png")
    status, errors = run(str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png"), "--accelerator", accelerator)
    if status == 0:
        pytest.skip("this machine has an NPU that takes the model")
    assert status == 1
    told = [line for line in errors.splitlines() if "DestroyAccelerator" not in line]
    assert len(told) == 1
    assert "leave --accelerator out" in told[0]


def test_a_misspelt_accelerator_is_refused() -> None:
    with pytest.raises(ModelError, match="cpu gpu npu"):
        edge_dce.load(accelerator="tpu")

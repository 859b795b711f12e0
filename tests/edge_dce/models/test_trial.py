"""Models from elsewhere: what they do counts, not what they say of themselves."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from edge_dce.errors import ModelError, ModelWarning
from edge_dce.models import trial
from edge_dce.models.card import append_card, read_model_file
from edge_dce.models.catalog import bundled_models
from edge_dce.models.flatbuffer import measure_first_weights
from edge_dce.models.trial import HARDLY_SEES, SCALES_ITSELF, Trial, judge_first_weights, try_model

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "tests" / "models"
TINY = MODELS / "tiny-16x16-float32.tflite"
IMAGE = np.random.default_rng(1).integers(0, 60, (20, 24, 3)).astype(np.uint8)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGE_DCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tried-models"


def sign(content: bytes, path: Path) -> Path:
    """A model with a card of its own that fits it, as anybody can make one."""
    card = read_model_file(TINY).card
    assert card is not None
    path.write_bytes(append_card(content, card))
    assert read_model_file(path).card is not None
    return path


def test_only_bundled_models_are_trusted(tmp_path: Path) -> None:
    assert all(read_model_file(path).is_trusted for path in bundled_models())
    assert not read_model_file(TINY).is_trusted
    # Wherever they lie.
    copied = tmp_path / "copy.tflite"
    copied.write_bytes(bundled_models()[0].read_bytes())
    assert read_model_file(copied).is_trusted


def test_hostile_model_that_signs_its_own_card_is_tried_all_the_same(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_SECONDS", 2)
    path = sign((MODELS / "endless.tflite").read_bytes(), tmp_path / "endless.tflite")
    with pytest.raises(ModelError, match="in a trial: no result after 2 s"):
        edge_dce.load(path)


def test_damaged_tables_under_a_card_that_fits_them_are_noticed(tmp_path: Path) -> None:
    path = sign(read_model_file(TINY).content[:-900], tmp_path / "cut.tflite")
    with pytest.raises(ModelError, match="expected a whole TFLite model"):
        edge_dce.load(path)


def test_model_is_tried_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = edge_dce.load(TINY).enhance(IMAGE)
    (memory,) = cache.iterdir()
    assert memory.name.startswith(read_model_file(TINY).sha256)
    # From now on no child could be started.
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    np.testing.assert_array_equal(edge_dce.load(TINY).enhance(IMAGE), first)
    with pytest.raises(ModelError, match="none can start here"):
        edge_dce.load(MODELS / "open-batch.tflite")


def test_what_failed_is_not_remembered(cache: Path) -> None:
    with pytest.raises(ModelError, match="cannot run this model"):
        edge_dce.load(MODELS / "greedy.tflite", contract="curves")
    assert not cache.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"change": "much"}', '{"change": 1, "more": 2}'])
def test_memory_that_is_damaged_is_made_again(cache: Path, text: str) -> None:
    model = read_model_file(TINY)
    expected = try_model(model, "runtime 1", threads=1)
    (memory,) = cache.iterdir()
    memory.write_text(text)
    assert try_model(model, "runtime 1", threads=1) == expected
    assert json.loads(memory.read_text()) == dataclasses.asdict(expected)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away")
def test_memory_that_somebody_else_wrote_is_no_evidence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edge_dce.load(TINY)
    (memory,) = cache.iterdir()
    os.chown(memory, 12345, -1)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ModelError, match="none can start here"):
        edge_dce.load(TINY)


def test_cache_that_cannot_be_written_costs_a_trial_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGE_DCE_CACHE", str(tmp_path / "file" / "cache"))
    assert edge_dce.load(TINY).enhance(IMAGE).shape == IMAGE.shape


@pytest.mark.parametrize(("name", "size"), [("open-batch", (16, 16)), ("open-sides", (256, 256))])
def test_open_batch_is_one_picture_and_open_sides_get_a_size(name: str, size: tuple[int, int]) -> None:
    enhancer = edge_dce.load(MODELS / f"{name}.tflite")
    assert (enhancer.width, enhancer.height) == size
    # The network has a bias of -0.4 in every map; black stays black, and grey is lifted.
    grey = np.full((32, 32, 3), 80, np.uint8)
    assert enhancer.enhance(grey).mean() > 120


def test_open_batch_gives_the_same_picture_as_one_of_one() -> None:
    fixed = edge_dce.load(MODELS / "without-card-24-maps.tflite").enhance(IMAGE)
    np.testing.assert_array_equal(edge_dce.load(MODELS / "open-batch.tflite").enhance(IMAGE), fixed)


def test_network_that_scales_its_input_itself_is_warned_of(cache: Path) -> None:
    for _ in range(2):
        # Of what is remembered, too.
        with pytest.warns(ModelWarning, match=r"scales-itself\.tflite: .* divides by 255 itself"):
            edge_dce.load(MODELS / "scales-itself.tflite")


def test_command_warns_in_one_line_and_goes_on(tmp_path: Path) -> None:
    photo = ROOT / "docs" / "pictures" / "night-launch.jpg"
    command = [sys.executable, "-m", "edge_dce", "enhance", photo, "-o", tmp_path / "a.jpg"]
    model = MODELS / "scales-itself.tflite"
    child = subprocess.run([*command, "-m", model], capture_output=True, text=True, cwd=ROOT, check=True)
    assert child.stderr.startswith(f"edge-dce: warning: {model}: expected a network for pictures from 0 to 1")
    assert child.stderr.count("\n") == 1


@pytest.mark.parametrize("path", [*bundled_models(), *sorted(MODELS.glob("tiny-*.tflite"))], ids=lambda path: path.stem)
def test_sound_models_are_not_doubted(path: Path) -> None:
    model = read_model_file(path)
    assert try_model(model, "runtime 1", threads=1).doubt is None
    assert judge_first_weights(measure_first_weights(model)) is None


def test_network_that_divides_is_told_by_its_weights_and_by_what_it_does() -> None:
    model = read_model_file(MODELS / "scales-itself.tflite")
    # Drawn by Keras from a range of 0.15 for these 27 inputs and 216 outputs.
    assert measure_first_weights(model) == pytest.approx(0.157 / 255, rel=0.02)
    assert judge_first_weights(measure_first_weights(model)) == SCALES_ITSELF
    assert try_model(model, "runtime 1", threads=1).doubt == HARDLY_SEES


@pytest.mark.parametrize(
    ("change", "of_levels", "words"),
    [
        (0.5, 2.0, None),
        (0.5, None, None),
        # A network that returns its input as it is, and one that divides it by 255 first.
        (0.5, 127.5, None),
        (0.5 / 255, 0.5, "hardly changes with them; if it divides by 255 itself"),
        # One that changes little, whatever it sees, and one that learned from dark pictures alone.
        (0.01, 0.012, None),
        (0.0078, 0.7645, None),
        (0.0, None, "the same for black and noise"),
        (0.0, 0.0, "the same for black and noise"),
    ],
)
def test_doubt_is_about_what_moves(change: float, of_levels: float | None, words: str | None) -> None:
    doubt = Trial(change, of_levels).doubt
    assert (doubt is None) if words is None else (doubt is not None and words in doubt)


def test_interpreter_of_a_bundled_model_needs_no_child(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        edge_dce.load()
    assert not cache.exists()

"""Pictures for TensorBoard."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.lol_folder import write_lol
from tests.training.tiny_recipe import TINY
from training.datasets.picture import DarkPicture
from training.fitting import fit
from training.run import Run
from training.samples import choose_samples


def test_pictures_of_one_name_are_told_apart(tmp_path: Path) -> None:
    lows = [write_lol(tmp_path / scene, 1) / "our485" / "low" / "0.png" for scene in "abc"]
    samples = choose_samples([DarkPicture(low, None) for low in lows], TINY)
    assert [sample.name for sample in samples] == ["00000-0", "00001-0", "00002-0"]


def test_tensorboard_has_the_same_validation_pictures_after_every_epoch(tmp_path: Path) -> None:
    lol, run = write_lol(tmp_path / "lol"), Run(tmp_path / "run")
    recipe = dataclasses.replace(TINY, epochs=2, learning_rate=0.02, schedule="constant", exposure_target=0.3)
    fit(lol, recipe, run, verbose=0)
    events = EventAccumulator(str(run.logs_path)).Reload()
    tags = [tag for tag, kind in events.summary_metadata.items() if kind.plugin_data.plugin_name == "images"]
    # Of the four validation pictures the first, one between and the last.
    assert len(tags) == 3
    for tag in tags:
        drawn = events.Tensors(tag)
        assert [event.step for event in drawn] == [1, 2]
        width, height, *encoded = drawn[0].tensor_proto.string_val
        # Before, after and partner, side by side.
        assert (int(width), int(height)) == (3 * 24, 20)
        first, second = (
            cv2.imdecode(np.frombuffer(event.tensor_proto.string_val[2], np.uint8), cv2.IMREAD_COLOR) for event in drawn
        )
        assert len(encoded) == 1
        assert first.shape == (20, 72, 3)
        # JPEG mixes neighbors in blocks of 16 pixels, and colors of the next block into the last two of them.
        np.testing.assert_array_equal(first[:, :14], second[:, :14])
        assert (first[:, 24:48] != second[:, 24:48]).any()

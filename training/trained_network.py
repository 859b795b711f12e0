"""A trained network with what is needed to use it: from a run folder, or from a file that `export` wrote."""

from __future__ import annotations

import dataclasses
import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edge_dce.models.origin import read_origin

from .drawings import Drawings
from .model import find_task
from .recipe import Recipe
from .run import Run, RunError, load_network
from .settings import check_recipe
from .starting_point import CHECKPOINT_SUFFIXES, read_authors_network

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """A network after training.

    Attributes:
        name: of the run folder or of the file, without its suffix.
        network: (B, H, W, channels) float32 in [0, 1] to what its entry in `training.network.NETWORKS` says.
        recipe: how it was trained.
        epochs: for how long; 0 where nobody says.
    """

    name: str
    network: keras.Model
    recipe: Recipe
    epochs: int

    def estimate(self, images: Sequence[Uint8Array]) -> FloatArray:
        """What the network returns for images of any sizes, (N, ...) float32.

        An image is (H, W, 3) uint8 RGB, also for a network of one channel, and (H, W, 4) for one of four.

        The network sees each image at the size it was trained at.
        """
        tensors = find_task(self.recipe).shrink(images, self.recipe)
        outputs: FloatArray = np.asarray(self.network.predict_on_batch(tensors), np.float32)
        return outputs

    def apply(self, image: Uint8Array, output: FloatArray) -> Uint8Array:
        """Enhance an image at its own size by what the network returned for it, exactly."""
        return find_task(self.recipe).apply(image, output, self.recipe)

    def draw(self, outputs: Sequence[FloatArray], sizes: Sequence[tuple[int, int]]) -> Drawings:
        """What the network returned for several pictures, each drawn at its (height, width)."""
        return find_task(self.recipe).draw(outputs, sizes)


def load_trained_network(path: Path) -> TrainedNetwork:
    """The network of a run folder after its last finished epoch, of an exported file, or of the authors' checkpoint.

    Raises:
        RunError: neither, or no epoch is finished, or the file does not say where it comes from, or the network sees
            other channels than its recipe says.
        RecipeError: the recipe is unreadable.
        CheckpointError: a `.pth` file is no checkpoint of Zero-DCE or Zero-DCE++.
    """
    if path.suffix in CHECKPOINT_SUFFIXES:
        network, recipe = read_authors_network(path)
        trained = TrainedNetwork(path.stem, network, recipe, epochs=0)
    else:
        trained = _load_exported(path) if path.suffix == ".keras" and not path.is_dir() else _load_run(path)
    channels = trained.network.input_shape[-1]
    if channels != trained.recipe.channels:
        raise RunError(
            f"{path}: expected a network for {trained.recipe.channels} channels, as its recipe says, found one for "
            f"{channels}; export it again"
        )
    return trained


def _load_run(path: Path) -> TrainedNetwork:
    run = Run(path)
    network, epochs = load_network(run)
    return TrainedNetwork(path.resolve().name, network, run.read_recipe(), epochs)


def _load_exported(path: Path) -> TrainedNetwork:
    if not path.is_file():
        raise RunError(f"{path}: no such .keras file; expected a run folder or what 'export' wrote")
    try:
        origin = read_origin(path)
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        cause = " ".join(str(error).split())[:200]
        raise RunError(
            f"{path}: expected what 'export' wrote, found something else ({cause}); export it again"
        ) from error
    if origin is None:
        raise RunError(f"{path}: expected a recipe in this file, found none; write it again with 'export'")
    recipe = Recipe.from_json(json.dumps(origin.recipe), origin=path)
    return TrainedNetwork(path.stem, network, check_recipe(recipe), origin.epochs)

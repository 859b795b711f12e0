"""Recipes: everything that decides what a training run learns, as data saved beside the run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from edge_dce.errors import EdgeDceError


class RecipeError(EdgeDceError):
    """A recipe is unknown, or a saved one cannot be read."""


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of the four losses in the total; the defaults are those of the authors' published code."""

    spatial_consistency: float = 1.0
    exposure: float = 10.0
    color_constancy: float = 5.0
    illumination_smoothness: float = 200.0


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one model is trained.

    Attributes:
        name: what the recipe is called on the command line.
        network: name of the network that it trains, see training.network.
        test_files, validation_from: the split of the sorted low-light files: the first `test_files` are never
            trained on, those from `validation_from` on are held out for validation, the rest is trained on.
        resize_px: every image is resized to this square first (aspect is not kept, as in the report).
        crop_px: side of the random square cut from it for each step, or None for the whole.
        flip: mirror each crop at random along both axes.
        exposure_shift: with this probability a low-light image is replaced by its normal-light partner scaled by
            a random exposure in [0.1, 1]: the network then learns to leave bright regions alone.
        curve_root: axis that the curve steps run on, see edge_dce.curve: 1 is the paper's.
        exposure_target: E, the grey level in [0, 1] that the exposure loss asks of every 16x16 region.
        initializer: Keras name of the kernel initializer, or "normal_0.02" for N(0, 0.02).
        cosine_decay: lower the learning rate to zero along half a cosine over all epochs; else it is constant.
        weight_decay: L2 penalty added to the gradient, as torch.optim.Adam does it; None for none.
        clip_norm: global gradient norm above which gradients are scaled down; None for never.
    """

    name: str
    epochs: int
    batch_size: int
    test_files: int = 30
    validation_from: int = 400
    resize_px: int = 256
    crop_px: int | None = None
    shuffle: bool = True
    flip: bool = False
    exposure_shift: float = 0.0
    learning_rate: float = 1e-4
    cosine_decay: bool = False
    weight_decay: float | None = None
    clip_norm: float | None = None
    initializer: str = "glorot_uniform"
    exposure_target: float = 0.6
    loss_weights: LossWeights = LossWeights()
    seed: int = 2001
    network: str = "zero-dce"
    curve_root: int = 1

    @property
    def uses_partners(self) -> bool:
        """Whether normal-light pictures are shown in training."""
        return self.exposure_shift > 0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str, *, origin: Path) -> Recipe:
        """Read what `to_json` wrote; `origin` is named in errors.

        Raises:
            RecipeError: not JSON, or fields that no recipe has.
        """
        try:
            fields = json.loads(text)
            fields["loss_weights"] = LossWeights(**fields["loss_weights"])
            return Recipe(**fields)
        except (ValueError, TypeError, KeyError) as error:
            raise RecipeError(f"{origin}: not a recipe saved by this version ({error}); start a new run") from error


# Crops and flips show the network four times as many steps in the same time; exposure-shifted normal images
# keep lamps and windows from being blown out.
_EDGE = Recipe(
    name="edge",
    epochs=120,
    batch_size=8,
    crop_px=128,
    flip=True,
    exposure_shift=0.25,
    learning_rate=5e-4,
    cosine_decay=True,
    # Users of the published model find 0.6 over-bright; the normal-light pictures of LOL average 0.46.
    exposure_target=0.5,
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        # The settings of the report that this project starts from; it does not shuffle.
        Recipe(name="report", epochs=70, batch_size=16, shuffle=False),
        # Li-Chongyi/Zero-DCE, lowlight_train.py.
        Recipe(
            name="authors",
            epochs=100,
            batch_size=8,
            weight_decay=1e-4,
            clip_norm=0.1,
            initializer="normal_0.02",
        ),
        _EDGE,
        # One shared map has an eighth of the channels that smoothness sums over, hence eight times its weight, as in
        # the authors' code of Zero-DCE++. So small a network bears twice the learning rate.
        dataclasses.replace(
            _EDGE,
            name="edge-pp",
            network="zero-dce-pp",
            learning_rate=1e-3,
            loss_weights=LossWeights(illumination_smoothness=1600.0),
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        RecipeError: there is none.
    """
    if name not in RECIPES:
        raise RecipeError(f"no recipe named '{name}'; expected one of {' '.join(RECIPES)}")
    return RECIPES[name]

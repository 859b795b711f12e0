"""Recipes: everything that decides what a training run learns, as data saved beside the run."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge_dce.errors import EdgeDceError


class RecipeError(EdgeDceError):
    """A recipe is unknown, makes no sense, or a saved one cannot be read."""


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of the losses in the total; the defaults are those of the authors' published code.

    The first four need nothing but the dark picture. `absolute` (L1) and `structure` (1 − SSIM) compare with its
    normal-light partner. `perceptual` compares VGG16 features of the enhanced picture with those of the partner where
    one of these two counts, else with those of the dark picture.
    """

    spatial_consistency: float = 1.0
    exposure: float = 10.0
    color_constancy: float = 5.0
    illumination_smoothness: float = 200.0
    perceptual: float = 0.0
    absolute: float = 0.0
    structure: float = 0.0


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one model is trained.

    Attributes:
        name: what the recipe is called on the command line.
        about: one line for people who choose.
        network: name of the network that it trains, see training.network.
        channels: of the pictures: 1 (grey, thermal), 3 (RGB) or 4 (RGB and near infrared, kept in a PNG's alpha).
        curve_root: axis that the curve steps run on, see edge_dce.pixels.curve: 1 is the paper's.
        test_files, validation_from: the split of a LOL folder's sorted files: the first `test_files` are never
            trained on, those from `validation_from` on are held out for validation, the rest is trained on.
        resize_px: every image is resized to this square first (aspect is not kept, as in the report).
        crop_px: side of the random square cut from it for each step, or None for the whole.
        epoch_images: an epoch shows at least this many pictures, so those of a smaller folder several times.
        flip, rotate: mirror each crop at random along both axes; turn it by a random number of quarter turns.
        exposure_gain: half of the pictures are brightened by a random factor up to this one, and clipped as a sensor
            clips: the network then meets pictures that need less light, and lamps.
        exposure_shift: with this probability a low-light image is replaced by its normal-light partner scaled by
            a random exposure in [0.1, 1]: the network then learns to leave bright regions alone.
        noise: sensor-like noise, of variance n·x + n² with n drawn from [0, noise].
        exposure_target: E, the grey level in [0, 1] that the exposure loss asks for.
        exposure_region_px: side of the regions that it asks it of; None asks it of the picture as a whole, which
            leaves contrast between its regions alone.
        initializer: Keras name of the kernel initializer, or "normal_0.02" for N(0, 0.02).
        cosine_decay: lower the learning rate to zero along half a cosine over all epochs; else it is constant.
        weight_decay: L2 penalty added to the gradient, as torch.optim.Adam does it; None for none.
        clip_norm: global gradient norm above which gradients are scaled down; None for never.
        ema: momentum of an exponential moving average of the weights, which is what is evaluated and exported; None
            for the weights themselves. Losses in the history are those of the weights themselves.
        mixed_precision: compute in bfloat16 where the weights stay float32: for GPUs, and CPUs with AMX.
    """

    name: str
    epochs: int
    batch_size: int
    about: str = ""
    network: str = "zero-dce"
    channels: int = 3
    curve_root: int = 1
    test_files: int = 30
    validation_from: int = 400
    resize_px: int = 256
    crop_px: int | None = None
    epoch_images: int = 0
    shuffle: bool = True
    flip: bool = False
    rotate: bool = False
    exposure_gain: float = 1.0
    exposure_shift: float = 0.0
    noise: float = 0.0
    learning_rate: float = 1e-4
    cosine_decay: bool = False
    weight_decay: float | None = None
    clip_norm: float | None = None
    ema: float | None = None
    mixed_precision: bool = False
    initializer: str = "glorot_uniform"
    exposure_target: float = 0.6
    exposure_region_px: int | None = 16
    loss_weights: LossWeights = LossWeights()
    seed: int = 2001

    @property
    def is_paired(self) -> bool:
        """Whether a loss compares with normal-light pictures."""
        return self.loss_weights.absolute > 0 or self.loss_weights.structure > 0

    @property
    def uses_partners(self) -> bool:
        """Whether normal-light pictures are needed for training at all."""
        return self.is_paired or self.exposure_shift > 0

    @property
    def title(self) -> str:
        """The name, and what differs from the recipe of that name: `edge (seed=7)`. What cards and tables say."""
        original = RECIPES.get(self.name)
        if original is None or original == self:
            return self.name
        before, now = (_flatten(recipe) for recipe in (original, self))
        changes = (f"{name}={json.dumps(value)}" for name, value in now.items() if value != before[name])
        return f"{self.name} ({', '.join(changes)})"

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str, *, origin: Path) -> Recipe:
        """Read what `to_json` wrote; `origin` is named in errors. `check_recipe` says if a run can be made of it.

        Raises:
            RecipeError: not JSON, or fields that no recipe has.
        """
        try:
            fields = json.loads(text)
            fields["loss_weights"] = LossWeights(**fields["loss_weights"])
            return Recipe(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecipeError(f"{origin}: expected a recipe of this version ({error}); start a new run") from error


def _flatten(recipe: Recipe) -> dict[str, Any]:
    fields = dataclasses.asdict(recipe)
    weights = fields.pop("loss_weights")
    return fields | {f"loss_weights.{name}": weight for name, weight in weights.items()}


def check_recipe(recipe: Recipe) -> Recipe:
    """The recipe itself, if a run can be made of it.

    Raises:
        RecipeError: a field is of another kind, or out of its range.
    """
    try:
        for is_met, expectation in _list_expectations(recipe):
            if not is_met:
                raise RecipeError(f"recipe '{recipe.name}': expected {expectation}; see --show")
    except TypeError as error:
        raise RecipeError(f"recipe '{recipe.name}': a field has the wrong type ({error}); see --show") from error
    return recipe


def _list_expectations(recipe: Recipe) -> Iterator[tuple[bool, str]]:
    from .network import NETWORKS, is_initializer

    yield recipe.network in NETWORKS, f"network to be one of {' '.join(NETWORKS)}"
    crop_px = recipe.crop_px or recipe.resize_px
    multiple_px = NETWORKS[recipe.network].multiple_px
    weights = dataclasses.astuple(recipe.loss_weights)
    yield from (
        (recipe.channels in (1, 3, 4), "channels to be 1, 3 or 4"),
        (recipe.curve_root in (1, 2, 4), "curve_root to be 1, 2 or 4"),
        (recipe.epochs >= 1 and recipe.batch_size >= 1, "epochs and batch_size to be at least 1"),
        (16 <= crop_px <= recipe.resize_px, "crop_px from 16 to resize_px"),
        (
            crop_px % multiple_px == recipe.resize_px % multiple_px == 0,
            f"crop_px and resize_px to be multiples of {multiple_px}, for its network",
        ),
        (recipe.exposure_region_px is None or 1 <= recipe.exposure_region_px <= crop_px, "regions within the crop"),
        (0 <= recipe.test_files < recipe.validation_from, "test_files from 0 to less than validation_from"),
        (recipe.epoch_images >= 0 and recipe.seed >= 0, "epoch_images and seed not to be negative"),
        (is_initializer(recipe.initializer), "initializer to be a Keras name or normal_0.02"),
        (all(0 <= weight < math.inf for weight in weights), "loss_weights not to be negative"),
        (recipe.weight_decay is None or recipe.weight_decay >= 0, "weight_decay not to be negative, or none"),
        (recipe.clip_norm is None or recipe.clip_norm > 0, "clip_norm above 0, or none"),
        (0 < recipe.exposure_target < 1, "exposure_target between 0 and 1"),
        (recipe.exposure_gain >= 1, "exposure_gain to be at least 1"),
        (0 <= recipe.exposure_shift <= 1, "exposure_shift from 0 to 1"),
        (recipe.noise >= 0, "noise not to be negative"),
        (0 < recipe.learning_rate < math.inf, "learning_rate above 0"),
        (recipe.ema is None or 0 < recipe.ema < 1, "ema between 0 and 1, or none"),
        (recipe.loss_weights.perceptual == 0 or recipe.channels == 3, "3 channels for the perceptual loss"),
    )


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """The recipe with fields set from texts "field=value"; a loss weight is "loss_weights.exposure=5".

    Raises:
        RecipeError: no such field, or a value that it cannot have.
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        group, dot, name = path.rpartition(".")
        owner = recipe.loss_weights if group == "loss_weights" else recipe
        fields = {field.name for field in dataclasses.fields(owner)} - {"name", "about", "loss_weights"}
        if not equals:
            raise RecipeError(f"--set {setting}: expected FIELD=VALUE, found no '='")
        if (dot and group != "loss_weights") or name not in fields:
            alike = difflib.get_close_matches(name, sorted(fields), n=1)
            hint = f"did you mean {alike[0]}?" if alike else "--show prints all fields"
            raise RecipeError(f"--set {setting}: there is no field '{path}' to set; {hint}")
        changed = dataclasses.replace(owner, **{name: _parse_value(text, owner, name, setting)})
        recipe = changed if isinstance(changed, Recipe) else dataclasses.replace(recipe, loss_weights=changed)
    return check_recipe(recipe)


def _parse_value(text: str, owner: Recipe | LossWeights, name: str, setting: str) -> Any:
    hint = typing.get_type_hints(type(owner))[name]
    kinds = typing.get_args(hint) or (hint,)
    if types.NoneType in kinds and text.lower() == "none":
        return None
    kind = next(kind for kind in kinds if kind is not types.NoneType)
    try:
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise RecipeError(f"--set {setting}: expected {kind.__name__}, found '{text}'") from None


_REPORT = Recipe(
    name="report",
    about="settings of the report that this project starts from; no shuffling",
    epochs=70,
    batch_size=16,
    shuffle=False,
)

# Li-Chongyi/Zero-DCE, lowlight_train.py.
_AUTHORS = Recipe(
    name="authors",
    about="settings of the authors' published code",
    epochs=100,
    batch_size=8,
    weight_decay=1e-4,
    clip_norm=0.1,
    initializer="normal_0.02",
)

_SCENE = Recipe(
    name="edge-scene",
    about="our best; the network sees the whole picture, and training needs no normal-light pictures",
    network="zero-dce-scene",
    curve_root=4,
    epochs=40,
    batch_size=8,
    epoch_images=360,
    flip=True,
    exposure_gain=8.0,
    learning_rate=1e-3,
    cosine_decay=True,
    ema=0.99,
    # Chosen on the validation part, where the normal-light pictures average 0.39.
    exposure_target=0.38,
    exposure_region_px=None,
    # All channels get the same curve, so there is no color to keep constant. Smoothness is summed over channels, of
    # which one map has an eighth of the paper's eight. The rest is ours, see docs/decisions/0006.
    loss_weights=LossWeights(color_constancy=0.0, illumination_smoothness=16000.0),
)

# Crops show the network four times as many steps in the same time.
_EDGE = dataclasses.replace(
    _SCENE,
    name="edge",
    about="the network of the paper, with our losses and augmentation",
    network="zero-dce",
    crop_px=128,
    learning_rate=5e-4,
    loss_weights=LossWeights(illumination_smoothness=2000.0),
)

_RECIPES = (
    _REPORT,
    _AUTHORS,
    dataclasses.replace(
        _AUTHORS,
        name="paper",
        about="the authors' settings with the loss weights that the paper prints",
        loss_weights=LossWeights(
            spatial_consistency=1.0, exposure=1.0, color_constancy=0.5, illumination_smoothness=20.0
        ),
    ),
    _SCENE,
    _EDGE,
    dataclasses.replace(
        _EDGE,
        name="edge-pp",
        about="the small network of Zero-DCE++, with our losses and augmentation",
        network="zero-dce-pp",
        learning_rate=1e-3,
        loss_weights=LossWeights(illumination_smoothness=16000.0),
    ),
    dataclasses.replace(
        _SCENE,
        name="paired",
        about="for data with normal-light pictures; the losses are L1 and SSIM",
        exposure_gain=1.0,
        loss_weights=LossWeights(
            spatial_consistency=0.0,
            exposure=0.0,
            color_constancy=0.0,
            illumination_smoothness=20.0,
            absolute=1.0,
            structure=0.5,
        ),
    ),
)
RECIPES = {recipe.name: recipe for recipe in _RECIPES}
DEFAULT_RECIPE = "edge-scene"


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        RecipeError: there is none.
    """
    if name not in RECIPES:
        raise RecipeError(f"there is no recipe named '{name}'; expected one of {' '.join(RECIPES)}")
    return RECIPES[name]

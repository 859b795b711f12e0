"""Recipes: everything that decides what a training run learns, as data saved beside the run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_dce.errors import EdgeDceError


class RecipeError(EdgeDceError):
    """A recipe is unknown, makes no sense, or a saved one cannot be read."""


# Of the recipe in a run folder: with it the run has begun.
FILE_NAME = "recipe.json"
# Losses that only networks that return a tone have.
TONE_LOSSES = ("steadiness", "neutrality")
# What the perceptual loss can compare.
FEATURES = ("published", "random")


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of the losses in the total; the defaults are those of the authors' published code.

    The first four need nothing but the dark picture. `absolute` (L1), `structure` (1 − SSIM) and `regional` (L1 of the
    means of 16x16 regions) compare with its normal-light partner. `perceptual` compares VGG16 features of the enhanced
    picture with those of the partner where one of these three counts, else with those of the dark picture.
    `steadiness` (L1) compares what a tone network makes of a picture with what it makes of the same one, moved by a few
    pixels or of another size. `neutrality` (L1) is how far apart its curves of red, green and blue are, which tints
    grey. `adversarial` is how well a discriminator, trained in turn, tells enhanced pictures from normal-light ones,
    see training.discriminator.

    `others` are names and weights of losses that were added to the registries of training.losses.
    """

    spatial_consistency: float = 1.0
    exposure: float = 10.0
    color_constancy: float = 5.0
    illumination_smoothness: float = 200.0
    perceptual: float = 0.0
    absolute: float = 0.0
    structure: float = 0.0
    regional: float = 0.0
    steadiness: float = 0.0
    neutrality: float = 0.0
    adversarial: float = 0.0
    others: tuple[tuple[str, float], ...] = ()

    @staticmethod
    def from_fields(fields: Mapping[str, float]) -> LossWeights:
        """What `to_fields` gave; names that are no fields are those of others."""
        own = {field.name for field in dataclasses.fields(LossWeights)} - {"others"}
        others = tuple((name, weight) for name, weight in fields.items() if name not in own)
        return LossWeights(**{name: fields[name] for name in own & fields.keys()}, others=others)

    def to_fields(self) -> dict[str, float]:
        """Name of a loss -> its weight, of all alike."""
        fields = dataclasses.asdict(self)
        return fields | dict(fields.pop("others"))

    def find(self, name: str) -> float:
        """The weight of a loss; 0 of one that is not weighed."""
        return self.to_fields().get(name, 0.0)


@dataclasses.dataclass(frozen=True)
class ToneSettings:
    """What only recipes of tone networks decide.

    Attributes:
        width_px, height_px: of the picture that the network sees, whatever its aspect was.
        picture_width_px, picture_height_px: that pairs are brought to and views are cut in, to cut crops from.
        pair_share, view_share, made_share: how often a picture comes from the pairs of `--data`, from views of
            panoramas, and from made scenes; in any unit. Scenes are made of the partners of views, where there are
            none of those of pairs.
        views: how many views are cut.
        rendering: of the views' partners, see training.panoramas.rendering.
        collage_share: how many of the views are collages of two, see training.panoramas.views.
        smallest_part: the network sees a part of each picture, of at least this share of each side, as if it were all.
        least_gain: half of the pairs are exposed by a factor between this one and the recipe's `exposure_gain`; 1 and 1
            leave all as they are.
        whole_share: weight of the losses on the small picture beside those on the crop.
    """

    width_px: int = 192
    height_px: int = 128
    picture_width_px: int = 600
    picture_height_px: int = 400
    pair_share: float = 0.0
    view_share: float = 0.0
    made_share: float = 0.0
    views: int = 1000
    rendering: str = "fused"
    collage_share: float = 0.0
    smallest_part: float = 0.8
    least_gain: float = 1.0
    whole_share: float = 0.5


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
        flip, rotate: mirror each crop at random along both axes, for a tone from left to right alone; turn it by a
            random number of quarter turns.
        exposure_gain: half of the pictures are brightened by a random factor up to this one, and clipped as a sensor
            clips: the network then meets pictures that need less light, and lamps.
        exposure_shift: with this probability a low-light image is replaced by its normal-light partner scaled by
            a random exposure in [0.1, 1]: the network then learns to leave bright regions alone.
        noise: sensor-like noise, of variance n·x + n² with n drawn from [0, noise].
        exposure_target: E, the grey level in [0, 1] that the exposure loss asks for.
        exposure_region_px: side of the regions that it asks it of; None asks it of the picture as a whole, which
            leaves contrast between its regions alone.
        initializer: Keras name of the kernel initializer, or "normal_0.02" for N(0, 0.02).
        schedule: how the learning rate goes, a name in training.schedules: "constant"; "cosine", to zero along half a
            cosine over all epochs; "step", times `decay_factor` after every `decay_epochs`; "warmup-cosine", up from
            zero within `warmup_epochs`, then as "cosine".
        accumulation_steps: so many batches make one step of the optimizer, by the mean of their gradients.
        patience: stop after so many epochs in a row without a lower validation loss; None for never.
        weight_decay: L2 penalty added to the gradient, as torch.optim.Adam does it; None for none.
        clip_norm: global gradient norm above which gradients are scaled down; None for never.
        ema: momentum of an exponential moving average of the weights, from one step of the optimizer to the next, which
            is what is evaluated and exported; None for the weights themselves. Losses in the history are those of the
            weights themselves, also on the validation part: by them the best epoch is found, and `patience` counts.
        perceptual_features: what the perceptual loss compares: of VGG16 as it was "published", or "random" ones, of a
            VGG16 that nobody trained, which needs no download.
        tone: the rest of the settings, for networks that return a tone; None for others.
        rounding: learn with activations rounded as int8 rounds them, see training.quantization.
        mixed_precision: compute in bfloat16 where the weights stay float32: for GPUs, and CPUs with AMX;
            others do it in software, in twice the time.
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
    schedule: str = "constant"
    warmup_epochs: int = 1
    decay_epochs: int = 10
    decay_factor: float = 0.5
    accumulation_steps: int = 1
    patience: int | None = None
    weight_decay: float | None = None
    clip_norm: float | None = None
    ema: float | None = None
    rounding: bool = False
    mixed_precision: bool = False
    initializer: str = "glorot_uniform"
    exposure_target: float = 0.6
    exposure_region_px: int | None = 16
    loss_weights: LossWeights = LossWeights()
    perceptual_features: str = "published"
    tone: ToneSettings | None = None
    seed: int = 2001

    @property
    def is_paired(self) -> bool:
        """Whether a loss compares with normal-light pictures."""
        weights = self.loss_weights
        return weights.absolute > 0 or weights.structure > 0 or weights.regional > 0 or self._has_another_comparison

    @property
    def _has_another_comparison(self) -> bool:
        if not self.loss_weights.others:
            return False
        # It imports Keras, which takes seconds.
        from .losses import COMPARISONS

        return any(weight > 0 and name in COMPARISONS for name, weight in self.loss_weights.others)

    @property
    def shows_partners(self) -> bool:
        """Whether batches hold normal-light pictures: to compare with, or for the discriminator alone."""
        return self.is_paired or self.loss_weights.adversarial > 0

    @property
    def uses_partners(self) -> bool:
        """Whether normal-light pictures are needed for training at all."""
        return self.shows_partners or self.exposure_shift > 0

    @property
    def title(self) -> str:
        """The name, and what differs from the recipe of that name: `edge (seed=7)`. What cards and tables say."""
        original = RECIPES.get(self.name)
        if original is None:
            return self.name
        # What is said about a recipe is no setting: runs of before have other words.
        before, now = (_flatten(dataclasses.replace(recipe, about="")) for recipe in (original, self))
        changes = [f"{name}={json.dumps(value)}" for name, value in now.items() if value != before.get(name)]
        return f"{self.name} ({', '.join(changes)})" if changes else self.name

    def to_fields(self) -> dict[str, Any]:
        """What is kept of it as JSON."""
        return dataclasses.asdict(self) | {"loss_weights": self.loss_weights.to_fields()}

    def to_json(self) -> str:
        return json.dumps(self.to_fields(), indent=2) + "\n"

    @staticmethod
    def from_json(text: str, *, origin: Path) -> Recipe:
        """Read what `to_json` wrote; `origin` is named in errors. `check_recipe` says if a run can be made of it.

        Raises:
            RecipeError: not JSON, or fields that no recipe has.
        """
        try:
            fields = json.loads(text)
            fields["loss_weights"] = LossWeights.from_fields(fields["loss_weights"])
            if fields.get("tone") is not None:
                fields["tone"] = ToneSettings(**fields["tone"])
            # Recipes of before there were schedules by name.
            if fields.pop("cosine_decay", False):
                fields["schedule"] = "cosine"
            return Recipe(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecipeError(f"{origin}: expected a recipe of this version ({error}); start a new run") from error


# Fields of a recipe that are settings themselves, set as "group.name".
GROUPS = ("loss_weights", "tone")


def _flatten(recipe: Recipe) -> dict[str, Any]:
    fields = recipe.to_fields()
    for group in GROUPS:
        fields |= {f"{group}.{name}": value for name, value in (fields.pop(group) or {}).items()}
    return fields


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
    about="our best without normal-light pictures; the network sees the whole picture",
    network="zero-dce-scene",
    curve_root=4,
    epochs=40,
    batch_size=8,
    epoch_images=360,
    flip=True,
    exposure_gain=8.0,
    learning_rate=1e-3,
    schedule="cosine",
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

_TONE_SETTINGS = ToneSettings(
    pair_share=0.4, view_share=0.4, made_share=0.2, views=1500, rendering="balanced", collage_share=0.4
)
_TONE = Recipe(
    name="edge-tone",
    about="our best; the tone of the whole picture, learned from pairs and from views of panoramas",
    network="tone",
    epochs=20,
    batch_size=8,
    epoch_images=4000,
    crop_px=128,
    flip=True,
    learning_rate=1e-3,
    schedule="cosine",
    exposure_gain=8.0,
    clip_norm=1.0,
    ema=0.999,
    rounding=True,
    loss_weights=LossWeights(
        spatial_consistency=0.0,
        exposure=0.0,
        color_constancy=0.0,
        illumination_smoothness=0.0,
        absolute=1.0,
        structure=0.5,
        regional=1.0,
        steadiness=40.0,
        neutrality=5.0,
    ),
    tone=_TONE_SETTINGS,
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
    _TONE,
    dataclasses.replace(
        _TONE,
        name="edge-tone-clean",
        about="as edge-tone, learned from panoramas alone: its weights carry no license of pairs",
        exposure_gain=1.0,
        tone=dataclasses.replace(_TONE_SETTINGS, pair_share=0.0, view_share=0.8),
    ),
    dataclasses.replace(
        _TONE,
        name="own-pairs",
        about="goes on from edge-tone (fit --from edge-tone-once) with pairs of one's own",
        epochs=8,
        epoch_images=1000,
        exposure_gain=1.0,
        learning_rate=1e-4,
        ema=0.99,
        tone=ToneSettings(pair_share=0.9, made_share=0.1),
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

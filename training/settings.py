"""Settings of recipes: checked against what training can do, and set from texts."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from .panoramas.rendering import RENDERINGS
from .recipe import FEATURES, GROUPS, TONE_LOSSES, LossWeights, Recipe, RecipeError, ToneSettings

# The filter behind the tone has its map of the noise at an eighth of the size.
_CROP_UNIT_PX = 8
# What only networks that return curves read.
_OF_CURVES = ("curve_root", "rotate", "exposure_shift", "noise", "exposure_target", "exposure_region_px")


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
    # Keras takes seconds to import.
    from .network import NETWORKS, is_initializer
    from .schedules import SCHEDULES

    yield recipe.network in NETWORKS, f"network to be one of {' '.join(NETWORKS)}"
    network = NETWORKS[recipe.network]
    weights = recipe.loss_weights.to_fields().values()
    yield from (
        (recipe.channels in (1, 3, 4), "channels to be 1, 3 or 4"),
        (recipe.epochs >= 1 and recipe.batch_size >= 1, "epochs and batch_size to be at least 1"),
        (0 <= recipe.test_files < recipe.validation_from, "test_files from 0 to less than validation_from"),
        (recipe.epoch_images >= 0 and recipe.seed >= 0, "epoch_images and seed not to be negative"),
        (is_initializer(recipe.initializer), "initializer to be a Keras name or normal_0.02"),
        (all(0 <= weight < math.inf for weight in weights), "loss_weights not to be negative"),
        (recipe.weight_decay is None or recipe.weight_decay >= 0, "weight_decay not to be negative, or none"),
        (recipe.clip_norm is None or recipe.clip_norm > 0, "clip_norm above 0, or none"),
        (recipe.exposure_gain >= 1, "exposure_gain to be at least 1"),
        (0 < recipe.learning_rate < math.inf, "learning_rate above 0"),
        (recipe.schedule in SCHEDULES, f"schedule to be one of {' '.join(SCHEDULES)}"),
        (recipe.decay_epochs >= 1 and 0 < recipe.decay_factor < 1, "decay_epochs from 1, decay_factor between 0 and 1"),
        (
            recipe.warmup_epochs >= 1 and (recipe.schedule != "warmup-cosine" or recipe.warmup_epochs < recipe.epochs),
            "warmup_epochs from 1, fewer than epochs",
        ),
        (recipe.accumulation_steps >= 1, "accumulation_steps to be at least 1"),
        (recipe.patience is None or recipe.patience >= 1, "patience to be at least 1, or none"),
        (recipe.ema is None or 0 < recipe.ema < 1, "ema between 0 and 1, or none"),
        ((network.returns == "tone") == (recipe.tone is not None), "tone to be set for the networks that return one"),
    )
    if recipe.tone is None:
        yield from _list_curve_expectations(recipe, network.multiple_px)
    else:
        yield from _list_tone_expectations(recipe, recipe.tone, network.multiple_px)


def _list_curve_expectations(recipe: Recipe, multiple_px: int) -> Iterator[tuple[bool, str]]:
    crop_px = recipe.crop_px or recipe.resize_px
    yield from (
        (recipe.curve_root in (1, 2, 4), "curve_root to be 1, 2 or 4"),
        (16 <= crop_px <= recipe.resize_px, "crop_px from 16 to resize_px"),
        (
            crop_px % multiple_px == recipe.resize_px % multiple_px == 0,
            f"crop_px and resize_px to be multiples of {multiple_px}, for its network",
        ),
        (recipe.exposure_region_px is None or 1 <= recipe.exposure_region_px <= crop_px, "regions within the crop"),
        (0 < recipe.exposure_target < 1, "exposure_target between 0 and 1"),
        (0 <= recipe.exposure_shift <= 1, "exposure_shift from 0 to 1"),
        (recipe.noise >= 0, "noise not to be negative"),
        (recipe.loss_weights.perceptual == 0 or recipe.channels == 3, "3 channels for the perceptual loss"),
        (
            all(recipe.loss_weights.find(name) == 0 for name in TONE_LOSSES),
            f"{' and '.join(TONE_LOSSES)} to be 0 for networks that return curves",
        ),
        (recipe.perceptual_features in FEATURES, f"perceptual_features to be one of {' '.join(FEATURES)}"),
    )


def _list_tone_expectations(recipe: Recipe, tone: ToneSettings, multiple_px: int) -> Iterator[tuple[bool, str]]:
    # It imports Keras, which takes seconds.
    from .losses import COMPARISONS

    crop_px = recipe.crop_px or 0
    shares = (tone.pair_share, tone.view_share, tone.made_share)
    yield from (
        (recipe.channels == 3, "3 channels for a tone"),
        (
            tone.width_px % multiple_px == tone.height_px % multiple_px == 0 < min(tone.width_px, tone.height_px),
            f"tone.width_px and tone.height_px to be multiples of {multiple_px}, for its network",
        ),
        (
            crop_px >= 16 and crop_px % _CROP_UNIT_PX == 0,
            f"crop_px to be a multiple of {_CROP_UNIT_PX} from 16",
        ),
        (
            2 * crop_px <= min(tone.picture_width_px, tone.picture_height_px),
            "crop_px up to half of tone.picture_width_px and tone.picture_height_px, the size of made scenes",
        ),
        (
            min(shares) >= 0 and tone.pair_share + tone.view_share > 0,
            "shares not to be negative, of pairs or views above 0",
        ),
        (tone.views >= 1, "tone.views to be at least 1"),
        (tone.rendering in RENDERINGS, f"tone.rendering to be one of {' '.join(RENDERINGS)}"),
        (0 <= tone.collage_share <= 1, "tone.collage_share from 0 to 1"),
        (0 < tone.smallest_part <= 1, "tone.smallest_part above 0, up to 1"),
        (0 < tone.least_gain <= recipe.exposure_gain, "tone.least_gain above 0, up to exposure_gain"),
        (tone.whole_share >= 0, "tone.whole_share not to be negative"),
        (recipe.is_paired, "a loss that compares with partners"),
    )
    defaults = Recipe(name="", epochs=1, batch_size=1)
    for name in _OF_CURVES:
        yield getattr(recipe, name) == getattr(defaults, name), f"{name} to be left out for networks that return a tone"
    # Those that were added are checked when the model is built: whoever adds them may not have yet.
    own = {field.name for field in dataclasses.fields(LossWeights)} - {"others"}
    for name in sorted(own - {*COMPARISONS, *TONE_LOSSES}):
        yield recipe.loss_weights.find(name) == 0, f"{name} to be 0 for networks that return a tone"


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """The recipe with fields set from texts "field=value"; one of a group is "loss_weights.exposure=5".

    Raises:
        RecipeError: no such field, or a value that it cannot have.
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        group, dot, name = path.rpartition(".")
        owner: Any = getattr(recipe, group) if group in GROUPS else recipe
        fields = {field.name for field in dataclasses.fields(owner)} if owner is not None else set()
        fields -= {"name", "about", "others", *GROUPS}
        if group == "loss_weights":
            fields |= _list_added_losses()
        if not equals:
            raise RecipeError(f"--set {setting}: expected FIELD=VALUE, found no '='")
        if (dot and group not in GROUPS) or name not in fields:
            alike = difflib.get_close_matches(name, sorted(fields), n=1)
            hint = f"did you mean {alike[0]}?" if alike else "--show prints all fields"
            raise RecipeError(f"--set {setting}: there is no field '{path}' to set; {hint}")
        value = _parse_value(text, owner, name, setting)
        if isinstance(owner, LossWeights):
            changed: Any = LossWeights.from_fields(owner.to_fields() | {name: value})
        else:
            changed = dataclasses.replace(owner, **{name: value})
        recipe = dataclasses.replace(recipe, **{group: changed}) if dot else changed
    return check_recipe(recipe)


def is_whole(path: str) -> bool:
    """Whether a field as "crop_px" or "tone.views" is of whole numbers; one that is none is not."""
    group, _, name = path.rpartition(".")
    owner = {"": Recipe, "loss_weights": LossWeights, "tone": ToneSettings}.get(group)
    return owner is not None and int in _list_kinds(owner, name)


def _list_kinds(owner: type, name: str) -> tuple[type, ...]:
    # A loss that was added has no field.
    hint = typing.get_type_hints(owner).get(name, float)
    return typing.get_args(hint) or (hint,)


def _list_added_losses() -> set[str]:
    # It imports Keras, which takes seconds.
    from .losses import COMPARISONS, REFERENCE_FREE

    return {*COMPARISONS, *REFERENCE_FREE}


def _parse_value(text: str, owner: Recipe | LossWeights | ToneSettings, name: str, setting: str) -> Any:
    kinds = _list_kinds(type(owner), name)
    if types.NoneType in kinds and text.lower() == "none":
        return None
    kind = next(kind for kind in kinds if kind is not types.NoneType)
    try:
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise RecipeError(f"--set {setting}: expected {kind.__name__}, found '{text}'") from None

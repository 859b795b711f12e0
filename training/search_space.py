"""What a sweep varies: fields of a recipe, each within a range or among a few values. Needs no Keras."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from .recipe import RecipeError
from .settings import is_whole

# What the validation loss measures, or measures it on.
_CHANGE_THE_LOSS = re.compile(
    r"loss_weights\..*|exposure_(target|region_px)|perceptual_features|channels|validation_from|resize_px"
    r"|tone\.(whole_share|width_px|height_px)"
)


@dataclasses.dataclass(frozen=True)
class Dimension:
    """One field.

    Attributes:
        path: as of `--set`.
        low, high: the ends of a range; no matter of a list.
        is_whole: whether a range is of whole numbers, as those of fields that hold nothing else are.
        is_logarithmic: whether a range is drawn from by the logarithm.
        choices: the values of a list, as texts.
    """

    path: str
    low: float = 0.0
    high: float = 0.0
    is_whole: bool = False
    is_logarithmic: bool = False
    choices: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[str, ...]:
        """The least and the most that can be drawn, or all choices; as texts of `--set`."""
        kind = int if self.is_whole else float
        return self.choices or (str(kind(self.low)), str(kind(self.high)))

    @property
    def changes_the_loss(self) -> bool:
        """Whether validation losses of different values do not compare."""
        return _CHANGE_THE_LOSS.fullmatch(self.path) is not None


def divide_settings(settings: Sequence[str]) -> tuple[list[str], list[Dimension]]:
    """Settings of one value, as of `fit --set`, and those of a range "1e-4..1e-2:log" or a list "32,64".

    Raises:
        RecipeError: a range that is none, or nothing to vary.
    """
    fixed: list[str] = []
    dimensions: list[Dimension] = []
    for setting in settings:
        path, _, text = setting.partition("=")
        if ".." in text:
            dimensions.append(_parse_range(path, text, setting))
        elif "," in text:
            dimensions.append(Dimension(path, choices=tuple(text.split(","))))
        else:
            fixed.append(setting)
    if not dimensions:
        raise RecipeError("--set: expected a field to vary, as in learning_rate=1e-4..1e-2:log or crop_px=64,128")
    return fixed, dimensions


def _parse_range(path: str, text: str, setting: str) -> Dimension:
    first, _, second = text.removesuffix(":log").partition("..")
    ends = (first, second)
    try:
        low, high = (float(end) for end in ends)
        if not low < high or (text.endswith(":log") and low <= 0):
            raise ValueError
    except ValueError:
        raise RecipeError(f"--set {setting}: expected LOW..HIGH or LOW..HIGH:log, found '{text}'") from None
    if is_whole(path) and not (low.is_integer() and high.is_integer()):
        raise RecipeError(f"--set {setting}: expected a range of whole numbers, found '{text}'")
    return Dimension(path, low, high, is_whole(path), text.endswith(":log"))

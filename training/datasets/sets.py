"""Several sets as one: how often each is shown, and what is held out of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_dce.errors import ImageError

from ..recipe import Recipe
from .kinds import KINDS, recognize
from .likeness import find_alike, take_prints
from .picture import DarkPicture

# Of sets without an order of their own every fifth scene is held out for validation: of a few photos, more than one.
HELD_OUT_EVERY = 5
Parts = Mapping[str, Sequence[DarkPicture]]


@dataclasses.dataclass(frozen=True)
class Source:
    """What `--data` names.

    Attributes:
        kind: its entry in `KINDS`.
        place: folder, file, or what else its kind takes.
        share: how often a picture comes from this set, in any unit; None goes by the number of its pictures.
    """

    kind: str
    place: str
    share: float | None = None

    @staticmethod
    def parse(text: str) -> Source:
        """`[KIND:]PLACE[@SHARE]`; without a kind it is told by what is there.

        Raises:
            ImageError: nothing is there, or the share is no number above 0.
        """
        kind, colon, place = text.partition(":")
        if not colon or kind not in KINDS:
            kind, place = "", text
        before, at, after = place.rpartition("@")
        share = None
        if at and not Path(place).exists():
            try:
                place, share = before, float(after)
            except ValueError:
                raise ImageError(
                    f"{text}: expected a number behind @, the share of this set, found '{after}'"
                ) from None
            if not 0 < share < math.inf:
                raise ImageError(f"{text}: expected a share above 0")
        return Source(kind or recognize(place), place, share)

    @property
    def name(self) -> str:
        return Path(self.place.partition(",")[0]).resolve().name


def find_parts(data: Path | Sequence[Source], recipe: Recipe, *, cache: Path) -> dict[str, list[DarkPicture]]:
    """The "train", "validation" and "test" part of one set or of several.

    LOL's folder alone is split as the recipe says. Of everything else whole scenes are held out, every fifth one; files
    that look alike are of one scene, in whichever sets they lie. What a data set keeps for tests is kept for tests.

    Raises:
        ImageError: no pictures, too few of them, no partners where the recipe needs them, shares for some sets only, or
            a picture to train on shows the scene of one that a data set keeps for tests.
    """
    sources = [Source.parse(str(data))] if isinstance(data, Path) else list(data)
    sets = [_weigh(source, KINDS[source.kind].find(source.place, cache)) for source in sources]
    if len({source.share is None for source in sources}) > 1:
        raise ImageError("expected a share for every set or for none, found some without; write DIR@SHARE")
    for source, pictures in zip(sources, sets, strict=True):
        if recipe.uses_partners and any(picture.high is None for picture in pictures):
            raise ImageError(
                f"{source.place}: recipe '{recipe.name}' needs normal-light pictures; expected folders 'low' and "
                f"'high' or another kind of pairs, found kind '{source.kind}'"
            )
    if len(sources) == 1 and KINDS[sources[0].kind].is_ordered:
        return split_by_order(sets[0], recipe)
    return split_by_scene([picture for pictures in sets for picture in pictures], cache)


def split_by_order(pictures: Sequence[DarkPicture], recipe: Recipe) -> dict[str, list[DarkPicture]]:
    """The recipe's test, train and validation part of sorted pictures.

    Raises:
        ImageError: too few pictures to leave any for training.
    """
    test_files, validation_from = recipe.test_files, recipe.validation_from
    if len(pictures) <= test_files:
        raise ImageError(
            f"expected more than {test_files} pairs (recipe '{recipe.name}' keeps {test_files} for testing), "
            f"found {len(pictures)}; add pictures"
        )
    return {
        "test": list(pictures[:test_files]),
        "train": list(pictures[test_files:validation_from]),
        "validation": list(pictures[validation_from:]),
    }


def split_by_scene(pictures: Sequence[DarkPicture], cache: Path) -> dict[str, list[DarkPicture]]:
    """Every fifth scene for validation, whole; what is marked as "test" for tests.

    Raises:
        ImageError: a scene lies in the training part of one data set and in the test part of another, or nothing is
            left to train on.
    """
    parts: dict[str, list[DarkPicture]] = {"test": [], "train": [], "validation": []}
    scenes = group_scenes(pictures, cache)
    free = 0
    for scene in scenes:
        kept = [picture for picture in scene if picture.part == "test"]
        if kept and len(kept) < len(scene):
            other = next(picture for picture in scene if picture.part != "test")
            raise ImageError(
                f"{other.low}: shows the scene of {kept[0].low}, which is kept for tests; leave one of them out"
            )
        free += not kept
        part = "test" if kept else "validation" if free % HELD_OUT_EVERY == 0 else "train"
        parts[part] += scene
    if not parts["train"]:
        raise ImageError(f"expected scenes to train on, found none in {len(pictures)} pictures; add pictures")
    return parts


def group_scenes(pictures: Sequence[DarkPicture], cache: Path) -> list[list[DarkPicture]]:
    """The pictures by scene, in their order: of one name for it, or alike in what they show."""
    # Both: the dark picture of one set may be the partner of another.
    prints = take_prints([path for picture in pictures for path in (picture.low, picture.high or picture.low)], cache)
    leaders = list(range(len(pictures)))

    def lead(number: int) -> int:
        while leaders[number] != number:
            number = leaders[number]
        return number

    def join(one: int, other: int) -> None:
        one, other = sorted((lead(one), lead(other)))
        leaders[other] = one

    named: dict[tuple[Path, str], int] = {}
    for number, picture in enumerate(pictures):
        if picture.scene is not None:
            join(number, named.setdefault((picture.low.parent.parent, picture.scene), number))
    for one, other in find_alike(prints):
        join(one // 2, other // 2)
    scenes: dict[int, list[DarkPicture]] = {}
    for number, picture in enumerate(pictures):
        scenes.setdefault(lead(number), []).append(picture)
    return list(scenes.values())


def _weigh(source: Source, pictures: list[DarkPicture]) -> list[DarkPicture]:
    if source.share is None:
        return pictures
    return [dataclasses.replace(picture, weight=source.share / len(pictures)) for picture in pictures]

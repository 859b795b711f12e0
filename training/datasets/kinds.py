"""What data sets look like on disk: one function and one entry in `KINDS` each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.files.folders import find_pictures, match_pairs
from edge_dce.files.pictures import READABLE_SUFFIXES, read_image

from .partners import match_names
from .picture import DarkPicture, Pair

# Between the two folders of `pairs`.
_AND = ","
# What sequences of exposures have in place of a partner: the one that is nearest to this mean, of 255.
_WELL_EXPOSED = 110.0
# The retouchers' folders of FiveK, the one that everybody takes first.
_EXPERTS = ("expertC", "ExpertC", "c", "C", "target", "high")
# Frames of a clip that follow each other are one scene, so many to a clip.
_SCENES_PER_CLIP = 10


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of data set.

    Attributes:
        find: its pictures, sorted; called with what stands behind `--data` and the folder for what has to be decoded.
            It raises ImageError where the data do not look so.
        about: one line for people who choose.
        is_ordered: whether the recipe's `test_files` and `validation_from` split it, where it is the only set.
    """

    find: Callable[[str, Path], list[DarkPicture]]
    about: str
    is_ordered: bool = False


def find_lol_root(data: Path) -> Path | None:
    """The folder that holds `low` and `high`: `data`, or `our485` in it; None for other folders."""
    roots = (root for root in (data, data / "our485") if (root / "low").is_dir() and (root / "high").is_dir())
    return next(roots, None)


def find_lol(data: str, _: Path) -> list[DarkPicture]:
    root = find_lol_root(Path(data))
    if root is None:
        raise ImageError(f"{data}: expected folders 'low' and 'high' (or a folder 'our485' with both), as in LOL")
    return [Pair(*paths) for paths in match_pairs(root / "low", root / "high")]


def find_lol_v2(data: str, _: Path) -> list[DarkPicture]:
    """`Real_captured` and `Synthetic`, or one of them: `Train` and `Test` with `Low` and `Normal` each."""
    roots = [path.parent for path in sorted(Path(data).rglob("Low")) if (path.parent / "Normal").is_dir()]
    if not roots:
        raise ImageError(f"{data}: expected Train/Low, Train/Normal, Test/Low and Test/Normal, as in LOL-v2")
    return [
        Pair(*paths, part="test" if root.name.lower() == "test" else "train")
        for root in roots
        for paths in match_names(root / "Low", root / "Normal")
    ]


def find_exposures(data: str, _: Path) -> list[DarkPicture]:
    """A folder for each scene; `Label` holds the partners, as in SICE, or the best exposed one of the scene is it."""
    root = Path(data)
    labels = {path.stem: path for path in find_pictures(root / "Label")} if (root / "Label").is_dir() else {}
    scenes = sorted(path for path in root.iterdir() if path.is_dir() and path.name != "Label") if root.is_dir() else []
    found: list[DarkPicture] = []
    for folder in scenes:
        means = {path: float(read_image(path).mean()) for path in find_pictures(folder)}
        best = labels.get(folder.name) or min(means, key=lambda path: abs(means[path] - _WELL_EXPOSED))
        limit = means[best] if best in means else float(read_image(best).mean())
        found += [Pair(path, best, scene=folder.name) for path, mean in means.items() if mean < limit]
    if not found:
        raise ImageError(f"{data}: expected a folder of exposures for each scene, some darker than the best; see SICE")
    return found


def find_fivek(data: str, _: Path) -> list[DarkPicture]:
    """`input` and a retoucher's folder, C's where there are several."""
    root = Path(data)
    experts = [root / name for name in _EXPERTS if (root / name).is_dir()]
    if not (root / "input").is_dir() or not experts:
        raise ImageError(f"{data}: expected folders 'input' and 'expertC', as the pairs of FiveK are kept")
    return [Pair(*paths) for paths in match_names(root / "input", experts[0])]


def find_two_folders(data: str, _: Path) -> list[DarkPicture]:
    low, comma, high = data.partition(_AND)
    if not comma:
        raise ImageError(f"{data}: expected two folders with a comma between them: pairs:LOW,HIGH")
    return [Pair(*paths) for paths in match_names(Path(low), Path(high))]


def find_photos(data: str, _: Path) -> list[DarkPicture]:
    return [DarkPicture(path, None) for path in find_pictures(data)]


def find_video(data: str, cache: Path) -> list[DarkPicture]:
    """One frame for each second; what follows each other is one scene."""
    from .frames import extract_frames

    frames = extract_frames(Path(data), cache)
    return [
        DarkPicture(path, None, scene=f"{Path(data).name}/{number * _SCENES_PER_CLIP // len(frames)}")
        for number, path in enumerate(frames)
    ]


# Another kind of data set is one function and one entry here.
KINDS: dict[str, Kind] = {
    "lol": Kind(find_lol, "folders low and high, as in LOL; split by the recipe where it is alone", is_ordered=True),
    "lol-v2": Kind(find_lol_v2, "LOL-v2, Real_captured, Synthetic or both; its test part is kept"),
    "exposures": Kind(find_exposures, "a folder of exposures for each scene, as SICE; partners in Label"),
    "fivek": Kind(find_fivek, "folders input and expertC, as MIT-Adobe FiveK"),
    "pairs": Kind(find_two_folders, "LOW,HIGH: two folders with the same names"),
    "photos": Kind(find_photos, "one folder of dark photos without partners"),
    "video": Kind(find_video, "a video file: one frame a second, without partners"),
}


def recognize(data: str) -> str:
    """The kind of what stands behind `--data` without one."""
    path = Path(data)
    if find_lol_root(path) is not None:
        return "lol"
    if path.is_file() and path.suffix.lower() not in READABLE_SUFFIXES:
        return "video"
    if not path.is_dir():
        raise ImageError(f"{data}: no such folder; expected one of dark pictures, or a LOL folder with low/ and high/")
    return "photos"

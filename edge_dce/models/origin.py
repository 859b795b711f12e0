"""Where a trained network comes from, as JSON inside the archive that a `.keras` file is.

`training export` writes it, `training` and `converters` read it. Keras ignores entries that it does not know, so the
network and its origin are one file, with nothing to lose. Standard library alone.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

ENTRY = "edge-dce-origin.json"


@dataclasses.dataclass(frozen=True)
class Origin:
    """How a network was trained, and on what.

    Attributes:
        recipe: every setting of the training, as `training.recipe.Recipe` writes them.
        epochs: for how long it was trained.
        data: title of the data set; how many pictures and panoramas were trained on, and the sha256 of all of them. Of
            a checkpoint of others its name as title, and its sha256.
        title: of the recipe, with what differs from the one of that name.
        uses_partners: whether the network saw normal-light partners too.
        choice: how the epoch was chosen where it is not the last one.
    """

    recipe: dict[str, Any]
    epochs: int
    data: dict[str, Any]
    title: str
    uses_partners: bool
    choice: str = ""

    @property
    def curve_root(self) -> Any:
        """As the recipe has it, unchecked. Raises KeyError: it has none."""
        return self.recipe["curve_root"]

    @property
    def shown(self) -> str:
        """What it saw, or the file that it was read from, for people. Raises KeyError: `data` is not as above."""
        data = self.data
        if "checkpoint_sha256" in data:
            return f"checkpoint {data['title']}, sha256 {data['checkpoint_sha256'][:16]}"
        seen = []
        if data["train_files"]:
            pictures = "low-light pictures" + (" and their normal-light partners" if self.uses_partners else "")
            seen.append(f"{data['train_files']} {pictures}, sha256 {data['train_sha256'][:16]}")
        # Origins of before there were panoramas do not speak of them.
        if data.get("panorama_files"):
            seen.append(f"views of {data['panorama_files']} panoramas, sha256 {data['panoramas_sha256'][:16]}")
        return ", ".join([data["title"], *seen, *([self.choice] if self.choice else [])])


def append_origin(path: Path, origin: Origin) -> None:
    """Write `origin` into a `.keras` file.

    Raises:
        OSError: it cannot be written.
    """
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(ENTRY, json.dumps(dataclasses.asdict(origin), indent=2) + "\n")


def read_origin(path: Path) -> Origin | None:
    """What `append_origin` wrote; None if the file has none.

    Raises:
        ValueError: it is damaged, or of another version.
        zipfile.BadZipFile, zlib.error: the archive is damaged, or no archive at all.
    """
    with zipfile.ZipFile(path) as archive:
        if ENTRY not in archive.namelist():
            return None
        text = archive.read(ENTRY)
    try:
        return Origin(**json.loads(text))
    except TypeError as error:
        raise ValueError(f"expected the fields of an origin, {error}") from error

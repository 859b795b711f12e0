"""A made LOL folder, small enough to train on in a test."""

from pathlib import Path

import numpy as np

from edge_dce.files.pictures import Picture, write_picture


def write_lol(folder: Path, pairs: int = 44) -> Path:
    """`pairs` pairs of 24x20 noise: dark under low/, bright under high/; the folder."""
    for side, peak in (("low", 30), ("high", 220)):
        (folder / "our485" / side).mkdir(parents=True)
        for number in range(pairs):
            image = np.random.default_rng(number).integers(0, peak, (20, 24, 3)).astype(np.uint8)
            write_picture(Picture(image), folder / "our485" / side / f"{number}.png")
    return folder

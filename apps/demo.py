"""Enhance the sample photos, show before and after, and time the bundled model: `python -m apps.demo [-o DIR]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import edge_dce
from edge_dce import cli
from edge_dce.files.output import make_folder
from edge_dce.terminal.console import answer

Uint8Array = npt.NDArray[np.uint8]

_PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SAMPLES = (_PICTURES / "city-moonrise.jpg", _PICTURES / "foundry.jpg")
_BENCHMARK_RUNS = "60"
_DIVIDER_PX, _LABEL_PX = 4, 36


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m apps.demo", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), metavar="DIR")
    folder: Path = parser.parse_args(argv).output

    def run() -> int:
        pictures = {sample: _read(sample) for sample in SAMPLES}
        enhancer = edge_dce.load()
        for sample, picture in pictures.items():
            _demonstrate(enhancer, sample.stem, picture, folder)
        print(f"\nHow fast {edge_dce.DEFAULT_MODEL} is on this machine:\n", flush=True)
        status = cli.main(["benchmark", edge_dce.DEFAULT_MODEL, "--runs", _BENCHMARK_RUNS])
        print("\nNext: edge-dce enhance PHOTO, in this environment (source .venv/bin/activate); more in README.md")
        return status

    return answer(run, prog="demo")


def join_before_after(before: Uint8Array, after: Uint8Array) -> Uint8Array:
    """Two (H, W, 3) images side by side, labeled, with a white line between them."""
    divider = np.full((before.shape[0], _DIVIDER_PX, 3), 255, np.uint8)
    return np.hstack([_label(before, "before"), divider, _label(after, "after")])


def _read(sample: Path) -> edge_dce.Picture:
    if not sample.is_file():
        raise edge_dce.ImageError(f"expected a checkout with {sample}; elsewhere run: edge-dce enhance PHOTO")
    return edge_dce.read_picture(sample)


def _demonstrate(enhancer: edge_dce.Enhancer, name: str, picture: edge_dce.Picture, folder: Path) -> None:
    start = time.perf_counter()
    enhanced = enhancer.enhance(picture.image)
    took_ms = (time.perf_counter() - start) * 1e3
    make_folder(folder)
    height, width = picture.image.shape[:2]
    print(f"Enhanced {name} ({width}x{height}) in {took_ms:.0f} ms:")
    for file, image in (
        (f"{name}-enhanced.jpg", enhanced),
        (f"{name}-before-after.jpg", join_before_after(np.asarray(picture.image, np.uint8), enhanced)),
    ):
        edge_dce.write_picture(picture.with_image(image), folder / file, overwrite=True)
        print(f"  {folder / file}")


def _label(image: Uint8Array, text: str) -> Uint8Array:
    labeled = image.copy()
    labeled[:_LABEL_PX, : _LABEL_PX // 3 * len(text)] //= 3
    cv2.putText(labeled, text, (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 1, cv2.LINE_AA)
    return labeled


if __name__ == "__main__":
    sys.exit(main())

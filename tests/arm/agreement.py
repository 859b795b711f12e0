"""Whether another processor gets the same results: `write FILE` on one, `compare FILE` on the other.

Both have to run the same release of the same runtime: two runtimes round differently, and that is not the question.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path
from unittest import mock

import cv2
import numpy as np

import edge_dce
from edge_dce import cli
from edge_dce.benchmark.frame import make_dark_frame
from edge_dce.models.catalog import bundled_models

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "docs" / "pictures" / "night-launch.jpg"
TINY = ROOT / "tests" / "models" / "tiny-16x16-float32.tflite"
MODELS = (str(TINY), *(path.stem for path in bundled_models()))
# Sums of some hundred float32 products in another order; curves and tones are in [-1, 1].
FLOAT_TOLERANCE = 1e-5
# One quantization step over their whole range, for kernels other than XNNPACK's: what those of another processor round
# the other way inside the network adds up to several of the own steps of curves, up to twelve times finer.
WHOLE_RANGE_STEP = 2 / 256
# Levels of 255 by which a picture may differ: what one such step makes of a sample in eight steps of the LE-curve; or
# in a tone whose rises below the sample are all a step of 3 % higher, and above it lower.
PICTURE_TOLERANCE = 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("action", choices=("write", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--own-kernels", action="store_true", help="write what tflite-runtime's give, for a processor without XNNPACK"
    )
    arguments = parser.parse_args()
    if arguments.action == "write":
        with (
            mock.patch("edge_dce.models.runtime.make_delegates", return_value=[])
            if arguments.own_kernels
            else contextlib.nullcontext()
        ):
            write(arguments.file)
        return 0
    return compare(arguments.file)


def write(path: Path) -> None:
    """Inputs and results of this processor."""
    photo = cv2.resize(edge_dce.read_picture(PHOTO).image, (160, 120), interpolation=cv2.INTER_AREA)
    results = {f"estimate:{Path(name).stem}": estimate(name) for name in MODELS}
    np.savez_compressed(path, photo=photo, picture=enhance(photo), **results)


def compare(path: Path) -> int:
    """Print the differences; exit status 1 if one is too large."""
    expected = np.load(path)
    are_close = [compare_estimate(name, expected[f"estimate:{Path(name).stem}"]) for name in MODELS]
    levels = np.abs(enhance(expected["photo"]).astype(int) - expected["picture"])
    print(f"edge-dce enhance: largest difference {levels.max()} of 255 levels, mean {levels.mean():.3f}")
    return 0 if all(are_close) and levels.max() <= PICTURE_TOLERANCE else 1


def compare_estimate(name: str, expected: np.ndarray) -> bool:
    """Floats within 1e-5. int8 on XNNPACK within a step of the file, on other kernels within one of the whole range."""
    difference = np.abs(estimate(name) - expected)
    line = f"{Path(name).stem}: largest difference {difference.max():.2g}"
    if not name.endswith("int8"):
        is_close = difference.max() <= FLOAT_TOLERANCE
    else:
        # With the least room for the rounding of the scale itself.
        step = read_step(name) * 1.001
        limit = step if edge_dce.load(name).xnnpack else WHOLE_RANGE_STEP
        is_close = difference.max() <= limit
        line += f", {difference.max() / step:.1f} quantization steps, mean {difference.mean() / step:.2f}"
    print(line + ("" if is_close else ": TOO MUCH"))
    return bool(is_close)


def estimate(name: str) -> np.ndarray:
    """The map or tone for one frame of the network's own size, so that nothing is resized before it."""
    enhancer = edge_dce.load(name, threads=1)
    return enhancer.estimate(make_dark_frame(enhancer.width, enhancer.height))


def read_step(name: str) -> float:
    """The distance between neighboring values of an int8 network's map or tone."""
    card = edge_dce.load(name).card
    assert card is not None
    return card.output.scale


def enhance(photo: np.ndarray) -> np.ndarray:
    """The command itself, from PNG to PNG, with the default model."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "photo.png"), Path(folder, "enhanced.png")
        cv2.imwrite(str(source), photo[..., ::-1])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert cli.main(["enhance", str(source), "-o", str(target)]) == 0
        return edge_dce.read_picture(target).image


if __name__ == "__main__":
    sys.exit(main())

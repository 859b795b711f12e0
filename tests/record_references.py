"""Record what the bundled models return under this runtime: `python -m tests.record_references`, in .venv-tflite.

tests/edge_dce/test_compatibility.py holds every other runtime against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.files.pictures import read_picture
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import bundled_models
from edge_dce.models.network import Network
from edge_dce.models.runtime import find_runtime, open_interpreter
from edge_dce.pixels.shrinking import shrink

FOLDER = Path(__file__).resolve().parent / "references"
PHOTO = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "night-launch.jpg"
# Every so many pixels of a map are kept: the files stay small, and each pixel sees its whole surroundings anyway.
STRIDE = 8


def compute(model: ModelFile) -> npt.NDArray[Any]:
    """The model's raw output on the sample photo, (h / 8, w / 8, 3) or all numbers of a tone, in the type it has."""
    interpreter = open_interpreter(model, threads=1)
    network = Network(model.path, interpreter)
    height, width = network.input.shape[1:3]
    small = shrink(read_picture(PHOTO).image, width, height)
    output = network.invoke_stored(network.quantize(small))
    return output[::STRIDE, ::STRIDE] if output.ndim == 3 else output


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    runtime = find_runtime()
    for path in bundled_models():
        model = read_model_file(path)
        assert model.card is not None
        np.savez_compressed(
            FOLDER / f"{path.stem}.npz",
            output=compute(model),
            sha256=model.card.sha256,
            runtime=f"{runtime.name} {runtime.version}",
        )
        print(path.stem)


if __name__ == "__main__":
    main()

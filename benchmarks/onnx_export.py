"""The networks of TFLite files as ONNX, for peers that do not read TFLite.

A program of its own, `python -m benchmarks.onnx_export FILE.tflite... FOLDER`: tf2onnx loads TensorFlow, whose threads
and memory have no place in a process that measures.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_dce.errors import EdgeDceError

# The newest that tf2onnx writes for all operators that the networks use.
_OPSET = 18


def export_to_onnx(models: Sequence[Path], folder: Path) -> list[Path]:
    """Write the network of each model, weights and scales as they are, to `folder`/NAME.onnx.

    Raises:
        EdgeDceError: tf2onnx refused one.
    """
    command = [sys.executable, "-m", "benchmarks.onnx_export", *map(str, models), str(folder)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        reason = (child.stderr.strip().splitlines() or ["no message"])[-1]
        raise EdgeDceError(f"tf2onnx cannot export {', '.join(model.stem for model in models)} ({reason})")
    return [folder / f"{model.stem}.onnx" for model in models]


def _export(models: Sequence[str], folder: str) -> None:
    from tf2onnx import convert
    from tf2onnx.tflite.OperatorCode import OperatorCode

    narrow = OperatorCode.DeprecatedBuiltinCode
    # Quantizers of today fill the wider field alone, which tf2onnx looks at only where the other one sends it there; a
    # TFLite runtime takes the larger of the two.
    OperatorCode.DeprecatedBuiltinCode = lambda code: max(narrow(code), code.BuiltinCode())
    for model in models:
        convert.from_tflite(model, opset=_OPSET, output_path=str(Path(folder) / f"{Path(model).stem}.onnx"))


if __name__ == "__main__":
    _export(sys.argv[1:-1], sys.argv[-1])

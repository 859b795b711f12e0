"""The networks of TFLite files in the form that other runtimes take.

A program of its own, `python -m benchmarks.onnx_export FILE.tflite... FOLDER`: tf2onnx loads TensorFlow, whose threads
and memory have no place in a process that measures.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_dce.errors import EdgeDceError
from edge_dce.models.card import read_model_file
from edge_dce.terminal.child import run_python

# The newest that tf2onnx writes for all operators that the networks use.
_OPSET = 18
# The narrow field's "see the wide one".
_SEE_WIDE_FIELD = 127


@dataclasses.dataclass(frozen=True)
class Export:
    """One network, weights and scales as they are: as ONNX, and as TFLite for readers of the old field of operators."""

    onnx: Path
    tflite: Path


def export(models: Sequence[Path], folder: Path) -> list[Export]:
    """Write the network of each model into `folder`.

    Raises:
        EdgeDceError: tf2onnx refused one.
    """
    paths = [str(path.resolve()) for path in (*models, folder)]
    result = run_python(["-m", "benchmarks.onnx_export", *paths], timeout_s=None)
    if result.failure:
        raise EdgeDceError(f"tf2onnx cannot export {', '.join(model.stem for model in models)} ({result.failure})")
    return [Export(folder / f"{model.stem}.onnx", folder / f"{model.stem}.tflite") for model in models]


def _export(models: Sequence[str], folder: Path) -> None:
    from tf2onnx import convert

    for model in map(Path, models):
        widened = folder / f"{model.stem}.tflite"
        widened.write_bytes(_fill_both_fields(read_model_file(model).content))
        convert.from_tflite(str(widened), opset=_OPSET, output_path=str(folder / f"{model.stem}.onnx"))


def _fill_both_fields(content: bytes) -> bytes:
    """The same model with its operators named in the old, narrow field too.

    Quantizers of today fill the wide field alone, and a TFLite runtime takes the larger of both. tf2onnx and OpenVINO
    read 0 in the narrow one, which is an addition.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.deprecatedBuiltinCode = min(code.builtinCode, _SEE_WIDE_FIELD)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


if __name__ == "__main__":
    _export(sys.argv[1:-1], Path(sys.argv[-1]))

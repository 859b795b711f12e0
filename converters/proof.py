"""The same file under another TFLite runtime: does it load, and is the result the same?

Two runtimes never share an environment, so the other one runs in its own Python, which needs nothing but its runtime
and numpy: `edge_dce.models.network` takes no more. It runs as in other apps, without the delegates of ours.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import edge_dce
from edge_dce.models.card import Census, ModelFile
from edge_dce.models.network import Network
from edge_dce.models.runtime import default_threads, open_interpreter

Uint8Array = npt.NDArray[np.uint8]

_TIMEOUT_SECONDS = 300
_PACKAGE = Path(edge_dce.__file__).resolve().parent
# Float kernels sum in different orders; maps and images span at most 2.
_FLOAT_TOLERANCE = 1e-4
_CHILD = """
import sys, importlib.metadata, importlib.util
import numpy as np
folder, home = sys.argv[1:]
# By its place: that environment may have an edge_dce of its own, and ours must not bring the packages beside it.
spec = importlib.util.spec_from_file_location("edge_dce", home + "/__init__.py", submodule_search_locations=[home])
sys.modules["edge_dce"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["edge_dce"])
from edge_dce.models.network import Network
try:
    from ai_edge_litert.interpreter import Interpreter
    name = "ai-edge-litert"
except ImportError:
    from tflite_runtime.interpreter import Interpreter
    name = "tflite-runtime"
interpreter = Interpreter(model_path=folder + "/model.tflite")
interpreter.allocate_tensors()
network = Network("model", interpreter)
results = [network.invoke_stored(network.quantize(picture)) for picture in np.load(folder + "/pictures.npy")]
np.save(folder + "/outputs.npy", np.stack(results))
print(name, importlib.metadata.version(name))
"""


@dataclasses.dataclass(frozen=True)
class Proof:
    """Attributes:
    runtime: name and version.
    reason: why the file is not proven there; None if it is.
    """

    runtime: str
    reason: str | None


def prove(model: ModelFile, python: Path, images: Sequence[Uint8Array]) -> Proof:
    """Run a file under the runtime of another Python and compare.

    Kernels round halves differently, so an integer result may be off by one step after each operator that rounds; the
    next one averages many such values and adds its own. So two runtimes must agree within one step of the output on
    average, and everywhere within one step for each operator that rounds.

    Args:
        python: the interpreter of an environment with ai-edge-litert or tflite-runtime.
        images: (height, width, 3) uint8 at the file's size.
    """
    network = Network(model.path, open_interpreter(model, threads=default_threads()))
    expected = [network.invoke_stored(network.quantize(picture)) for picture in images]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.tflite").write_bytes(model.content)
        np.save(Path(folder, "pictures.npy"), np.stack(images))
        try:
            child = subprocess.run(
                [python, "-c", _CHILD, folder, _PACKAGE],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Proof(str(python), f"cannot be run ({error})")
        if child.returncode:
            lines = child.stderr.strip().splitlines() or [f"it was stopped by signal {-child.returncode}"]
            return Proof(str(python), lines[-1] or "no message")
        found = np.load(Path(folder, "outputs.npy"))
    assert model.card is not None
    return Proof(child.stdout.strip(), _compare(np.stack(expected), found, model.card.census))


def _compare(expected: npt.NDArray[np.generic], found: npt.NDArray[np.generic], census: Census) -> str | None:
    difference = np.abs(expected.astype(np.float64) - found.astype(np.float64))
    if np.issubdtype(expected.dtype, np.integer):
        step: float = 1
    elif "INT8" in census.dtype:
        # Integers within, float out: as if the output had 256 levels.
        step = float(np.ptp(expected)) / 255
    else:
        step = _FLOAT_TOLERANCE
    most = step * max(1, census.roundings)
    if difference.max() <= most and difference.mean() <= step:
        return None
    return (
        f"expected results within {step:.3g} on average and {most:.3g} at worst, "
        f"found {difference.mean():.3g} and {difference.max():.3g}"
    )

"""The same networks on other runtimes, in turn with TFLite in one process: is TFLite the right choice here?"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.onnx_files import export
from converters.peer_runtimes import Engine, PeerInterpreter, RefusalError, open_onnxruntime, open_openvino
from edge_dce.benchmark.measurement import Candidate, Plan, Progress, measure_candidates, open_candidates
from edge_dce.benchmark.report import Report
from edge_dce.benchmark.subject import TimedInterpreter
from edge_dce.enhancer import Enhancer
from edge_dce.errors import EdgeDceError
from edge_dce.files.pictures import read_image
from edge_dce.models.catalog import find_model
from edge_dce.models.runtime import Runtime
from edge_dce.pixels.look import BARE
from edge_dce.pixels.metrics import finite_psnr

PACKAGES = ("onnxruntime", "openvino", "tf2onnx")
# Other kernels round otherwise: float kernels of int8 files differ by a step or two of the map.
_LEAST_AGREEMENT_DB = 35.0


Uint8Array = npt.NDArray[np.uint8]


def find_missing_packages() -> list[str]:
    """Those of PACKAGES that are not installed."""
    installed = {distribution.metadata["Name"] for distribution in importlib.metadata.distributions()}
    return [name for name in PACKAGES if name not in installed]


def measure_peers(models: Sequence[str | Path], photo: Path, plan: Plan, *, progress: Progress | None = None) -> Report:
    """Measure each model on TFLite, ONNX Runtime and OpenVINO.

    ONNX Runtime gets the file by way of tf2onnx, weights and scales unchanged; OpenVINO reads TFLite. A peer that
    refuses a file has no row for it, and a warning says why.

    Args:
        photo: on which all must agree with TFLite.

    Raises:
        EdgeDceError: a package is missing, an export fails, or a peer does not compute the same network.
    """
    missing = find_missing_packages()
    if missing:
        raise EdgeDceError(f"peers need {', '.join(missing)}; run: pip install 'edge-dce[peers]'")
    plan = dataclasses.replace(plan, probes=False)
    image = read_image(photo)
    candidates, refusals = [], []
    with tempfile.TemporaryDirectory() as folder:
        paths = [find_model(model) for model in models]
        exports = dict(zip(paths, export(paths, Path(folder)), strict=True))
        for own in open_candidates(paths, plan):
            threads, exported = own.subject.threads, exports[own.subject.model.path]
            candidates.append(own)
            for name, open_engine, path in (
                ("onnxruntime", open_onnxruntime, exported.onnx),
                ("openvino", open_openvino, exported.tflite),
            ):
                try:
                    engine = open_engine(path, threads)
                except RefusalError as error:
                    refusals.append(f"left out: {name} cannot run {own.name} ({error})")
                    continue
                candidates.append(_check(_join(name, engine, own), own, image))
        report = measure_candidates(candidates, plan, progress=progress)
    return dataclasses.replace(report, warnings=(*report.warnings, *refusals))


def _check(peer: Candidate, own: Candidate, image: Uint8Array) -> Candidate:
    agreement_db = finite_psnr(*(each.subject.enhance(image, BARE) for each in (peer, own)))
    if agreement_db < _LEAST_AGREEMENT_DB:
        raise EdgeDceError(
            f"{own.subject.model.path}: {peer.runtime.name} gives another picture than TFLite ({agreement_db:.1f} dB); "
            f"expected {_LEAST_AGREEMENT_DB:.0f} dB"
        )
    return peer


def _join(name: str, engine: Engine, own: Candidate) -> Candidate:
    model, threads = own.subject.model, own.subject.threads
    interpreter = TimedInterpreter(PeerInterpreter(engine, own.interpreter))
    subject = Enhancer(model, interpreter, threads=threads, contract=own.subject.contract)
    runtime = Runtime(name, importlib.metadata.version(name), name)
    return Candidate(own.name, subject, interpreter, runtime)

"""A published file once more as ONNX, held to the same bounds on every runtime for ONNX that is installed."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_dce.files.output import make_folder, write_file
from edge_dce.models.card import ModelCard, read_model_file
from edge_dce.models.runtime import default_threads, open_interpreter

from .formats import Bounds
from .gate import check_quality
from .onnx_files import add_card, export
from .peer_runtimes import RUNTIMES, PeerInterpreter, RefusalError, describe_runtime, find_runtimes
from .verification import HeldOut, Reference, Verification, verify


@dataclasses.dataclass(frozen=True)
class Translation:
    """One ONNX file.

    Attributes:
        path: where it lies: in the folder for rejected files if it missed the bounds.
        card: as written into it; its fidelity is the worst of the runtimes.
        verifications: by runtime, name and version.
        reasons: why it is rejected; none if it is published.
    """

    path: Path
    card: ModelCard
    verifications: Mapping[str, Verification]
    reasons: tuple[str, ...]


def translate(
    path: Path, rejected: Path, reference: Reference, pictures: Sequence[HeldOut], bounds: Bounds
) -> Translation:
    """Write the ONNX file beside the TFLite file `path`, or into the folder `rejected`. Replaces what is there.

    Raises:
        EdgeDceError: tf2onnx refuses the network.
        OutputError: the file cannot be written.
    """
    model = read_model_file(path)
    assert model.card is not None
    verifications: dict[str, Verification] = {}
    reasons: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        exported = export([path], Path(folder))[0].onnx
        # What is run is what is written, but for the figures in its card.
        exported.write_bytes(add_card(exported.read_bytes(), model.card))
        content = exported.read_bytes()
        for name in find_runtimes():
            runtime = describe_runtime(name)
            try:
                engine = RUNTIMES[name](exported, default_threads())
            except RefusalError as error:
                reasons.append(f"{runtime} cannot run it ({error})")
                continue
            like = open_interpreter(model, threads=1)
            verification = verify(model, reference, pictures, interpreter=PeerInterpreter(engine, like))
            verifications[runtime] = verification
            reasons += [f"on {runtime}: {reason}" for reason in check_quality(verification, bounds)]
    fidelities = [each.fidelity for each in verifications.values()]
    worst = min(fidelities, key=lambda fidelity: fidelity.worst_psnr_db, default=None)
    card = dataclasses.replace(model.card, fidelity=worst, runtimes=tuple(verifications))
    home = rejected if reasons else path.parent
    target = home / f"{path.stem}.onnx"
    make_folder(home)
    write_file(target, add_card(content, card), overwrite=True)
    if reasons:
        write_file(home / f"{target.name}.txt", "".join(f"{reason}\n" for reason in reasons).encode(), overwrite=True)
    return Translation(target, card, verifications, tuple(reasons))

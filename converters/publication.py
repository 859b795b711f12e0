"""One network to a set of `.tflite` files, each verified through the device runtime and carrying its card."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import importlib.metadata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from converters.calibration import CalibrationSet, choose_calibration_set, choose_pictures
from converters.conversion import convert
from converters.fidelity import compare
from converters.inspection import describe_input, describe_output, take_census
from converters.source import ConversionError, SourceNetwork, build_curves_network
from edge_dce.card import Fidelity, ModelCard, ModelFile, append_card
from edge_dce.enhancer import Enhancer
from edge_dce.output import check_free, make_folder, write_file
from edge_dce.runtime import default_threads, find_runtime, open_interpreter
from edge_dce.version import VERSION

_TOOLS = ("tensorflow", "keras")


@dataclasses.dataclass(frozen=True)
class Order:
    """What to make.

    Attributes:
        precisions: of "float32", "float16", "int8".
        width, height: input size in pixels.
        calibration: folder of low-light pictures; needed for int8.
        calibration_count, seed: how many of them, chosen how.
        evaluation: folder of pictures that every file is verified on; none may be among the calibration pictures.
        evaluation_count: how many of them.
    """

    precisions: tuple[str, ...]
    width: int
    height: int
    calibration: Path | None
    evaluation: Path
    calibration_count: int = 200
    evaluation_count: int = 50
    seed: int = 2001


@dataclasses.dataclass(frozen=True)
class Publication:
    """One finished file."""

    path: Path
    fidelity: Fidelity


def publish(source: SourceNetwork, order: Order, folder: Path, *, overwrite: bool = False) -> Iterator[Publication]:
    """Convert, verify and write one file after the other.

    Raises:
        ConversionError: int8 without calibration pictures, or a conversion that is not what it says.
        OutputError: a file exists, or cannot be written.
        ImageError: a picture is broken.
        ModelError: the runtime refuses what was made.
    """
    network = build_curves_network(source, order.width, order.height)
    held_out = choose_pictures(order.evaluation, count=order.evaluation_count, seed=order.seed)
    calibration = _choose_calibration(order, held_out) if "int8" in order.precisions else None
    targets = {
        precision: folder / f"{source.name}-{order.width}x{order.height}-{precision}.tflite"
        for precision in order.precisions
    }
    for target in targets.values():
        check_free(target, overwrite=overwrite)
    make_folder(folder)
    for precision, target in targets.items():
        yield _publish_one(source, network, precision, calibration if precision == "int8" else None, held_out, target)


def _choose_calibration(order: Order, held_out: Sequence[Path]) -> CalibrationSet:
    if order.calibration is None:
        raise ConversionError("int8 needs low-light pictures to calibrate on; name their folder with --calibration")
    return choose_calibration_set(
        order.calibration,
        width=order.width,
        height=order.height,
        count=order.calibration_count,
        seed=order.seed,
        evaluation=held_out,
    )


def _publish_one(
    source: SourceNetwork,
    network: Any,
    precision: str,
    calibration: CalibrationSet | None,
    held_out: Sequence[Path],
    target: Path,
) -> Publication:
    model = convert(network, precision=precision, calibration=calibration)
    card = _describe(source, precision, calibration, model, target.stem)
    draft = ModelFile(target, model, card)
    threads = default_threads()
    enhancer = Enhancer(draft, open_interpreter(draft, threads=threads), threads=threads)
    fidelity = compare(source, enhancer, held_out)
    # Whether it may replace a file was settled before the minutes of conversion.
    write_file(target, append_card(model, dataclasses.replace(card, fidelity=fidelity)), overwrite=True)
    return Publication(target, fidelity)


def _describe(
    source: SourceNetwork, precision: str, calibration: CalibrationSet | None, model: bytes, name: str
) -> ModelCard:
    runtime = find_runtime()
    return ModelCard(
        name=name,
        version=VERSION,
        precision=precision,
        contract="curves",
        input=describe_input(model),
        output=describe_output(model),
        iterations=source.shape.iterations,
        root=source.shape.root,
        source=source.origin,
        calibration=calibration.record if calibration else None,
        fidelity=None,
        census=take_census(model),
        toolchain={tool: importlib.metadata.version(tool) for tool in _TOOLS} | {runtime.name: runtime.version},
        sha256=hashlib.sha256(model).hexdigest(),
        license="Apache-2.0",
        created=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    )

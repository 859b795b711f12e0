"""One network to a set of `.tflite` files, each judged before it is published."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge_dce.files.output import check_free, make_folder, write_file
from edge_dce.models.card import Calibration, ModelCard, append_card

from .calibration import CalibrationSet, choose_calibration_set, choose_pictures
from .conversion import convert
from .draft import Draft, Subject
from .errors import ConversionError
from .file_network import build_network
from .float_check import check_float_model
from .formats import PRECISIONS, Bounds, find_bounds, find_precision
from .gate import Judgement, judge
from .onnx_files import check_packages
from .operators import OperatorError
from .search import SearchPlan, search
from .source import SourceNetwork
from .translation import Translation, translate
from .verification import HeldOut, Reference, read_held_out

REJECTED = "rejected"


@dataclasses.dataclass(frozen=True)
class Order:
    """What to make.

    Attributes:
        precisions: of `formats.PRECISIONS`.
        sizes: (width, height) in pixels.
        evaluation: folder of pictures that every file is verified on; none may be among the calibration pictures.
        contracts: of `formats.CONTRACTS`; empty for what the network returns by itself.
        truths: folder of the same scenes in normal light, by the names of the evaluation pictures.
        calibration: folder of low-light pictures; needed for precisions that are calibrated.
        calibration_count, evaluation_count, seed: how many pictures, chosen how.
        bounds: what files must reach; None takes those of their precision and contract.
        drop_db: what a file may lose against ground truth.
        runtimes: Pythons of other environments, under whose runtime every file must give the same result.
        onnx: whether the files of precisions that have ONNX files come as ONNX too.
    """

    precisions: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    evaluation: Path
    contracts: tuple[str, ...] = ()
    truths: Path | None = None
    calibration: Path | None = None
    calibration_count: int = 200
    evaluation_count: int = 50
    seed: int = 2001
    bounds: Bounds | None = None
    drop_db: float = 0.2
    runtimes: tuple[Path, ...] = ()
    onnx: bool = False

    def bound(self, precision: str, contract: str) -> Bounds:
        """What a file of both must reach."""
        return dataclasses.replace(self.bounds or find_bounds(precision, contract), drop_db=self.drop_db)

    def list_suffixes(self, precision: str) -> tuple[str, ...]:
        """Of the files that a precision comes as."""
        return (".tflite", ".onnx") if self.onnx and find_precision(precision).has_onnx else (".tflite",)


@dataclasses.dataclass(frozen=True)
class Publication:
    """One file that was made.

    Attributes:
        path: where it lies: under `rejected` if it missed the gate.
        card: as written into it.
        judgement: of the file.
        attempts: of all that was tried before it, the file itself last.
        operators: the error of each operator in full integer; empty for other precisions.
        notes: about its calibration, one line each.
        manifest: names and sha256 of its calibration pictures.
        translation: the same network as ONNX, where that was ordered and the file passed.
    """

    path: Path
    card: ModelCard
    judgement: Judgement
    attempts: tuple[Judgement, ...]
    operators: tuple[OperatorError, ...]
    notes: tuple[str, ...]
    manifest: tuple[tuple[str, str], ...]
    translation: Translation | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is rejected; none if it is published."""
        return self.judgement.reasons

    @property
    def passes(self) -> bool:
        """Whether the file is published, and its translation too."""
        return not self.reasons and (self.translation is None or not self.translation.reasons)


def publish(source: SourceNetwork, order: Order, folder: Path, *, overwrite: bool = False) -> Iterator[Publication]:
    """Convert, judge and write one file after the other.

    Raises:
        ConversionError: int8 without calibration pictures, ONNX without its packages or of a precision that has none,
            pictures that are in two folders, a network that cannot be converted so, or whose float32 file does not do
            what it does.
        OutputError: a file exists, or cannot be written.
        ImageError: a picture is broken.
        ModelError: the runtime refuses what was made.
    """
    calibrated = [name for name in order.precisions if find_precision(name).is_calibrated]
    if calibrated and order.calibration is None:
        raise ConversionError(
            f"{calibrated[0]} needs low-light pictures for calibration; name their folder with --calibration"
        )
    if order.onnx:
        _check_onnx(order)
    contracts = order.contracts or (source.returns,)
    subjects = [Subject(source, contract, width, height) for width, height in order.sizes for contract in contracts]
    for subject in subjects:
        for precision in order.precisions:
            # Where integers fall short, the file has another name.
            for name in find_precision(precision).results:
                for suffix in order.list_suffixes(precision):
                    check_free(folder / f"{subject.name_file(name)}{suffix}", overwrite=overwrite)
    paths = choose_pictures(order.evaluation, count=order.evaluation_count, seed=order.seed)
    pictures = read_held_out(paths, order.truths, source.channels)
    press = _Press(order, folder, pictures)
    references = {size: Reference(source, *size) for size in order.sizes}
    for subject in subjects:
        # Refused before minutes are spent on the files of another contract.
        press.make_float_model(subject, references[subject.width, subject.height])
    if calibrated:
        # For the same reason; what it chooses is kept.
        press.calibrate(subjects[0], order.calibration_count)
    for subject in subjects:
        for precision in order.precisions:
            reference = references[subject.width, subject.height]
            yield press.translate(press.make(subject, precision, reference), precision, reference)


def _check_onnx(order: Order) -> None:
    if not any(find_precision(name).has_onnx for name in order.precisions):
        known = " ".join(name for name, precision in PRECISIONS.items() if precision.has_onnx)
        raise ConversionError(f"expected a precision of {known} for ONNX, found {' '.join(order.precisions)}")
    check_packages()


class _Press:
    """What the files of one order share."""

    def __init__(self, order: Order, folder: Path, pictures: Sequence[HeldOut]) -> None:
        self._order, self._folder, self._pictures = order, folder, pictures
        self._sets: dict[tuple[int, int, int], CalibrationSet] = {}
        self._float_models: dict[tuple[str, int, int], bytes] = {}

    def make_float_model(self, subject: Subject, reference: Reference) -> bytes:
        """The subject in float32, as good as the Keras network. Raises as `convert` and `check_float_model`."""
        key = (subject.contract, subject.width, subject.height)
        if key not in self._float_models:
            network = build_network(subject.source, subject.contract, subject.width, subject.height)
            model = convert(network, precision="float32")
            check_float_model(model, subject, reference, self._pictures)
            self._float_models[key] = model
        return self._float_models[key]

    def make(self, subject: Subject, name: str, reference: Reference) -> Publication:
        precision, bounds = find_precision(name), self._order.bound(name, subject.contract)
        if precision.is_calibrated:
            plan = SearchPlan(
                self.make_float_model(subject, reference),
                lambda count: self.calibrate(subject, count),
                self._order.calibration_count,
                self._order.runtimes,
            )
            found = search(subject, precision, reference, self._pictures, bounds, plan)
            return self._write(found.best, found.judgements, found.operators, found.notes)
        network = build_network(subject.source, subject.contract, subject.width, subject.height)
        draft = Draft(subject, name, convert(network, precision=name), name)
        judgement = judge(draft, reference, self._pictures, bounds, runtimes=self._order.runtimes)
        return self._write(judgement, (judgement,), (), ())

    def translate(self, publication: Publication, precision: str, reference: Reference) -> Publication:
        """The publication with its ONNX file, where the order has one. Raises as `translation.translate`."""
        if ".onnx" not in self._order.list_suffixes(precision) or publication.reasons:
            return publication
        bounds = self._order.bound(precision, publication.card.contract)
        translation = translate(publication.path, self._folder / REJECTED, reference, self._pictures, bounds)
        return dataclasses.replace(publication, translation=translation)

    def calibrate(self, subject: Subject, count: int) -> CalibrationSet:
        """The calibration pictures for a subject's size. Raises as `choose_calibration_set`."""
        order = self._order
        key = (subject.width, subject.height, count)
        if key not in self._sets:
            assert order.calibration is not None
            self._sets[key] = choose_calibration_set(
                order.calibration,
                width=subject.width,
                height=subject.height,
                count=count,
                seed=order.seed,
                evaluation=[picture.path for picture in self._pictures],
                channels=subject.source.channels,
            )
        return self._sets[key]

    def _write(
        self,
        judgement: Judgement,
        attempts: tuple[Judgement, ...],
        operators: tuple[OperatorError, ...],
        notes: tuple[str, ...],
    ) -> Publication:
        draft = judgement.draft
        card = dataclasses.replace(
            draft.card,
            fidelity=judgement.verification.fidelity,
            runtimes=(*judgement.runtimes, *draft.card.runtimes),
        )
        folder = self._folder if judgement.passes else self._folder / REJECTED
        path = folder / f"{draft.name}.tflite"
        make_folder(folder)
        # Whether it may replace a file was settled before the minutes of conversion; what was rejected is scrap.
        write_file(path, append_card(draft.model, card), overwrite=True)
        if not judgement.passes:
            text = "".join(f"{reason}\n" for reason in judgement.reasons)
            write_file(path.with_suffix(".txt"), text.encode(), overwrite=True)
        manifest = self._find_manifest(card.calibration)
        return Publication(path, card, judgement, attempts, operators, notes, manifest)

    def _find_manifest(self, record: Calibration | None) -> tuple[tuple[str, str], ...]:
        if record is None:
            return ()
        return next(
            chosen.files for chosen in self._sets.values() if chosen.record.manifest_sha256 == record.manifest_sha256
        )

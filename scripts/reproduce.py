"""Make a bundled model again, from its network and from its recipe: `make reproduce MODEL=zero-dce LOL=LOL`.

docs/training.md says what came out on our machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import converters.cli
import training.cli
from edge_dce.errors import EdgeDceError
from edge_dce.files.output import make_folder
from edge_dce.machine import read_cpu_features
from edge_dce.models.card import ModelCard, read_model_file
from edge_dce.terminal.arguments import parse_positive
from edge_dce.terminal.console import answer
from training.datasets.kinds import find_lol_root
from training.datasets.sets import Source
from training.evaluation import PARTS, read_evaluation
from training.fitting import fit
from training.metrics.registry import METRICS
from training.model import computes_bfloat16
from training.recipe import Recipe
from training.run import Run

_ROOT = Path(__file__).resolve().parents[1]
_STEPS = ("convert", "train")
_PRECISIONS = ("float16", "int8")
# Its runtime is named in the cards of the bundled files.
_OTHER_RUNTIME = _ROOT / ".venv-tflite" / "bin" / "python"
# Metric -> how far a mean may lie from the committed one: as far as another seed of a recipe takes it. Two other
# seeds of edge-pp lay up to 0.52 dB and 0.013 from the committed figures, the same seed 0.07 dB and 0.001; two seeds
# of a tone, one of them trained for fewer steps, lay up to 0.49 dB apart (docs/decisions/0020, "base"). The same seed
# is no exact repetition: the order in which threads add differs, and steps carry the difference on.
TOLERANCES = {"psnr": 0.5, "ssim": 0.02}


class ReproductionError(EdgeDceError):
    """A model cannot be made again with what is there, or it became another one."""


@dataclasses.dataclass(frozen=True)
class Original:
    """What is there of a model.

    Attributes:
        run: folder of its recipe, its data and its figures, in the folder of results.
        network: the exported network there, that the files were converted of; None where no file is bundled.
        size: width and height of the files, as the converter takes them.
        has_truth: whether the files were compared with normal light too, which their cards tell.
    """

    run: str
    network: str | None = None
    size: str = ""
    has_truth: bool = True


ORIGINALS = {
    "edge-tone": Original("edge-tone-once", "edge-tone/tone.keras", "192x128", has_truth=False),
    "report": Original("report"),
    "zero-dce": Original("edge", "edge/zero-dce.keras", "128x128"),
    "zero-dce-pp": Original("edge-pp", "edge-pp/zero-dce-pp.keras", "128x128"),
    "zero-dce-scene": Original("edge-scene", "edge-scene/zero-dce-scene.keras", "256x256"),
}


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """One model, made again.

    Attributes:
        model: its name in `ORIGINALS`.
        original: what there is of it.
        lol: the folder of LOL.
        out: folder for all that is made; a training in it goes on.
        results: the folder of results, as training/results.
        bundled: the folder of the bundled files.
    """

    model: str
    original: Original
    lol: Path
    out: Path
    results: Path = _ROOT / "training" / "results"
    bundled: Path = _ROOT / "edge_dce" / "models"

    def convert(self) -> list[str]:
        """Convert the committed network on LOL's parts; a line for each bundled file.

        Raises:
            ReproductionError: no file is bundled, or the converter refuses.
        """
        if self.original.network is None:
            raise ReproductionError(f"{self.model}: no file of it is bundled; use ONLY=train")
        recipe = Recipe.from_json((self._committed / "recipe.json").read_text(), origin=self._committed)
        for part in ("train", "validation"):
            split = ["--data", str(self.lol), "--recipe", recipe.name, "--part", part, "-o", str(self.out / part)]
            _run(training.cli.main, "split", *split, "--overwrite")
        # Files and cards are called as the network's file.
        network = self.out / f"{self.model}.keras"
        shutil.copyfile(self.results / self.original.network, network)
        pictures = ["--calibration", self.out / "train" / "low", "--evaluation", self.out / "validation" / "low"]
        truth = ["--truth", self.out / "validation" / "high"] if self.original.has_truth else []
        prove = ["--prove", _OTHER_RUNTIME] if _OTHER_RUNTIME.exists() else []
        for precision in _PRECISIONS:
            order = [network, "--precision", precision, "--size", self.original.size, *pictures, *truth, *prove]
            _run(converters.cli.main, *map(str, order), "-o", str(self.out), "--overwrite")
        names = [f"{self.model}-{self.original.size}-{precision}.tflite" for precision in _PRECISIONS]
        return [f"{name}: {compare_files(self.out / name, self.bundled / name)}" for name in names]

    def train(self, *, panoramas: Path | None = None, epochs: int | None = None) -> Iterator[str]:
        """Train by the committed recipe, or go on where it stopped; a line for each part of LOL, compared.

        Args:
            panoramas: folder of panoramas, for a recipe that cuts views.
            epochs: fewer than the recipe's, to try; its figures are then no reproduction.

        Raises:
            EdgeDceError: what `fit` and the evaluation raise.
        """
        recipe = Recipe.from_json((self._committed / "recipe.json").read_text(), origin=self._committed)
        recipe = dataclasses.replace(recipe, epochs=epochs or recipe.epochs)
        run = Run(self.out / "run")
        # A run that goes on does so as it began.
        is_mixed = (
            run.read_recipe().mixed_precision if run.recipe_path.exists() else computes_bfloat16(read_cpu_features())
        )
        if recipe.mixed_precision and not is_mixed:
            recipe = dataclasses.replace(recipe, mixed_precision=False)
            yield "trained in float32, as the CPU has no arithmetic for bfloat16"
        fit([Source.parse(str(self.lol))], recipe, run, panoramas=panoramas, verbose=2)
        key = "train_sha256"
        if run.read_data()[key] != Run(self._committed).read_data()[key]:
            yield f"{self.lol}: other pictures than those of {self._committed.name}"
        _run(training.cli.main, "evaluate", str(run.folder), "--data", str(self.lol), "--overwrite")
        yield from compare_figures(run.folder, self._committed)
        if self.model == "report":
            _run(training.cli.main, "psnr-wraparound", str(run.folder), "--data", str(self.lol))

    @property
    def _committed(self) -> Path:
        return self.results / self.original.run


def compare_files(made: Path, bundled: Path) -> str:
    """Whether two model files are equal, and if not, in what they differ.

    The converter publishes no file that misses its gate, so one of other bytes is as close to the Keras network as
    every bundled file had to be; how close both are is said.
    """
    ours, theirs = read_model_file(made), read_model_file(bundled)
    if made.read_bytes() == bundled.read_bytes():
        return f"equal, {bundled.stat().st_size} bytes"
    if ours.content == theirs.content:
        return f"the network is equal, {len(theirs.content)} bytes; its card {_compare_cards(ours.card, theirs.card)}"
    count = sum(a != b for a, b in zip(ours.content, theirs.content, strict=False))
    count += abs(len(ours.content) - len(theirs.content))
    closeness = (_describe_fidelity(model.card) for model in (ours, theirs))
    return "other bytes: {} of the network's {}; against Keras {}, bundled {}".format(
        count, len(theirs.content), *closeness
    )


def _compare_cards(ours: ModelCard | None, theirs: ModelCard | None) -> str:
    cards = [dataclasses.asdict(card) if card else {} for card in (ours, theirs)]
    fields = [name for name in cards[0] | cards[1] if cards[0].get(name) != cards[1].get(name)]
    return f"differs in {', '.join(fields)}" if fields else "says the same in other words"


def _describe_fidelity(card: ModelCard | None) -> str:
    if card is None or card.fidelity is None:
        return "nobody knows"
    return f"{card.fidelity.psnr_db:.2f} dB on average and {card.fidelity.worst_psnr_db:.2f} at worst"


def compare_figures(run: Path, committed: Path) -> list[str]:
    """A line for each part: means of a run beside the committed ones, and whether they are within `TOLERANCES`.

    Raises:
        EvaluationError: one of the two has no evaluation.
    """
    ours, theirs = read_evaluation(run), read_evaluation(committed)
    lines = []
    for part in (part for part in PARTS if part in ours.parts and part in theirs.parts):
        texts, is_near = [], True
        for name, tolerance in TOLERANCES.items():
            metric = METRICS[name]
            made, known = (each.average(part, "network")[metric.field] for each in (ours, theirs))
            texts.append(f"{metric.label} {metric.format({metric.field: made})} ({known:.{metric.decimals}f})")
            is_near = is_near and abs(made - known) <= tolerance
        limits = f"{TOLERANCES['psnr']} dB and {TOLERANCES['ssim']}"
        verdict = f"within {limits}" if is_near else f"DIFFERS by more than {limits}"
        lines.append(f"{ours.title(part)}: {', '.join(texts)}; {verdict} of {committed.name}")
    return lines


def main(argv: list[str] | None = None) -> int:
    """Make one model again; the exit status: 1 where it became another one, or cannot be made."""
    arguments = _build_parser().parse_args(argv)
    return answer(lambda: _reproduce(arguments), prog="reproduce", debug=arguments.debug)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.reproduce", description="Make a bundled model again.")
    parser.add_argument("model", choices=list(ORIGINALS))
    parser.add_argument("--lol", type=Path, required=True, metavar="DIR", help="folder of LOL, or its our485")
    parser.add_argument("--panoramas", type=Path, metavar="DIR", help="folder of panoramas, for edge-tone")
    parser.add_argument("--only", choices=_STEPS, help="one of the two steps (default: both that it has)")
    parser.add_argument("--epochs", type=parse_positive, metavar="N", help="fewer than the recipe's, to try")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: runs/reproduce/MODEL")
    parser.add_argument("--debug", action="store_true", help="show a traceback on errors")
    return parser


def _reproduce(arguments: argparse.Namespace) -> None:
    if find_lol_root(arguments.lol) is None:
        raise ReproductionError(
            f"expected the folder of LOL, with low/ and high/ in it or in our485/, found '{arguments.lol}'; try: "
            "make reproduce MODEL=zero-dce LOL=LOL"
        )
    original = ORIGINALS[arguments.model]
    steps = [arguments.only] if arguments.only else [step for step in _STEPS if original.network or step == "train"]
    if "train" in steps and original.run == "edge-tone-once" and arguments.panoramas is None:
        raise ReproductionError(
            "edge-tone learns from panoramas too; add PANORAMAS=folder, or ONLY=convert (docs/training.md names them)"
        )
    out = arguments.output or Path("runs") / "reproduce" / arguments.model
    make_folder(out)
    reproduction = Reproduction(arguments.model, original, arguments.lol, out)
    lines = []
    for step in steps:
        start = time.monotonic()
        if step == "convert":
            lines += reproduction.convert()
        else:
            lines += reproduction.train(panoramas=arguments.panoramas, epochs=arguments.epochs)
        lines.append(f"{step}: {time.monotonic() - start:.0f} s")
    print(f"\n{arguments.model}:", *lines, sep="\n  ")
    if any("DIFFERS" in line for line in lines):
        raise ReproductionError(
            f"{arguments.model} became another one, see above; docs/training.md says what to expect"
        )


def _run(command: Callable[[list[str]], int], *arguments: str) -> None:
    if command(list(arguments)):
        raise ReproductionError(f"'{arguments[0]}' ended with an error, see above")


if __name__ == "__main__":
    sys.exit(main())

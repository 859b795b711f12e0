"""Command line of the converters: parse, call, print."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_dce.terminal.arguments import parse_positive, parse_size
from edge_dce.terminal.console import CUT_SHORT, answer
from edge_dce.terminal.parser import CommandParser

from .formats import CONTRACTS, PRECISIONS, SIZES, Bounds

if TYPE_CHECKING:
    from .publication import Publication

PROG = "python -m converters"
_ALL = "all"


def main(argv: Sequence[str] | None = None, *, prog: str = PROG) -> int:
    """Run `python -m converters ...`.

    Returns:
        Exit status: 0, 1 for an error said on stderr or a file that missed the gate, 130 for Ctrl-C.
    """
    arguments = build_parser(prog).parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return answer(
        lambda: _convert(arguments),
        prog=prog.removeprefix("python -m "),
        debug=arguments.debug,
        unread_status=CUT_SHORT,
    )


def build_parser(prog: str = PROG) -> argparse.ArgumentParser:
    parser = CommandParser(prog=prog, description="Convert a Keras network to verified .tflite files.")
    parser.add_argument("model", type=Path, metavar="MODEL", help=".keras or .h5 file, or the folder of a SavedModel")
    parser.add_argument("--precision", choices=(*PRECISIONS, _ALL), default=_ALL, help="default: %(default)s")
    parser.add_argument(
        "--format",
        choices=("tflite", "onnx"),
        default="tflite",
        help="onnx: float32 and int8 as .onnx too, for other runtimes (default: %(default)s)",
    )
    parser.add_argument(
        "--contract",
        choices=(*CONTRACTS, _ALL),
        help=f"{'; '.join(_explain_contracts())} (default: what the network itself returns)",
    )
    parser.add_argument(
        "--size",
        type=_parse_sizes,
        default=((256, 256),),
        metavar="WxH[,WxH...]",
        help="size of the network (default: 256x256); 16:9 and 4:3 stand for sizes with as many pixels",
    )
    parser.add_argument(
        "--returns", choices=tuple(CONTRACTS), help="what the network returns, if its shape does not show it"
    )
    parser.add_argument(
        "--trust", action="store_true", help="load a SavedModel, which is a program: it runs with your rights"
    )

    pictures = parser.add_argument_group("pictures")
    pictures.add_argument(
        "--calibration", type=Path, metavar="DIR", help="folder of low-light pictures that set the int8 scales"
    )
    pictures.add_argument(
        "--calibration-count",
        type=parse_positive,
        default=200,
        metavar="N",
        help="number of them to use (default: 200)",
    )
    pictures.add_argument(
        "--evaluation",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of other low-light pictures, to verify the files",
    )
    pictures.add_argument(
        "--evaluation-count", type=parse_positive, default=50, metavar="N", help="number of them to use (default: 50)"
    )
    pictures.add_argument(
        "--truth", type=Path, metavar="DIR", help="folder of the same scenes in normal light, with the same names"
    )
    pictures.add_argument(
        "--seed", type=parse_positive, default=2001, help="number that chooses the pictures (default: %(default)s)"
    )

    gate = parser.add_argument_group(
        "gate", "a file that misses a limit goes to DIR/rejected, and the exit status is 1"
    )
    gate.add_argument(
        "--min-psnr",
        type=_parse_bounds,
        metavar="MEAN[/WORST]",
        help=f"least PSNR in dB against the Keras network (default: {', '.join(_explain_bounds())})",
    )
    gate.add_argument(
        "--max-drop", type=float, default=0.2, metavar="DB", help="largest loss of PSNR against --truth (default: 0.2)"
    )
    gate.add_argument(
        "--prove",
        type=Path,
        action="append",
        default=[],
        metavar="PYTHON",
        help="Python of an environment whose TFLite runtime must give the same results; repeatable",
    )

    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--debug", action="store_true", help="show a traceback on errors")
    return parser


def _convert(arguments: argparse.Namespace) -> int:
    # TensorFlow takes seconds to import; usage errors and --help should not.
    from edge_dce.files.output import check_free

    from .publication import Order, publish
    from .report import write_report
    from .source import load_network

    source = load_network(arguments.model, returns=arguments.returns, is_trusted=arguments.trust)
    for note in source.notes:
        print(note, file=sys.stderr, flush=True)
    order = Order(
        precisions=tuple(PRECISIONS) if arguments.precision == _ALL else (arguments.precision,),
        contracts=_choose_contracts(arguments.contract, source.returns),
        sizes=arguments.size,
        calibration=arguments.calibration,
        evaluation=arguments.evaluation,
        truths=arguments.truth,
        calibration_count=arguments.calibration_count,
        evaluation_count=arguments.evaluation_count,
        seed=arguments.seed,
        bounds=arguments.min_psnr,
        drop_db=arguments.max_drop,
        runtimes=tuple(arguments.prove),
        onnx=arguments.format == "onnx",
    )
    for name in ("report.html", "report.json"):
        check_free(arguments.output / name, overwrite=arguments.overwrite)
    publications, noted = [], set()
    for publication in publish(source, order, arguments.output, overwrite=arguments.overwrite):
        publications.append(publication)
        for note in publication.notes:
            if note not in noted:
                print(note, file=sys.stderr, flush=True)
            noted.add(note)
        print(_describe(publication), flush=True)
    print(write_report(publications, order, source, arguments.output))
    return 0 if all(publication.passes for publication in publications) else 1


def _choose_contracts(asked: str | None, returns: str) -> tuple[str, ...]:
    if asked == _ALL:
        return tuple(name for name, product in CONTRACTS.items() if returns in product.build)
    return () if asked is None else (asked,)


def _describe(publication: Publication) -> str:
    fidelity = publication.judgement.verification.fidelity
    lines = [
        f"{publication.path}: {publication.path.stat().st_size / 1000:.0f} kB",
        f"  {fidelity.images} enhanced pictures against {fidelity.against}: mean {fidelity.psnr_db:.2f} dB, worst "
        f"{fidelity.worst_psnr_db:.2f} dB ({fidelity.worst_file}), largest difference {fidelity.max_abs}",
    ]
    if fidelity.drop_db is not None:
        lines.append(f"  against ground truth: {fidelity.drop_db:+.3f} dB lost")
    if len(publication.attempts) > 1:
        tried = "; ".join(
            f"{attempt.draft.how}: {attempt.verification.fidelity.psnr_db:.2f}/"
            f"{attempt.verification.fidelity.worst_psnr_db:.2f} dB"
            for attempt in publication.attempts
        )
        lines.append(f"  tried: {tried}")
    lines += [f"  rejected: {reason}" for reason in publication.reasons]
    if publication.translation:
        lines += [
            f"{publication.translation.path}: on {runtime}: mean {each.fidelity.psnr_db:.2f} dB, worst "
            f"{each.fidelity.worst_psnr_db:.2f} dB ({each.fidelity.worst_file})"
            for runtime, each in publication.translation.verifications.items()
        ]
        lines += [f"  rejected: {reason}" for reason in publication.translation.reasons]
    return "\n".join(lines)


def _explain_contracts() -> list[str]:
    return [f"{name}: {product.contract.purpose}" for name, product in CONTRACTS.items()]


def _explain_bounds() -> list[str]:
    return [f"{name} {each.bounds.psnr_db:g}/{each.bounds.worst_psnr_db:g}" for name, each in PRECISIONS.items()]


def _parse_sizes(text: str) -> tuple[tuple[int, int], ...]:
    sizes = [SIZES.get(part) or parse_size(part) for part in text.split(",")]
    return tuple(dict.fromkeys(sizes))


def _parse_bounds(text: str) -> Bounds:
    mean, _, worst = text.partition("/")
    try:
        return Bounds(float(mean), float(worst) if worst else float(mean) - 7)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected dB such as 45 or 45/38, found '{text}'") from None

"""Command line of the converters: parse, call, print."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_dce.arguments import parse_positive, parse_size
from edge_dce.errors import EdgeDceError

# As converters.conversion.PRECISIONS, which costs an import of TensorFlow; a test holds them together.
_PRECISIONS = ("float32", "float16", "int8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m converters ...`; the exit status: 0, 1 for an error said on stderr, 130 for Ctrl-C."""
    arguments = _build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        _convert(arguments)
    except EdgeDceError as error:
        if arguments.debug:
            raise
        print(f"converters: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m converters", description="Convert a Keras curve network to verified .tflite files."
    )
    parser.add_argument("model", type=Path, metavar="MODEL.keras")
    parser.add_argument("--precision", choices=(*_PRECISIONS, "all"), default="all")
    parser.add_argument("--size", type=parse_size, default=(256, 256), metavar="WxH", help="default: 256x256")
    parser.add_argument("--calibration", type=Path, metavar="DIR", help="low-light pictures that set the int8 scales")
    parser.add_argument("--calibration-count", type=parse_positive, default=200, metavar="N", help="default: 200")
    parser.add_argument("--evaluation", type=Path, required=True, metavar="DIR", help="other pictures, to verify on")
    parser.add_argument("--evaluation-count", type=parse_positive, default=50, metavar="N", help="default: 50")
    parser.add_argument("--seed", type=parse_positive, default=2001, help="which pictures are chosen")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--debug", action="store_true", help="show a traceback on errors")
    return parser


def _convert(arguments: argparse.Namespace) -> None:
    # TensorFlow takes seconds to import; usage errors and --help should not.
    from converters.publication import Order, publish
    from converters.source import load_network

    width, height = arguments.size
    order = Order(
        precisions=_PRECISIONS if arguments.precision == "all" else (arguments.precision,),
        width=width,
        height=height,
        calibration=arguments.calibration,
        evaluation=arguments.evaluation,
        calibration_count=arguments.calibration_count,
        evaluation_count=arguments.evaluation_count,
        seed=arguments.seed,
    )
    for publication in publish(load_network(arguments.model), order, arguments.output, overwrite=arguments.overwrite):
        fidelity = publication.fidelity
        print(f"{publication.path}: {publication.path.stat().st_size / 1000:.0f} kB")
        print(
            f"  {fidelity.images} enhanced pictures against {fidelity.against}: mean {fidelity.psnr_db:.2f} dB, worst "
            f"{fidelity.worst_psnr_db:.2f} dB ({fidelity.worst_file}), largest difference {fidelity.max_abs}",
            flush=True,
        )

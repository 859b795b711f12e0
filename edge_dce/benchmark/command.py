"""The `edge-dce benchmark` command: parse, call, print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from edge_dce.benchmark.comparison import ReportComparison, check_size, compare
from edge_dce.benchmark.measurement import Plan, Progress, measure
from edge_dce.benchmark.report import read_report
from edge_dce.benchmark.summary import format_comparison, format_report
from edge_dce.enhancing.jobs import STDOUT
from edge_dce.enhancing.options import add_accelerator_option
from edge_dce.files.output import check_free, check_parent, write_file
from edge_dce.models.contracts import CONTRACTS
from edge_dce.terminal.arguments import parse_above_zero, parse_count, parse_positive, parse_positives, parse_size
from edge_dce.terminal.console import make_lines_printable, say

_TOLERANCE_PERCENT = 10.0


def add_parser(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Add the command to those of a program (what `add_subparsers` returned)."""
    parser = commands.add_parser("benchmark", parents=parents, help="measure latency, memory and quality of models")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="bundled model or path; several are timed in turn")
    parser.add_argument(
        "--size", type=parse_size, default=(1920, 1080), metavar="WxH", help="size of the photo (default: 1920x1080)"
    )
    parser.add_argument(
        "--threads",
        type=parse_positives,
        default=(),
        metavar="N[,N...]",
        help="threads to measure (default: depends on the cores)",
    )
    parser.add_argument(
        "--runs", type=parse_positive, metavar="N", help="timed runs (default: 20 to 400, fewer if slow)"
    )
    parser.add_argument(
        "--warmup",
        type=parse_count,
        default=5,
        metavar="N",
        help="least number of runs before timing (default: %(default)s)",
    )
    pictures = parser.add_mutually_exclusive_group()
    pictures.add_argument(
        "--pairs",
        nargs=2,
        type=Path,
        metavar=("LOW_DIR", "HIGH_DIR"),
        help="also score PSNR and SSIM on dark pictures and their ground truth, matched by name",
    )
    pictures.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="also score brightness, clipping and noise on pictures without ground truth",
    )
    parser.add_argument(
        "--reference", metavar="MODEL", help="with --pairs or --images: compare all pictures with those of this model"
    )
    parser.add_argument(
        "--sustained", type=parse_above_zero, default=0.0, metavar="SECONDS", help="then run at full load for this long"
    )
    parser.add_argument(
        "--compare", type=Path, metavar="BASE.json", help="compare with this report; exit status 1 if slower"
    )
    parser.add_argument(
        "--tolerance",
        type=parse_above_zero,
        default=_TOLERANCE_PERCENT,
        metavar="PERCENT",
        help="with --compare: ignore smaller differences (default: %(default)g)",
    )
    parser.add_argument("--contract", choices=tuple(CONTRACTS), help="what a model without a card returns")
    add_accelerator_option(parser)
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument(
        "--json", metavar="FILE|-", help="write the raw result; - writes it to stdout instead of the tables"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing --json file")
    parser.set_defaults(command=run, usage_error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; the exit status: 1 if something is slower than --compare allows."""
    if arguments.reference and not (arguments.pairs or arguments.images):
        arguments.usage_error("--reference needs pictures: add --images DIR or --pairs LOW_DIR HIGH_DIR")
    target = Path(arguments.json) if arguments.json not in (None, STDOUT) else None
    if target is not None:
        check_free(target, overwrite=arguments.overwrite)
        check_parent(target)
    # Read first: a mistake in its name should not cost the time of a measurement.
    base = read_report(arguments.compare) if arguments.compare else None
    if base is not None:
        check_size(base, arguments.size, path=arguments.compare)
    with _Bars() as bars:
        report = measure(arguments.models, _plan(arguments), progress=bars.progress)
    text = report.to_json()
    if target is not None:
        write_file(target, text.encode(), overwrite=arguments.overwrite)
    shown = text if arguments.json == STDOUT else format_report(report, markdown=arguments.markdown)
    # What models are called, others said.
    print(make_lines_printable(shown))
    if base is None:
        return 0
    comparison = compare(report, base, tolerance=arguments.tolerance / 100)
    # With the JSON on stdout, what people read goes where it disturbs no program.
    stream = sys.stderr if arguments.json == STDOUT else sys.stdout
    changes = format_comparison(comparison, base=arguments.compare.name, markdown=arguments.markdown)
    print(f"\n{make_lines_printable(changes)}", file=stream)
    return _judge(comparison, arguments)


def _judge(comparison: ReportComparison, arguments: argparse.Namespace) -> int:
    if not comparison.slower:
        return 0
    names = ", ".join(dict.fromkeys(row.result.model for row in comparison.slower))
    say(f"edge-dce: slower than {arguments.compare} by more than {arguments.tolerance:g} %: {names}")
    return 1


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(
        size=arguments.size,
        threads=arguments.threads,
        runs=arguments.runs,
        warmup=arguments.warmup,
        contract=arguments.contract,
        accelerator=arguments.accelerator,
        pairs=tuple(arguments.pairs) if arguments.pairs else None,
        images=arguments.images,
        reference=arguments.reference,
        sustained_s=arguments.sustained,
    )


class _Bars:
    """Progress bars on a terminal, one stage after the other; nothing elsewhere."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self.progress = Progress(start=self._start, step=self._step)

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _start(self, what: str, steps: int) -> None:
        self.__exit__()
        self._bar = tqdm(total=steps, desc=what, leave=False, disable=None)

    def _step(self) -> None:
        if self._bar is not None:
            self._bar.update()

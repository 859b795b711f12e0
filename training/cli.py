"""Command line of the training package: parse, call, print."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.files.output import check_free, make_folder, write_file
from edge_dce.terminal.console import CUT_SHORT, answer

from .datasets.picture import DarkPicture
from .datasets.sets import Source
from .evaluation import METRICS
from .fit_command import add_fit
from .history import CHECKPOINTS
from .options import add_data, parse_count
from .recipe import DEFAULT_RECIPE, RECIPES, find_recipe
from .seed_runs import list_seed_runs
from .sweep_command import add_sweep

PROG = "python -m training"
# As written on the command line -> what the split calls it.
_PARTS = {"test": "test", "val": "validation"}


def main(argv: list[str] | None = None, *, prog: str = PROG) -> int:
    """Run `python -m training ...`; the exit status: 0, 1 for an error said on stderr, 130 for Ctrl-C."""
    arguments = build_parser(prog).parse_args(argv)
    # Seconds of start-up and pages of TensorFlow's notices are only for commands that train.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return answer(
        lambda: arguments.command(arguments),
        prog=prog.removeprefix("python -m "),
        debug=arguments.debug,
        # What it prints on the way is no reason to train.
        unread_status=CUT_SHORT,
    )


def build_parser(prog: str = PROG) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="Train and evaluate networks that brighten dark pictures.")
    parser.add_argument("--debug", action="store_true", help="show a traceback on errors")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_fit(commands)

    add_sweep(commands)

    export = commands.add_parser("export", help="write a run's network as a .keras file")
    export.add_argument("run", type=Path, metavar="RUN_DIR")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.keras")
    export.add_argument(
        "--checkpoint",
        choices=CHECKPOINTS,
        default=CHECKPOINTS[0],
        help="last epoch, or the best: that with the lowest loss on the validation part (default: %(default)s)",
    )
    export.add_argument("--overwrite", action="store_true")
    export.set_defaults(command=_export)

    split = commands.add_parser("split", help="write one part of the data as folders low/ and, for pairs, high/")
    add_data(split, required=True)
    split.add_argument(
        "--recipe",
        choices=list(RECIPES),
        default=DEFAULT_RECIPE,
        metavar="RECIPE",
        help="as of fit (default: %(default)s)",
    )
    split.add_argument("--part", choices=("test", "train", "validation"), required=True)
    split.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    split.add_argument("--overwrite", action="store_true")
    split.set_defaults(command=_split)

    evaluate = commands.add_parser("evaluate", help="score a network, and compare it with methods that need no network")
    evaluate.add_argument("run", type=Path, metavar="RUN", help="run folder, .keras file, or the authors' .pth file")
    add_data(evaluate)
    evaluate.add_argument(
        "--pairs",
        type=Path,
        nargs=2,
        action="append",
        default=[],
        metavar=("LOW", "HIGH"),
        help="two folders with the same file names; repeatable, also beside --data",
    )
    evaluate.add_argument(
        "--split", choices=list(_PARTS), action="append", help="part of --data; may be repeated (default: both)"
    )
    evaluate.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder for the results (default: the run folder)"
    )
    evaluate.add_argument(
        "--pictures",
        type=parse_count,
        default=12,
        metavar="N",
        help="number of pictures in the report (default: %(default)s)",
    )
    evaluate.add_argument("--overwrite", action="store_true")
    evaluate.set_defaults(command=_evaluate, parser=evaluate)

    compare = commands.add_parser("compare", help="show evaluated runs side by side")
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR")
    compare.add_argument("--metrics", metavar="NAME,...", help=f"show these with intervals: {', '.join(METRICS)}")
    compare.add_argument("--markdown", action="store_true", help="print a Markdown table")
    compare.add_argument(
        "--brief", action="store_true", help="print one line for each run: is it better than the first?"
    )
    compare.add_argument("--html", type=Path, metavar="FILE", help="also write the table as an HTML page")
    compare.add_argument("--overwrite", action="store_true")
    compare.set_defaults(command=_compare, parser=compare)

    wraparound = commands.add_parser(
        "psnr-wraparound", help="show how a wrong PSNR differs from the right one; see docs/psnr.md"
    )
    wraparound.add_argument("runs", type=Path, nargs="*", metavar="RUN", help="networks to score as well")
    wraparound.add_argument("--data", type=Path, required=True, metavar="LOL_DIR")
    wraparound.set_defaults(command=_psnr_wraparound)
    return parser


def _export(arguments: argparse.Namespace) -> None:
    from .export import export, export_checkpoint
    from .run import Run
    from .starting_point import CHECKPOINT_SUFFIXES

    if arguments.run.suffix in CHECKPOINT_SUFFIXES:
        export_checkpoint(arguments.run, arguments.output, overwrite=arguments.overwrite)
    else:
        export(Run(arguments.run), arguments.output, checkpoint=arguments.checkpoint, overwrite=arguments.overwrite)
    print(arguments.output)


def _split(arguments: argparse.Namespace) -> None:
    from .cache import find_cache_folder
    from .datasets.sets import HELD_OUT_EVERY, find_parts

    sources = [Source.parse(text) for text in arguments.data]
    pictures = find_parts(sources, find_recipe(arguments.recipe), cache=find_cache_folder())[arguments.part]
    names = _name_copies(pictures)
    copies = [
        (source, arguments.output / side / f"{name}{source.suffix}")
        for name, picture in zip(names, pictures, strict=True)
        for side, source in (("low", picture.low), ("high", picture.high))
        if source is not None
    ]
    if not copies:
        raise ImageError(
            f"{' '.join(arguments.data)}: the {arguments.part} part is empty; expected at least {HELD_OUT_EVERY} "
            f"scenes, or more pairs than recipe '{arguments.recipe}' takes for the other parts"
        )
    for _, target in copies:
        check_free(target, overwrite=arguments.overwrite)
    for source, target in copies:
        make_folder(target.parent)
        write_file(target, source.read_bytes(), overwrite=arguments.overwrite)
    has_partners = len(copies) > len(pictures)
    print(f"{len(pictures)} {'pairs' if has_partners else 'pictures'} in {arguments.output}")


def _name_copies(pictures: Sequence[DarkPicture]) -> list[str]:
    """Names without endings: the files' own, numbered where two sets or scenes have one name."""
    names = [picture.low.stem for picture in pictures]
    if len(set(names)) == len(names):
        return names
    return [f"{number:05}-{name}" for number, name in enumerate(names)]


def _evaluate(arguments: argparse.Namespace) -> None:
    from .run_table import tabulate_runs

    runs = list_seed_runs(arguments.run)
    for run in runs:
        output = arguments.output / run.name if arguments.output else None
        _evaluate_run(argparse.Namespace(**{**vars(arguments), "run": run, "output": output}))
    if runs:
        print(tabulate_runs([arguments.output or arguments.run]).to_text())
    else:
        _evaluate_run(arguments)


def _evaluate_run(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from . import evaluation, scoring
    from .evaluation_page import draw_page
    from .trained_network import load_trained_network

    if not arguments.data and not arguments.pairs:
        arguments.parser.error("--data is missing; give it, or --pairs")
    is_folder = arguments.run.is_dir()
    if arguments.output is None and not is_folder:
        if not arguments.run.exists():
            raise evaluation.EvaluationError(f"{arguments.run}: no such run folder or .keras file; check the path")
        raise evaluation.EvaluationError(f"{arguments.run}: expected a run folder, found a file; name a folder with -o")
    folder = arguments.output or arguments.run
    targets = [folder / evaluation.FILE_NAME, folder / "evaluation.html"]
    for target in targets:
        check_free(target, overwrite=arguments.overwrite)
    trained = load_trained_network(arguments.run)
    if arguments.split and not arguments.data:
        raise evaluation.EvaluationError("--split works only with --data; leave it out, because all --pairs are used")
    parts = {}
    if arguments.data:
        names = [part for split, part in _PARTS.items() if split in (arguments.split or _PARTS)]
        sources = [Source.parse(text) for text in arguments.data]
        parts = scoring.find_evaluation_parts(sources, trained.recipe, names)
    parts |= scoring.pair_folders(arguments.pairs)
    make_folder(folder)
    with tqdm(total=sum(map(len, parts.values())), unit="pair", disable=None) as bar:
        evaluated = scoring.evaluate(trained, parts, track=bar.update)
    page = draw_page(evaluated, trained, parts, pictures=arguments.pictures)
    for target, content in zip(targets, (evaluated.to_json().encode(), page), strict=True):
        write_file(target, content, overwrite=arguments.overwrite)
    if len(parts) > 1:
        print(evaluated.tabulate_sets().to_text(), end="\n\n")
    for part in evaluated.parts:
        print(evaluated.tabulate(part).to_text(), end="\n\n")
    for line in (*(f"warning: {warning}" for warning in evaluated.warnings), *targets):
        print(line)


def _compare(arguments: argparse.Namespace) -> None:
    from .run_table import tabulate_runs
    from .verdict import judge_runs

    if arguments.brief:
        if arguments.metrics or arguments.markdown or arguments.html:
            arguments.parser.error("--brief prints no table; leave out --metrics, --markdown and --html")
        print("\n".join(judge_runs(arguments.runs)))
        return
    table = tabulate_runs(arguments.runs, arguments.metrics.split(",") if arguments.metrics else ())
    if arguments.html:
        write_file(arguments.html, table.to_html(), overwrite=arguments.overwrite)
    print(table.to_markdown() if arguments.markdown else table.to_text())


def _psnr_wraparound(arguments: argparse.Namespace) -> None:
    from .scoring import find_evaluation_parts
    from .trained_network import load_trained_network
    from .wraparound import tabulate_wraparound

    # The report's test set, whatever the networks were trained by.
    source = Source("lol", str(arguments.data))
    pairs = find_evaluation_parts([source], find_recipe("report"), ["test"])["test"]
    print(tabulate_wraparound(pairs, [load_trained_network(run) for run in arguments.runs]).to_text())

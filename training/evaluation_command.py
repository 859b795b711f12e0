"""The commands `evaluate` and `compare`: parse, call, print."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_dce.files.output import check_free, make_folder, write_file
from edge_dce.terminal.arguments import parse_positive

from .datasets.picture import DarkPicture
from .datasets.sets import Source
from .evaluation import FILE_NAME, Evaluation, EvaluationError
from .metrics.registry import METRICS, Metric, find_metrics
from .options import add_data
from .seed_runs import list_seed_runs

if TYPE_CHECKING:
    from .trained_network import TrainedNetwork

# As written on the command line -> what the split calls it.
_PARTS = {"test": "test", "val": "validation"}
_METRICS_HELP = f"show these with 95 %% intervals: {', '.join(METRICS)}; see docs/training.md"


def add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of `evaluate`."""
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
        "--photos",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of pictures without partners, for metrics that need none; repeatable",
    )
    evaluate.add_argument(
        "--split", choices=list(_PARTS), action="append", help="part of --data; may be repeated (default: both)"
    )
    evaluate.add_argument("--metrics", metavar="NAME,...", help=_METRICS_HELP)
    evaluate.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder for the results (default: the run folder)"
    )
    evaluate.add_argument(
        "--pictures",
        type=parse_positive,
        default=12,
        metavar="N",
        help="number of pictures in the report (default: %(default)s)",
    )
    evaluate.add_argument("--overwrite", action="store_true")
    evaluate.set_defaults(command=_evaluate, parser=evaluate)


def add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of `compare`."""
    compare = commands.add_parser("compare", help="show evaluated runs side by side")
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR")
    compare.add_argument("--metrics", metavar="NAME,...", help=_METRICS_HELP)
    compare.add_argument("--markdown", action="store_true", help="print a Markdown table")
    compare.add_argument(
        "--brief", action="store_true", help="print one line for each run (and metric): is it better than the first?"
    )
    compare.add_argument("--html", type=Path, metavar="FILE", help="also write the table as an HTML page")
    compare.add_argument("--overwrite", action="store_true")
    compare.set_defaults(command=_compare, parser=compare)


def _evaluate(arguments: argparse.Namespace) -> None:
    from .run_table import tabulate_runs

    runs = list_seed_runs(arguments.run)
    for run in runs:
        output = arguments.output / run.name if arguments.output else None
        _evaluate_run(argparse.Namespace(**{**vars(arguments), "run": run, "output": output}))
    if runs:
        print(tabulate_runs([arguments.output or arguments.run], _split(arguments.metrics)).to_text())
    else:
        _evaluate_run(arguments)


def _evaluate_run(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from . import scoring
    from .evaluation_page import draw_page
    from .trained_network import load_trained_network

    if not arguments.data and not arguments.pairs and not arguments.photos:
        arguments.parser.error("--data is missing; give it, or --pairs, or --photos")
    metrics = find_metrics(_split(arguments.metrics))
    targets = _find_targets(arguments)
    trained = load_trained_network(arguments.run)
    parts = _find_parts(arguments, trained)
    make_folder(targets[0].parent)
    with tqdm(total=sum(map(len, parts.values())), unit="picture", disable=None) as bar:
        evaluated = scoring.evaluate(trained, parts, metrics=metrics, track=bar.update)
    page = draw_page(evaluated, trained, parts, metrics=metrics, pictures=arguments.pictures)
    for target, content in zip(targets, (evaluated.to_json().encode(), page), strict=True):
        write_file(target, content, overwrite=arguments.overwrite)
    _print(evaluated, metrics)
    for line in (*(f"warning: {warning}" for warning in evaluated.warnings), *targets):
        print(line)


def _find_targets(arguments: argparse.Namespace) -> list[Path]:
    """Where figures and page go, which is free."""
    if arguments.output is None and not arguments.run.is_dir():
        if not arguments.run.exists():
            raise EvaluationError(f"{arguments.run}: no such run folder or .keras file; check the path")
        raise EvaluationError(f"{arguments.run}: expected a run folder, found a file; name a folder with -o")
    targets = [(arguments.output or arguments.run) / name for name in (FILE_NAME, "evaluation.html")]
    for target in targets:
        check_free(target, overwrite=arguments.overwrite)
    return targets


def _find_parts(arguments: argparse.Namespace, trained: TrainedNetwork) -> dict[str, list[DarkPicture]]:
    from . import scoring

    if arguments.split and not arguments.data:
        raise EvaluationError("--split works only with --data; leave it out, because all --pairs and --photos are used")
    parts: dict[str, list[DarkPicture]] = {}
    if arguments.data:
        names = [_PARTS[split] for split in arguments.split or ()]
        sources = [Source.parse(text) for text in arguments.data]
        parts = scoring.find_evaluation_parts(sources, trained.recipe, names)
    for sets in (scoring.pair_folders(arguments.pairs), scoring.list_photos(arguments.photos)):
        for name, pictures in sets.items():
            if name in parts:
                raise EvaluationError(f"expected sets of different names, found '{name}' twice; rename a folder")
            parts[name] = pictures
    return parts


def _print(evaluated: Evaluation, metrics: list[Metric]) -> None:
    if len({row.part for row in evaluated.images}) > 1:
        print(evaluated.tabulate_sets(metrics).to_text(), end="\n\n")
    for part in evaluated.parts:
        table = evaluated.tabulate_metrics(part, metrics) if metrics else evaluated.tabulate(part)
        print(table.to_text(), end="\n\n")


def _compare(arguments: argparse.Namespace) -> None:
    from .run_table import tabulate_runs
    from .verdict import judge_runs

    if arguments.brief:
        if arguments.markdown or arguments.html:
            arguments.parser.error("--brief prints no table; leave out --markdown and --html")
        print("\n".join(judge_runs(arguments.runs, _split(arguments.metrics))))
        return
    table = tabulate_runs(arguments.runs, _split(arguments.metrics))
    if arguments.html:
        write_file(arguments.html, table.to_html(), overwrite=arguments.overwrite)
    print(table.to_markdown() if arguments.markdown else table.to_text())


def _split(names: str | None) -> list[str]:
    return names.split(",") if names else []

"""`edge-dce doctor`: what is wrong with this Python, its packages and this board, and the line that puts it right.

Imports the standard library alone and tries everything else in child processes, so it also runs, as
`python -m edge_dce.doctor`, where numpy is missing and where importing OpenCV kills the process.

checks          what is examined, in which order: another check is a function that returns a `Finding`, and a line here
board           system, memory, clock, heat, power, cameras: what `edge_dce.machine` reads, judged
packages        Python and what is installed (wheels: which runtime has a wheel here)
default_model   the default model at work (trial, in a child process), against committed results (reference)
finding         one thing that the doctor says
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence

from edge_dce.doctor.checks import examine
from edge_dce.doctor.finding import LEVELS, Finding, Level
from edge_dce.terminal.console import answer
from edge_dce.terminal.parser import CommandParser

__all__ = ["LEVELS", "PURPOSE", "SCHEMA", "Finding", "Level", "add_options", "examine", "main", "run"]

SCHEMA = 1
PURPOSE = "find what is wrong here and say how to fix it"
_NAME_WIDTH = 12


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `run` takes."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine, print, and return 1 if there is a problem, else 0."""
    findings = examine()
    print(json.dumps(make_report(findings), indent=1) if arguments.json else format_findings(findings))
    return 1 if worst_level(findings) == "problem" else 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command line by itself, for where `edge_dce.cli` cannot be imported."""
    parser = CommandParser(prog="edge-dce doctor", description=PURPOSE)
    add_options(parser)
    arguments = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of boards and cameras may be in letters that the terminal does not have.
        sys.stdout.reconfigure(errors="replace")
    return answer(lambda: run(arguments))


def make_report(findings: Sequence[Finding]) -> dict[str, object]:
    """The JSON object that `edge-dce doctor --json` prints."""
    return {
        "schema": SCHEMA,
        "level": worst_level(findings),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }


def format_findings(findings: Sequence[Finding]) -> str:
    """A line for each finding, and below it the remedy where it needs one; a summary last."""
    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 100))
    lines = []
    for finding in findings:
        head = f"{finding.level:8} {finding.name:{_NAME_WIDTH}} "
        lines += textwrap.wrap(f"{head}{finding.found}", width, subsequent_indent=" " * len(head))
        if finding.remedy and finding.level != "ok":
            # Not wrapped: a command is copied as one line.
            lines.append(f"{'':8} -> {finding.remedy}")
    return "\n".join([*lines, "", _summarize(findings)])


def worst_level(findings: Sequence[Finding]) -> Level:
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


def _summarize(findings: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    parts = [f"{counts[level]} {level}{'s'[: counts[level] != 1]}" for level in ("problem", "warning") if counts[level]]
    return ", ".join(parts) or "all is well"

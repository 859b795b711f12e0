"""`python -m apps.camera`: start the app."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edge_dce.camera.sources import describe_sources
from edge_dce.terminal.arguments import parse_size
from edge_dce.terminal.console import answer
from edge_dce.terminal.parser import CommandParser

from .device import Folders, find_folders, is_android

PROG = "python -m apps.camera"


def build_parser(prog: str = PROG) -> argparse.ArgumentParser:
    parser = CommandParser(prog=prog, description="A camera that sees in the dark.")
    parser.add_argument("--camera", metavar="SOURCE", help=f"camera to use: {describe_sources()}")
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="size of the camera's frames")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="folder for photos (default: Pictures/edge-dce)")
    parser.add_argument(
        "--benchmark",
        type=float,
        metavar="SECONDS",
        help="only measure the frame rate and the memory of the view for this long",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result of --benchmark to this file")
    return parser


def main(argv: Sequence[str] | None = None, *, prog: str = PROG) -> int:
    """Run the app until its window is closed.

    Args:
        prog: the command's name in help and messages.
    """
    if is_android():
        from .android.phone import register_android_cameras

        register_android_cameras()
    arguments = build_parser(prog).parse_args(argv)
    return answer(lambda: _run(arguments), prog=prog)


def _run(arguments: argparse.Namespace) -> int:
    folders = find_folders()
    if arguments.pictures:
        folders = dataclasses.replace(folders, pictures=arguments.pictures)
    # Kivy would parse the command line and write log files of its own.
    os.environ.setdefault("KIVY_NO_ARGS", "1")
    os.environ.setdefault("KIVY_NO_FILELOG", "1")
    from kivy.config import Config

    Config.set("graphics", "maxfps", "60")
    Config.set("graphics", "width", "1120")
    Config.set("graphics", "height", "680")
    Config.set("graphics", "minimum_width", "320")
    Config.set("graphics", "minimum_height", "320")
    # Lines and circles are drawn smooth; sampling every pixel several times would slow small devices down.
    Config.set("graphics", "multisamples", "0")
    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "window_icon", str(Path(__file__).with_name("icon.png")))
    # The mouse is one finger; red dots for a second one are for developers.
    Config.set("input", "mouse", "mouse,multitouch_on_demand")
    if arguments.benchmark is not None:
        return _benchmark(arguments)
    from .view.app import CameraApp

    CameraApp(folders, camera=arguments.camera, size=arguments.size).run()
    return 0


def _benchmark(arguments: argparse.Namespace) -> int:
    from kivy.config import Config

    Config.set("graphics", "width", "1280")
    Config.set("graphics", "height", "720")
    Config.set("graphics", "maxfps", "0")
    Config.set("graphics", "vsync", "0")
    from .benchmark import run_benchmark

    # Its settings and photos are nobody's.
    with tempfile.TemporaryDirectory() as folder:
        run_benchmark(Folders(Path(folder), Path(folder)), arguments.benchmark, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Commands of `edge-dce` whose programs live in other packages, which are imported when one of them is asked for."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.util
from typing import Any

from edge_dce.errors import EdgeDceError

_PROG = "edge-dce"
# Module -> what people call it.
_TITLES = {"ai_edge_quantizer": "ai-edge-quantizer", "keras": "Keras", "kivy": "Kivy", "tensorflow": "TensorFlow"}


@dataclasses.dataclass(frozen=True)
class Door:
    """One such command.

    Attributes:
        name: as it is typed.
        purpose: one line for `edge-dce --help`.
        program: module with `main(argv, *, prog)`, which returns the exit status.
        extra: of the distribution: what pip installs to bring the command.
        needs: modules that the extra brings and the program does nothing without.
        is_part: whether the name is that of one of the program's own commands, not of the whole.
    """

    name: str
    purpose: str
    program: str
    extra: str
    needs: tuple[str, ...] = ()
    is_part: bool = False

    def open(self, arguments: argparse.Namespace) -> int:
        """Run the program on `arguments.rest`, a list of words.

        Raises:
            EdgeDceError: what the program needs is not installed, or cannot be imported.
        """
        package = self.program.partition(".")[0]
        for needed in (*self.needs, package):
            if importlib.util.find_spec(needed) is None:
                raise self._ask_for(needed)
        words, prog = ([self.name], _PROG) if self.is_part else ([], f"{_PROG} {self.name}")
        try:
            status: int = importlib.import_module(self.program).main([*words, *arguments.rest], prog=prog)
        except ModuleNotFoundError as error:
            # What only some of a program's commands need, such as the engine that Keras runs on.
            missing = (error.name or "").partition(".")[0]
            if not missing or missing in (package, "edge_dce"):
                raise _broken(error) from error
            raise self._ask_for(missing) from error
        except ImportError as error:
            raise _broken(error) from error
        return status

    def _ask_for(self, module: str) -> EdgeDceError:
        title = _TITLES.get(module, module)
        remedy = f"pip install 'edge-dce[{self.extra}]'"
        return EdgeDceError(f"expected {title} for '{self.name}', found none; run: {remedy}")


def _broken(error: ImportError) -> EdgeDceError:
    reason = str(error).strip().partition("\n")[0]
    return EdgeDceError(f"this installation is broken ({reason}); run: edge-dce doctor")


# docs/decisions/0018 says what has a door, and docs/decisions/0017 why the packages have these names.
DOORS = {
    door.name: door
    for door in (
        Door(
            "live",
            "enhance a camera's pictures live, for a web page or files",
            program="edge_dce_apps.pi.program",
            extra="pi",
            needs=("h11",),
        ),
        Door(
            "web",
            "enhance photos on a web page, and for programs",
            program="edge_dce_apps.photos.program",
            extra="pi",
            needs=("h11",),
        ),
        Door(
            "camera",
            "open the camera app, which sees in the dark",
            program="edge_dce_apps.camera.__main__",
            extra="app",
            needs=("kivy",),
        ),
        Door(
            "train",
            "train a network on dark pictures",
            program="edge_dce_training.cli",
            extra="train",
        ),
        Door(
            "evaluate",
            "score a network on dark pictures and their ground truth",
            program="edge_dce_training.cli",
            extra="train",
            is_part=True,
        ),
        Door(
            "convert",
            "convert a Keras network to verified .tflite files",
            program="edge_dce_converters.cli",
            extra="convert",
        ),
    )
}


def add_parsers(commands: Any) -> None:
    """Add the doors to the commands of a program (what `add_subparsers` returned); their programs parse the rest."""
    for door in DOORS.values():
        commands.add_parser(door.name, help=door.purpose, add_help=False).set_defaults(command=door.open, debug=False)

"""Model files from elsewhere are tried in a child process, which they may crash, hang or fill, before they run here.

What the trial showed is remembered in the user's cache by the model's hash, so that a file is tried once on a machine.
Only what a file does counts; what its card says of it does not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
from pathlib import Path

from edge_dce.errors import ModelError
from edge_dce.machine import find_cache_folder
from edge_dce.models.card import ModelFile
from edge_dce.terminal.child import run_python
from edge_dce.version import VERSION

_SECONDS = 60
_CHILD = """
import sys
from edge_dce.models.runtime import run_trial
print(run_trial(sys.stdin.buffer.read(), threads=int(sys.argv[1])).to_json())
"""
SCALES_ITSELF = (
    "expected a network for pictures from 0 to 1, found one that divides by 255 itself and will see them black; "
    "convert it without that layer"
)
# What a network does cannot tell one that divides from one that learned one curve for all pictures.
HARDLY_SEES = (
    "expected a network for pictures from 0 to 1, found one that hardly changes with them; "
    "if it divides by 255 itself, convert it without that layer, else train it on more pictures"
)
# A network that divides by 255 itself moves by about 1/255 of what it can. The least of a sound one that was seen, of
# the paper's network with its curves from dark pictures alone, is 2.6/255.
_STILL = 1.6 / 255
# The largest weight of a first layer: 0.06 as the paper's authors draw them, before any training, and 255 times less in
# a network that divides.
_LEAST_WEIGHT = 0.005
# Whatever moves by more sees enough.
_ENOUGH = 0.05


@dataclasses.dataclass(frozen=True)
class Trial:
    """How the outputs of a network change on average, as real numbers.

    Attributes:
        change: between a black picture and noise from 0 to 1.
        change_of_levels: between black and noise from 0 to 255; None where the input is integers, whose scale says
            what white is.
    """

    change: float
    change_of_levels: float | None = None

    @property
    def doubt(self) -> str | None:
        """What is odd about that, or None."""
        if self.change_of_levels is not None and self.change < min(_ENOUGH, _STILL * self.change_of_levels):
            return HARDLY_SEES
        if self.change == 0:
            return "expected a network that sees the picture, found one that returns the same for black and noise"
        return None

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Trial:
        """Raises ValueError, TypeError: something else than `to_json` wrote."""
        trial = Trial(**json.loads(text))
        if not all(isinstance(value, (float, int)) for value in (trial.change, trial.change_of_levels or 0.0)):
            raise TypeError("expected numbers")
        return trial


def judge_first_weights(largest: float | None) -> str | None:
    """The doubt about a network by the largest weight of its first layer; networks with trained bends hide it else."""
    return SCALES_ITSELF if largest is not None and largest < _LEAST_WEIGHT else None


def try_model(model: ModelFile, runtime: str, *, threads: int) -> Trial:
    """Run a model in a child process, or remember how that went.

    Args:
        runtime: name and version.

    Raises:
        ModelError: the model cannot be run, or no child process can be started.
    """
    memory = _find_memory(model, runtime)
    trial = _remember(memory)
    if trial is None:
        trial = _run(model, runtime, threads)
        _keep(memory, trial)
    return trial


def _run(model: ModelFile, runtime: str, threads: int) -> Trial:
    result = run_python(["-c", _CHILD, str(threads)], given=model.content, timeout_s=_SECONDS)
    if not result.has_started:
        raise ModelError(
            f"{model.path}: a model that is not bundled is tried in a child process, but none can start here "
            f"({result.failure}); use a bundled model"
        )
    failure = result.failure
    if failure is None:
        try:
            return Trial.from_json(result.output.strip().rpartition("\n")[2])
        except (ValueError, TypeError) as error:
            failure = str(error)
    flat = " ".join(failure.split())
    raise ModelError(f"{model.path}: {runtime} cannot run this model (in a trial: {flat}); get a fresh copy")


def _find_memory(model: ModelFile, runtime: str) -> Path | None:
    """The file for what was seen of a model: another runtime, processor or version of ours may do otherwise."""
    folder = find_cache_folder()
    kind = "-".join((*runtime.split(), platform.machine(), VERSION))
    return None if folder is None else folder / "tried-models" / f"{model.sha256}-{kind}.json"


def _remember(memory: Path | None) -> Trial | None:
    try:
        # What somebody else wrote there is no evidence.
        if memory is None or (hasattr(os, "getuid") and memory.stat().st_uid != os.getuid()):
            return None
        return Trial.from_json(memory.read_text())
    except (OSError, ValueError, TypeError):
        return None


def _keep(memory: Path | None, trial: Trial) -> None:
    if memory is None:
        return
    # Without a place to keep it the model is tried again next time.
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = memory.with_suffix(f".{os.getpid()}")
        unfinished.write_text(trial.to_json())
        unfinished.replace(memory)

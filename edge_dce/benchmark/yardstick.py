"""A network that stays the same, timed beside the others: where it changes, the machine did.

On two cores that share no cache one day and do the next, a run of a millisecond on two threads takes 1.3 times as long,
for minutes, while whatever runs on one core takes its time as ever.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from edge_dce.benchmark.latency import Latency
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import find_model
from edge_dce.models.network import Network
from edge_dce.models.runtime import find_runtime, open_interpreter
from edge_dce.models.xnnpack import uses_xnnpack

# The smallest operators: the more often threads wait for each other, the more the state of the machine matters.
MODEL = "zero-dce-pp-128x128-float16"


@dataclasses.dataclass(frozen=True)
class Yardstick:
    """Attributes:
    model_sha256: of the file, without its card.
    runtime: name and version.
    xnnpack: whether XNNPACK ran it; None if the runtime does not tell.
    threads: asked for.
    latency: of the interpreter's `invoke` alone.
    """

    model_sha256: str
    runtime: str
    xnnpack: bool | None
    threads: int
    latency: Latency

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"latency": self.latency.to_dict()}

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> Yardstick:
        """What `to_dict` wrote.

        Raises:
            KeyError, TypeError, ValueError: something else.
        """
        return Yardstick(**(fields | {"latency": Latency.from_dict(fields["latency"])}))

    def is_like(self, other: Yardstick) -> bool:
        """Whether both are the same network on the same runtime and threads, so that a difference is the machine's."""
        return dataclasses.replace(self, latency=other.latency) == other


@dataclasses.dataclass(frozen=True)
class OpenYardstick:
    """Ready to be timed: `invoke` is one run, `conclude` what comes of them."""

    invoke: Callable[[], object]
    conclude: Callable[[Latency], Yardstick]


def open_yardstick(*, threads: int) -> OpenYardstick:
    """Load the network for so many threads. Raises as `open_interpreter`."""
    model, runtime = read_model_file(find_model(MODEL)), find_runtime()
    interpreter = open_interpreter(model, threads=threads)
    network = Network(model.path, interpreter)
    network.feed(np.full(network.input.shape, 0.1, np.float32))
    conclude = functools.partial(
        Yardstick,
        model.sha256,
        f"{runtime.name} {runtime.version}",
        uses_xnnpack(interpreter),
        threads,
    )
    return OpenYardstick(interpreter.invoke, conclude)

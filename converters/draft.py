"""A file before it is judged: model bytes and all that its card says of them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
from pathlib import Path

from edge_dce.models.card import Calibration, ModelCard, ModelFile
from edge_dce.models.contracts import TONE
from edge_dce.models.runtime import find_runtime
from edge_dce.pixels.curve import ITERATIONS
from edge_dce.version import VERSION

from .formats import find_product
from .inspection import describe_input, describe_output, take_census
from .source import SourceNetwork

_TOOLS = ("tensorflow", "keras", "ai-edge-quantizer")


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is converted: a network under one contract at one size."""

    source: SourceNetwork
    contract: str
    width: int
    height: int

    def name_file(self, precision: str) -> str:
        """NAME[-image]-WxH-PRECISION, without suffix; files for `Enhancer` need not say what they return."""
        contract = "" if find_product(self.contract).contract.is_enhancing else f"-{self.contract}"
        return f"{self.source.name}{contract}-{self.width}x{self.height}-{precision}"


@dataclasses.dataclass(frozen=True)
class Draft:
    """Attributes:
    precision: what the file is, not what was asked for: "mixed" where layers stayed in float32.
    how: what was tried, for people.
    calibration: of int8 and mixed files.
    float_layers: those that stayed in float32.
    """

    subject: Subject
    precision: str
    model: bytes
    how: str
    calibration: Calibration | None = None
    float_layers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without suffix."""
        return self.subject.name_file(self.precision)

    @functools.cached_property
    def card(self) -> ModelCard:
        """Without fidelity, which is to be measured."""
        source, runtime = self.subject.source, find_runtime()
        return ModelCard(
            name=self.name,
            version=VERSION,
            precision=self.precision,
            contract=self.subject.contract,
            input=describe_input(self.model),
            output=describe_output(self.model, self.subject.contract),
            iterations=None if self.subject.contract == TONE.name else ITERATIONS,
            root=source.root,
            source=source.origin,
            calibration=self.calibration,
            fidelity=None,
            census=take_census(self.model),
            toolchain={tool: importlib.metadata.version(tool) for tool in _TOOLS} | {runtime.name: runtime.version},
            sha256=hashlib.sha256(self.model).hexdigest(),
            license="Apache-2.0",
            created=source.created,
            float_layers=self.float_layers,
            runtimes=(f"{runtime.name} {runtime.version}",),
        )

    @property
    def file(self) -> ModelFile:
        """As if it were on the disk."""
        return ModelFile(Path(f"{self.name}.tflite"), self.model, self.card, is_trusted=True)

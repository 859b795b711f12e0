"""Networks to begin with: how much of another fits, and the checkpoints that the authors of Zero-DCE published."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from .network import NETWORKS
from .recipe import RECIPES, Recipe
from .run import Run, RunError, load_network
from .torch_checkpoint import CheckpointError, read_checkpoint

FloatArray = npt.NDArray[np.float32]

CHECKPOINT_SUFFIXES = (".pth", ".pt")
_RESULTS = Path(__file__).resolve().parent / "results"
# Of the authors' layers, the last of which makes the curves.
_LAYERS = {f"e_conv{number}": f"conv{number}" for number in range(1, 7)} | {"e_conv7": "curves"}
# Their name of one of the two convolutions of a separable one -> what ours adds to the layer's name.
_SEPARABLE = {"depth_conv": "_depthwise", "point_conv": ""}


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What was taken from another network.

    Attributes:
        taken: names of the layers.
        left: name of a layer -> why it was not taken.
    """

    taken: tuple[str, ...]
    left: Mapping[str, str]

    def __str__(self) -> str:
        reasons = "; ".join(f"{name} {reason}" for name, reason in self.left.items())
        whole = len(self.taken) + len(self.left)
        return f"took {len(self.taken)} of {whole} layers" + (f"; fresh: {reasons}" if reasons else "")


def _find_exported(folder: Path) -> Path | None:
    """The `.keras` file of a folder like those of training/results, which hold no checkpoint; None of any other."""
    files = [] if Run(folder).checkpoint_path.exists() else sorted(folder.glob("*.keras"))
    return files[0] if files else None


def read_authors_network(path: Path) -> tuple[keras.Model, Recipe]:
    """A checkpoint of Zero-DCE or of Zero-DCE++ as a network of ours, and the authors' recipe with it.

    Raises:
        CheckpointError: no such checkpoint.
    """
    tensors = read_checkpoint(path)
    is_separable = any(".point_conv." in name for name in tensors)
    recipe = dataclasses.replace(RECIPES["authors"], network="zero-dce-pp" if is_separable else "zero-dce")
    network = NETWORKS[recipe.network].build()
    left = set(tensors)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights([_take(tensors, left, layer, weight, path) for weight in layer.weights])
    if left:
        raise CheckpointError(f"{path}: expected the layers of {recipe.network} alone, found {min(left)} as well")
    return network, recipe


def transfer(source: keras.Model, network: keras.Model) -> Transfer:
    """Give the layers of `network` the weights of those of `source` that have their name and shapes."""
    known = {layer.name: layer for layer in source.layers if layer.weights}
    taken: list[str] = []
    left: dict[str, str] = {}
    for layer in network.layers:
        if not layer.weights:
            continue
        if layer.name not in known:
            left[layer.name] = "is not there"
            continue
        expected, found = ([tuple(weight.shape) for weight in each.weights] for each in (layer, known[layer.name]))
        if expected == found:
            layer.set_weights(known[layer.name].get_weights())
            taken.append(layer.name)
        else:
            left[layer.name] = f"has {expected[0]}, there {found[0]}"
    return Transfer(tuple(taken), left)


def _take(
    tensors: Mapping[str, FloatArray], left: set[str], layer: keras.Layer, weight: keras.Variable, path: Path
) -> FloatArray:
    name = _name_tensor(layer.name, is_bias=weight.name == "bias", names=tensors)
    tensor = tensors.get(name)
    if tensor is None:
        raise CheckpointError(f"{path}: expected a tensor {name}, as Zero-DCE and Zero-DCE++ have it, found none")
    left.discard(name)
    if tensor.ndim == 4:
        # (out, in, H, W), and of depthwise kernels (channels, 1, H, W).
        tensor = tensor.transpose((2, 3, 0, 1) if layer.name.endswith("_depthwise") else (2, 3, 1, 0))
    if tensor.shape != tuple(weight.shape):
        raise CheckpointError(f"{path}: expected {name} of shape {tuple(weight.shape)}, found {tensor.shape}")
    return tensor


def _name_tensor(layer: str, *, is_bias: bool, names: Mapping[str, FloatArray]) -> str:
    kind = "bias" if is_bias else "weight"
    for theirs, ours in _LAYERS.items():
        if layer == ours and f"{theirs}.{kind}" in names:
            return f"{theirs}.{kind}"
        for part, ending in _SEPARABLE.items():
            if layer == f"{ours}{ending}" and f"{theirs}.{part}.{kind}" in names:
                return f"{theirs}.{part}.{kind}"
    return f"{layer}.{kind}"


def take_weights(network: keras.Model, start: Path) -> Transfer:
    """Put what fits of a run, an exported network or the authors' checkpoint into `network`.

    Raises:
        RunError: `start` is none of them, or has no layer that fits.
    """
    try:
        source = _load_start(start)
    except (ValueError, OSError, TypeError) as error:
        cause = " ".join(str(error).split())[:200]
        raise RunError(
            f"{start}: expected a run, a .keras file or a .pth file, found something else ({cause})"
        ) from error
    done = transfer(source, network)
    if not done.taken:
        raise RunError(f"{start}: expected a network like the recipe's, found no layer that fits ({done})")
    return done


def _load_start(start: Path) -> keras.Model:
    if start.suffix in CHECKPOINT_SUFFIXES:
        return read_authors_network(start)[0]
    return (
        load_network(Run(start))[0] if start.is_dir() else keras.models.load_model(start, compile=False, safe_mode=True)
    )


def find_start(name: str) -> Path:
    """The file or run that a name means: a path, or the name of a folder of training/results in a checkout.

    Raises:
        RunError: neither.
    """
    path = Path(name)
    if path.is_dir():
        return _find_exported(path) or path
    found = path if path.exists() else _find_exported(_RESULTS / name)
    if found is None:
        raise RunError(f"{name}: expected a run folder, a .keras or .pth file, or a folder of training/results")
    return found

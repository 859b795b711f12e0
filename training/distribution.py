"""Workers that train one network together, each on its share of every batch.

One of two modules of training that know which engine Keras runs on, because the engines share the work differently;
the other is training.discriminator. Only the chief, worker 0, has the run folder: it sends its state to the others at
the start.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import numpy.typing as npt

from .dataset import Shard
from .losses import Tensor
from .worker import DistributionError, Worker, meet

Tensors = Sequence[Tensor]
NumberArray = npt.NDArray[Any]
_T = TypeVar("_T")


class Team:
    """One worker alone; the teams of several override what takes the others.

    Attributes:
        shard: this worker's share of every batch.
        devices: how many devices, over all workers, a batch is divided among.
    """

    shard = Shard()
    devices = 1

    @property
    def is_chief(self) -> bool:
        return self.shard.index == 0

    def check_divides(self, images: int) -> None:
        """Raises DistributionError unless a batch of `images` pictures gives all devices the same number."""
        if images % self.devices:
            raise DistributionError(
                f"expected batches that {self.devices} devices can share evenly, found {images} pictures in a batch; "
                "choose another batch size or number of workers"
            )

    def trim(self, pictures: Sequence[_T]) -> Sequence[_T]:
        """As many of the pictures as can be divided among the devices of one worker without remainder."""
        own_devices = self.devices // self.shard.count
        return pictures[: len(pictures) // own_devices * own_devices]

    def prepare(self, model: keras.Model) -> None:
        """Make a compiled model's steps those of the team."""

    def make_callbacks(self) -> list[keras.callbacks.Callback]:
        """Callbacks for `fit`, to come before any that reads losses."""
        return []

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Turn the loss of another worker inside the block into a DistributionError."""
        yield

    @contextlib.contextmanager
    def share(self, folder: Path, names: Sequence[str]) -> Iterator[Path]:
        """`folder` itself on the chief, elsewhere a temporary copy of those of its files `names` that exist.

        What other workers write into their copy is lost, which is meant: nothing else in training has to know
        whether it is the chief.
        """
        if self.shard.count == 1:
            yield folder
        elif self.is_chief:
            self._broadcast(_pack(folder, names))
            yield folder
        else:
            content = self._broadcast(b"")
            with tempfile.TemporaryDirectory(prefix="edge-dce-worker-") as copy:
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    archive.extractall(copy)
                yield Path(copy)

    def _broadcast(self, content: bytes) -> bytes:
        """The chief's content, on every worker."""
        (size,) = self._sum_over_workers(np.array([len(content)], np.int32))
        # Neither engine sums bytes on every kind of device.
        numbers = np.zeros(int(size), np.int32)
        numbers[: len(content)] = np.frombuffer(content, np.uint8)
        return bytes(self._sum_over_workers(numbers).astype(np.uint8))

    def _sum_over_workers(self, numbers: NumberArray) -> NumberArray:
        return numbers


ALONE = Team()


class JaxTeam(Team):
    """Processes that jax makes one machine of; over gloo where the devices are CPUs.

    The compiled step of `keras.distribution.DataParallel` sees the whole batch, so losses, gradients and clipping are
    those of one worker by construction.
    """

    def __init__(self, worker: Worker) -> None:
        _check_own_name()
        keras.distribution.initialize(",".join(worker.addresses), len(worker.addresses), worker.index)
        # The data comes divided already, see training.dataset.Batches.
        distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(distribution)
        self.shard = Shard(worker.index, len(worker.addresses))
        self.devices = len(keras.distribution.list_devices())

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        import jax

        # Some of XLA's errors come as ValueError; all of them begin with a status code.
        with _explaining(jax.errors.JaxRuntimeError, ValueError, beginning="[A-Z_]+: "):
            yield

    def _sum_over_workers(self, numbers: NumberArray) -> NumberArray:
        from jax.experimental import multihost_utils

        total: NumberArray = np.asarray(multihost_utils.process_allgather(numbers)).sum(axis=0)
        return total


class TensorFlowTeam(Team):
    """Processes that average their gradients through the collectives of TensorFlow's MultiWorkerMirroredStrategy.

    Keras trains in each process as if it were alone, and the gradients are averaged before the optimizer sees them:
    Keras's own `fit` does not run under that strategy (docs/decisions/0007-data-parallel.md).
    """

    def __init__(self, worker: Worker) -> None:
        import tensorflow

        cluster = {"cluster": {"worker": worker.addresses}, "task": {"type": "worker", "index": worker.index}}
        os.environ["TF_CONFIG"] = json.dumps(cluster)
        self._tf = tensorflow
        self._strategy = tensorflow.distribute.MultiWorkerMirroredStrategy()
        # Compiled, because TensorFlow warns of collectives that are not; once for all lengths.
        self._sum = tensorflow.function(lambda own: self._all_reduce([own], "SUM")[0], reduce_retracing=True)
        self.shard = Shard(worker.index, len(worker.addresses))
        self.devices = len(worker.addresses)

    def prepare(self, model: keras.Model) -> None:
        for learner in (model.optimizer, getattr(model, "discriminator", None)):
            if learner is not None:
                learner.average_gradients = lambda gradients: self._all_reduce(gradients, "MEAN")
        # As Keras itself does under a strategy: XLA cannot compile these collectives.
        model.jit_compile = False

    def make_callbacks(self) -> list[keras.callbacks.Callback]:
        return [_LossAverage(self._average_numbers)]

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        errors = self._tf.errors
        with _explaining(errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.InternalError):
            yield

    def _all_reduce(self, tensors: Tensors, operation: str) -> list[Tensor]:
        """The sum or mean over workers of each tensor; callable in a step that Keras compiles and outside of one."""

        def reduce(own: Tensors) -> Tensors:
            # Collectives need tensors with a device, which those from outside `run` do not have in a graph.
            placed = [self._tf.identity(tensor) for tensor in own]
            reduced: Tensors = self._tf.distribute.get_replica_context().all_reduce(operation, placed)
            return reduced

        reduced = self._strategy.run(reduce, args=(list(tensors),))
        return [self._strategy.experimental_local_results(tensor)[0] for tensor in reduced]

    def _average_numbers(self, numbers: Sequence[float]) -> list[float]:
        total = self._sum_over_workers(np.array(numbers, np.float32))
        return [float(value) for value in total / self.shard.count]

    def _sum_over_workers(self, numbers: NumberArray) -> NumberArray:
        total: NumberArray = self._sum(self._tf.constant(numbers)).numpy()
        return total


def join(worker: Worker) -> Team:
    """Find the other workers, for five minutes; call it before anything is computed.

    Raises:
        DistributionError: Keras runs on an engine that has no such thing, or the others do not come.
    """
    teams: dict[str, Callable[[Worker], Team]] = {"jax": JaxTeam, "tensorflow": TensorFlowTeam}
    engine = keras.backend.backend()
    if engine not in teams:
        raise DistributionError(f"--worker: expected KERAS_BACKEND {' or '.join(teams)}, found {engine}")
    meet(worker)
    return teams[engine](worker)


def _check_own_name() -> None:
    """Gloo, which connects jax's CPUs, looks its own machine up by name and ends in a page of its own if it cannot."""
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except socket.gaierror as error:
        raise DistributionError(
            f"expected this machine's own name '{name}' to have an address, found none ({error.strerror}); "
            "add a line with both to /etc/hosts"
        ) from error


class _LossAverage(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """Replaces each worker's losses by their mean over all, which is that of the whole batch: the shares are equal."""

    def __init__(self, average: Callable[[Sequence[float]], list[float]]) -> None:
        super().__init__()
        self._average = average

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs:
            logs.update(zip(logs, self._average(list(logs.values())), strict=True))


@contextlib.contextmanager
def _explaining(*failures: type[Exception], beginning: str = "") -> Iterator[None]:
    try:
        yield
    except failures as error:
        if not re.match(beginning, str(error)):
            raise
        raise DistributionError(
            f"expected an answer from the other workers, found {type(error).__name__}; "
            "start all of them again to continue after the last finished epoch"
        ) from error


def _pack(folder: Path, names: Sequence[str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in (folder / name for name in names):
            if path.exists():
                archive.write(path, path.name)
    return content.getvalue()

"""Any network as a model that is ready to train: what its kind learns, and the optimizer of its recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import keras

from .dataset import load_batches, load_validation
from .drawings import draw_curve_maps, draw_tones
from .losses import COMPARISONS, REFERENCE_FREE, Tensor
from .network import NETWORKS
from .quantization import insert_rounding
from .recipe import Recipe, RecipeError
from .schedules import SCHEDULES, Rate
from .task import Task
from .tone_dataset import load_tone_batches, load_tone_validation
from .tone_model import ToneModel, enhance, shrink_for_tone
from .zero_dce import ZeroDCE, apply_curve_map, shrink_to_square

# Another kind of network is one entry here, under what its entry in NETWORKS says it returns.
TASKS: Mapping[str, Task] = {
    "curves": Task(ZeroDCE, load_batches, load_validation, shrink_to_square, apply_curve_map, draw_curve_maps),
    "tone": Task(ToneModel, load_tone_batches, load_tone_validation, shrink_for_tone, enhance, draw_tones),
}

# As Linux calls the instruction sets that have it.
_BFLOAT16 = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


def find_task(recipe: Recipe) -> Task:
    """What the recipe's network learns."""
    return TASKS[NETWORKS[recipe.network].returns]


class CoupledDecayAdam(keras.optimizers.Adam):  # type: ignore[misc]  # keras has no type information
    """Adam whose weight decay is a gradient like any other, as in torch.optim.Adam.

    Keras's own `weight_decay` is the decoupled kind of AdamW. Clipping comes first, as in the authors' code. `ema` is
    the momentum of the averaged weights from one step to the next, whatever the number of batches that make a step.
    """

    def __init__(
        self,
        learning_rate: Rate,
        *,
        coupled_decay: float,
        clip_norm: float | None,
        ema: float | None,
        accumulation_steps: int = 1,
    ) -> None:
        super().__init__(
            learning_rate,
            global_clipnorm=clip_norm,
            use_ema=ema is not None,
            # Keras averages after every batch, also those that make no step.
            ema_momentum=(ema or 0.99) ** (1 / accumulation_steps),
            gradient_accumulation_steps=accumulation_steps if accumulation_steps > 1 else None,
        )
        self._coupled_decay = coupled_decay
        # Replaced where each worker computes the gradient of its own share, see training.distribution.
        self.average_gradients: Callable[[Sequence[Tensor]], Sequence[Tensor]] = lambda gradients: gradients

    @property
    def batches(self) -> int:
        """How many batches it has seen; Keras's `iterations` are fewer where gradients are accumulated."""
        return int(self._iterations)

    def apply(self, grads: Sequence[Tensor], trainable_variables: Sequence[keras.Variable] | None = None) -> None:
        # Before clipping, which must see the norm of the whole batch's gradient.
        super().apply(self.average_gradients(grads), trainable_variables)

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        super().update_step(gradient + self._coupled_decay * variable, variable, learning_rate)


def build_model(recipe: Recipe, *, steps_per_epoch: int) -> keras.Model:
    """A compiled model with fresh weights and an optimizer whose variables exist, ready to train or to restore into.

    Raises:
        RecipeError: the perceptual loss's weights are not to be had, or there is no such loss as one that is weighed.
    """
    _check_losses(recipe)
    keras.utils.set_random_seed(recipe.seed)
    with _computing_in("mixed_bfloat16" if recipe.mixed_precision else "float32"):
        network = NETWORKS[recipe.network].build(channels=recipe.channels, initializer=recipe.initializer)
    if recipe.rounding:
        network = insert_rounding(network)
    model = find_task(recipe).wrap(network, recipe)
    optimizer = CoupledDecayAdam(
        SCHEDULES[recipe.schedule](recipe, steps_per_epoch),
        coupled_decay=recipe.weight_decay or 0.0,
        clip_norm=recipe.clip_norm,
        ema=recipe.ema,
        accumulation_steps=recipe.accumulation_steps,
    )
    # XLA's convolutions on a CPU take 1.3 times as long as those that TensorFlow brings, in bfloat16 2.3 times.
    model.compile(optimizer=optimizer, jit_compile=False if keras.backend.backend() == "tensorflow" else "auto")
    model.build((None, None, None, recipe.channels))
    optimizer.build(model.trainable_variables)
    return model


def computes_bfloat16(features: Collection[str]) -> bool:
    """Whether training has arithmetic for bfloat16: any GPU is taken to, and a CPU whose features are not known.

    Without it mixed precision takes more than twice as long as float32 (`edge`, TensorFlow 2.21, a CPU with AVX2).

    Args:
        features: of the CPU, see `edge_dce.machine.read_cpu_features`.
    """
    has_others = any(not device.startswith("cpu") for device in keras.distribution.list_devices())
    return has_others or not features or not _BFLOAT16.isdisjoint(features)


def _check_losses(recipe: Recipe) -> None:
    # A tone has no curves, which the others may ask for.
    known = {*COMPARISONS} if recipe.tone is not None else {*COMPARISONS, *REFERENCE_FREE}
    unknown = [name for name, weight in recipe.loss_weights.others if weight > 0 and name not in known]
    if unknown:
        raise RecipeError(
            f"recipe '{recipe.name}': expected losses that this kind of network has, found '{unknown[0]}'; add it to "
            "training.losses, or set its weight to 0"
        )


@contextlib.contextmanager
def _computing_in(policy: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)

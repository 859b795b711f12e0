"""From a run to a `.keras` file of plain layers that says inside where it comes from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import keras

from edge_dce.errors import OutputError
from edge_dce.files.output import check_free, make_folder
from edge_dce.models.origin import Origin, append_origin

from .history import BEST, LAST
from .run import Run, RunError, load_network
from .starting_point import read_authors_network


def export_checkpoint(checkpoint: Path, output: Path, *, overwrite: bool = False) -> None:
    """The same of a PyTorch checkpoint that the authors of Zero-DCE or Zero-DCE++ published.

    Raises:
        CheckpointError: it is none.
        RunError, OutputError: as `export`.
    """
    network, recipe = read_authors_network(checkpoint)
    data = {"title": checkpoint.name, "checkpoint_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest()}
    origin = Origin(json.loads(recipe.to_json()), 0, data, recipe.title, uses_partners=False)
    _write(network, origin, output, overwrite=overwrite)


def export(run: Run, output: Path, *, checkpoint: str = LAST, overwrite: bool = False) -> None:
    """Write the run's network, and its origin as JSON in the same archive, to `output`.

    Args:
        checkpoint: one of `training.history.CHECKPOINTS`; the origin says that the best is chosen on the validation
            part.

    Raises:
        RunError: the run has no checkpoint, or the name does not end in .keras.
        OutputError: the file exists, or cannot be written.
    """
    _check_output(output, overwrite=overwrite)
    network, epochs = load_network(run, checkpoint)
    recipe, data = run.read_recipe(), run.read_data()
    choice = f"epoch {epochs} chosen by its loss on {data['validation_files']} validation pictures"
    if recipe.ema is not None:
        choice += ", before its weights were averaged"
    origin = Origin(
        recipe=json.loads(recipe.to_json()),
        epochs=epochs,
        data=data,
        title=recipe.title,
        uses_partners=recipe.uses_partners,
        choice=choice if checkpoint == BEST else "",
    )
    _write(network, origin, output, overwrite=overwrite)


def _write(network: keras.Model, origin: Origin, output: Path, *, overwrite: bool) -> None:
    _check_output(output, overwrite=overwrite)
    make_folder(output.parent)
    # Keras insists on the suffix.
    unfinished = output.with_name(f".{output.name}.part.keras")
    try:
        network.save(unfinished)
        append_origin(unfinished, origin)
        unfinished.replace(output)
    except OSError as error:
        raise OutputError(f"{output}: cannot be written ({error.strerror}); choose another place") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _check_output(output: Path, *, overwrite: bool) -> None:
    if output.suffix != ".keras":
        raise RunError(f"{output}: expected a name ending in .keras")
    check_free(output, overwrite=overwrite)

"""From a run to a `.keras` file of plain layers that says inside where it comes from."""

from __future__ import annotations

import json
from pathlib import Path

from edge_dce.errors import OutputError
from edge_dce.files.output import check_free, make_folder
from edge_dce.models.origin import Origin, append_origin

from .run import Run, RunError, load_network


def export(run: Run, output: Path, *, overwrite: bool = False) -> None:
    """Write the run's network, and its origin as JSON in the same archive, to `output`.

    Raises:
        RunError: the run has no checkpoint, or the name does not end in .keras.
        OutputError: the file exists, or cannot be written.
    """
    if output.suffix != ".keras":
        raise RunError(f"{output}: expected a name ending in .keras")
    check_free(output, overwrite=overwrite)
    network, epochs = load_network(run)
    recipe = run.read_recipe()
    origin = Origin(
        recipe=json.loads(recipe.to_json()),
        epochs=epochs,
        data=run.read_data(),
        title=recipe.title,
        uses_partners=recipe.uses_partners,
    )
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

"""From a run to a `.keras` file of plain layers, with a JSON file beside it that says where it comes from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from edge_dce.output import check_free, make_folder, write_file
from training.dataset import count_steps
from training.model import build_model
from training.run import Run, RunError, restore


def export(run: Run, output: Path, *, overwrite: bool = False) -> None:
    """Write the run's network to `output` and its origin to `output` + ".json".

    Raises:
        RunError: the run has no checkpoint, or the name does not end in .keras.
        OutputError: the file exists, or cannot be written.
    """
    if output.suffix != ".keras":
        raise RunError(f"{output}: expected a name ending in .keras")
    beside = output.with_name(output.name + ".json")
    for path in (output, beside):
        check_free(path, overwrite=overwrite)
    recipe = run.read_recipe()
    data = json.loads(run.data_path.read_text())
    steps = count_steps(data["train_files"], recipe)
    model = build_model(recipe, steps_per_epoch=steps)
    epochs = restore(model, run, steps_per_epoch=steps)
    if epochs == 0:
        raise RunError(f"{run.folder}: no finished epoch to export; go on with 'fit'")
    make_folder(output.parent)
    # Keras insists on the suffix.
    unfinished = output.with_name(f".{output.name}.part.keras")
    try:
        model.network.save(unfinished)
        origin = {
            "recipe": json.loads(recipe.to_json()),
            "epochs": epochs,
            "data": data,
            "sha256": hashlib.sha256(unfinished.read_bytes()).hexdigest(),
        }
        write_file(beside, (json.dumps(origin, indent=2) + "\n").encode(), overwrite=overwrite)
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)

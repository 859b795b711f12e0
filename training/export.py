"""From a run to a `.keras` file of plain layers, with a JSON file beside it that says where it comes from."""

from __future__ import annotations

import json
import os
from pathlib import Path

from edge_dce.images import write_atomically
from training.dataset import count_steps
from training.model import build_model
from training.run import Run, RunError, restore


def export(run: Run, output: Path, *, overwrite: bool = False) -> None:
    """Write the run's network to `output` and its origin to `output` + ".json".

    Raises:
        RunError: the run has no checkpoint, the name does not end in .keras, or the file exists.
    """
    if output.suffix != ".keras":
        raise RunError(f"{output}: expected a name ending in .keras")
    if output.exists() and not overwrite:
        raise RunError(f"{output}: exists already; choose another name or pass --overwrite")
    recipe = run.read_recipe()
    data = json.loads(run.data_path.read_text())
    steps = count_steps(data["train_files"], recipe)
    model = build_model(recipe, steps_per_epoch=steps)
    epochs = restore(model, run, steps_per_epoch=steps)
    if epochs == 0:
        raise RunError(f"{run.folder}: no finished epoch to export; go on with 'fit'")
    output.parent.mkdir(parents=True, exist_ok=True)
    # Keras insists on the suffix.
    unfinished = output.with_name(f".{output.name}.part.keras")
    model.network.save(unfinished)
    origin = {"recipe": json.loads(recipe.to_json()), "epochs": epochs, "data": data}
    write_atomically(output.with_name(output.name + ".json"), (json.dumps(origin, indent=2) + "\n").encode())
    os.replace(unfinished, output)

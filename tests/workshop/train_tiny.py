"""`python -m training` with one more recipe, so small that workers in child processes can train by it in a test."""

import sys

from training.cli import main
from training.recipe import RECIPES, Recipe

# Everything whose result depends on how a batch is divided: random crops, clipping by the norm of all gradients.
TINY = Recipe(
    name="tiny",
    epochs=12,
    batch_size=4,
    resize_px=32,
    crop_px=16,
    flip=True,
    exposure_shift=0.3,
    cosine_decay=True,
    weight_decay=1e-4,
    clip_norm=0.1,
    validation_from=40,
)

if __name__ == "__main__":
    RECIPES[TINY.name] = TINY
    sys.exit(main())

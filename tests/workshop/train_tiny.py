"""`python -m training` with one more recipe, so small that workers in child processes can train by it in a test."""

import sys

from training.cli import main
from training.recipe import RECIPES, Recipe

# Everything whose result depends on how a batch is divided: random crops, and clipping by the norm of all gradients.
# That norm is 8 to 77 here: some steps are clipped and some not, so that a sum in place of the mean shows, which Adam
# alone would hide.
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
    clip_norm=20.0,
    validation_from=40,
)

if __name__ == "__main__":
    RECIPES[TINY.name] = TINY
    sys.exit(main())
